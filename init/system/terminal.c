/* Job control. Whoever is not in the foreground gets SIGTTOU for changing the terminal, unless it
 * is blocked: for us it would mean one worker less. */
#include "init/system/terminal.h"

#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

#include "base/ban.h"

static sigset_t block_ttou(void)
{
	sigset_t ttou, before;

	(void)sigemptyset(&ttou);
	(void)sigaddset(&ttou, SIGTTOU);
	(void)sigprocmask(SIG_BLOCK, &ttou, &before);
	return before;
}

void terminal_set_foreground(int fd, pid_t group)
{
	sigset_t before = block_ttou();

	(void)tcsetpgrp(fd, group);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
}

static void set_settings(const struct terminal *t, const struct termios *settings)
{
	sigset_t before = block_ttou();

	(void)tcsetattr(t->fd, TCSADRAIN, settings);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
}

void terminal_init(struct terminal *t, int fd)
{
	*t = (struct terminal){ .fd = -1 };
	/* 0: a group outside of our PID namespace */
	if (tcgetattr(fd, &t->settings) == 0 && getpgrp() > 0 && tcgetpgrp(fd) == getpgrp())
		t->fd = fd;
}

int terminal_for_worker(const struct terminal *t, unsigned n_workers)
{
	bool alone = n_workers == 1 && !t->holder;

	return alone && tcgetpgrp(t->fd) == getpgrp() ? t->fd : -1;
}

void terminal_taken(struct terminal *t, pid_t pid)
{
	if (pid > 0)
		t->holder = pid;
	else
		terminal_set_foreground(t->fd, getpgrp());
}

bool terminal_is_gone(const struct terminal *t)
{
	return t->fd >= 0 && tcgetpgrp(t->fd) < 0;
}

static bool is_by_key(int status)
{
	return WIFSIGNALED(status) && (WTERMSIG(status) == SIGINT || WTERMSIG(status) == SIGQUIT);
}

/* What shells and runtimes make of a SIGINT that they handle. */
static bool says_by_key(int status)
{
	return WIFEXITED(status) &&
	       (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 128 + SIGINT);
}

bool terminal_is_users_end(const struct terminal *t, int status)
{
	return is_by_key(status) || says_by_key(status) || terminal_is_gone(t);
}

/* Takes the terminal from the holder, if it is not the shell's already. */
static bool take_back(const struct terminal *t, pid_t holder)
{
	if (tcgetpgrp(t->fd) != holder)
		return false;
	terminal_set_foreground(t->fd, getpgrp());
	set_settings(t, &t->settings);
	return true;
}

bool terminal_holder_ended(struct terminal *t, pid_t pid)
{
	if (!t->holder || t->holder != pid)
		return false;
	t->holder = 0;
	(void)take_back(t, pid);
	return true;
}

void terminal_pass_on(struct terminal *t, pid_t pid, unsigned n_workers)
{
	int fd = terminal_for_worker(t, n_workers);

	if (fd < 0)
		return;
	terminal_set_foreground(fd, pid);
	terminal_taken(t, pid);
}

/* Stopped until somebody sends SIGCONT; not at all where nobody could: the kernel does not stop
 * process 1 or an orphaned process group. */
void terminal_stop_job(void)
{
	struct sigaction as_usual = { .sa_handler = SIG_DFL }, before;

	(void)sigaction(SIGTSTP, &as_usual, &before);
	(void)kill(0, SIGTSTP);
	(void)sigaction(SIGTSTP, &before, NULL);
}

static void continue_holder(const struct terminal *t)
{
	terminal_set_foreground(t->fd, t->holder);
	(void)kill(-t->holder, SIGCONT);
}

static void stop_with_holder(struct terminal *t)
{
	struct termios settings;
	bool known = tcgetattr(t->fd, &settings) == 0 && take_back(t, t->holder);

	terminal_stop_job();
	if (tcgetpgrp(t->fd) != getpgrp())
		return; /* `bg`: terminal_continue() follows */
	if (known)
		set_settings(t, &settings);
	continue_holder(t);
}

bool terminal_holder_stopped(struct terminal *t, pid_t pid, int sig)
{
	bool wants_it = sig == SIGTTIN || sig == SIGTTOU;

	if (pid != t->holder || !(wants_it || sig == SIGTSTP))
		return false;
	if (wants_it && tcgetpgrp(t->fd) == getpgrp())
		continue_holder(t); /* `fg` of what runs already tells nobody */
	else
		stop_with_holder(t);
	return true;
}

void terminal_continued(const struct terminal *t)
{
	if (t->holder && tcgetpgrp(t->fd) == getpgrp())
		terminal_set_foreground(t->fd, t->holder);
}
