/* Job control. Whoever is not in the foreground gets SIGTTOU for changing the terminal, unless it
 * is blocked: for us it would mean one worker less. */
#include "init/system/terminal.h"

#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utlist.h>

#include "base/log.h"
#include "init/supervisor/core.h"
#include "init/worker/worker.h"

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

int terminal_for_worker(const struct init *in)
{
	bool alone = in->pool.wanted == 1 && !in->terminal.holder;

	return alone && tcgetpgrp(in->terminal.fd) == getpgrp() ? in->terminal.fd : -1;
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

static bool is_users_wish(const struct terminal *t, const struct worker *w, int status)
{
	if (w->state >= WORKER_DRAINING)
		return false;
	return w->state < WORKER_READY || is_by_key(status) || says_by_key(status) ||
	       terminal_is_gone(t);
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

bool terminal_worker_ended(struct init *in, const struct worker *w, int status)
{
	struct terminal *t = &in->terminal;

	if (!t->holder || t->holder != w->pid)
		return false;
	t->holder = 0;
	(void)take_back(t, w->pid);
	return is_users_wish(t, w, status);
}

void terminal_pass_on(struct init *in, const struct worker *w)
{
	int fd = w ? terminal_for_worker(in) : -1;

	if (fd < 0)
		return;
	terminal_set_foreground(fd, w->pid);
	terminal_taken(&in->terminal, w->pid);
}

/* Stopped until somebody sends SIGCONT; not at all where nobody could: the kernel does not stop
 * process 1 or an orphaned process group. */
static void stop_job(void)
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

	stop_job();
	if (tcgetpgrp(t->fd) != getpgrp())
		return; /* `bg`: terminal_continue() follows */
	if (known)
		set_settings(t, &settings);
	continue_holder(t);
}

bool terminal_holder_stopped(struct init *in, pid_t pid, int sig)
{
	struct terminal *t = &in->terminal;
	bool wants_it = sig == SIGTTIN || sig == SIGTTOU;

	if (pid != t->holder || !(wants_it || sig == SIGTSTP))
		return false;
	if (wants_it && tcgetpgrp(t->fd) == getpgrp())
		continue_holder(t); /* `fg` of what runs already tells nobody */
	else
		stop_with_holder(t);
	return true;
}

static void signal_groups(const struct init *in, int sig)
{
	struct worker *w;

	DL_FOREACH(in->pool.workers, w)
	(void)kill(-w->pid, sig);
}

bool terminal_suspend(struct init *in)
{
	if (in->terminal.fd < 0)
		return false;
	signal_groups(in, SIGTSTP);
	stop_job();
	signal_groups(in, SIGCONT);
	return true;
}

bool terminal_continue(struct init *in)
{
	struct terminal *t = &in->terminal;

	if (t->fd < 0)
		return false;
	if (t->holder && tcgetpgrp(t->fd) == getpgrp())
		terminal_set_foreground(t->fd, t->holder);
	signal_groups(in, SIGCONT);
	return true;
}
