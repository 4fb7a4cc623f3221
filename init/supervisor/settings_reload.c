/* The settings file, read by a copy of this process into memory that both have. Happy path: reader
 * ends with 0, what it has written is compared with what is in force, what can change changes, the
 * workers are replaced. */
#include "init/supervisor/settings_reload.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "init/supervisor/core.h"
#include "init/system/cpus.h"
#include "init/system/notify.h"
#include "settings/config_reload.h"

#include "base/ban.h"

enum { DEADLINE_MS = 10000, NO_FILE = 255 };

/* Reading */

static int copy(int from, int to)
{
	char bytes[4096];
	size_t all = 0;
	ssize_t n;

	while ((n = read(from, bytes, sizeof(bytes))) > 0) {
		all += (size_t)n;
		if (all > CONFIG_FILE_MAX)
			return EFBIG;
		if (write(to, bytes, (size_t)n) != n)
			return ENOSPC;
	}
	return n < 0 ? errno : 0;
}

/* A pipe (SIOINIT_CONFIG=<(...)) has said all that it had at the start. */
static _Noreturn void reader(const char *path, int to)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		_exit(errno);
	_exit(S_ISREG(st.st_mode) ? copy(fd, to) : NO_FILE);
}

/* Its pid or -errno. No signal comes to it, as our handlers write to a pipe that it shares. */
static pid_t start_reader(const char *path, int to)
{
	sigset_t all, before;
	pid_t pid;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		reader(path, to);
	pid = pid < 0 ? -errno : pid;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

static void on_deadline(uv_timer_t *t)
{
	const struct settings_reload *s = t->data;

	(void)kill(s->reader, SIGKILL);
}

/* Deciding */

static void say_broken(struct init *in, const char *why)
{
	log_error(SIO_416, "init: nothing is reloaded: %s", why);
	notify_reloading(); /* for which Type=notify-reload waits */
	status_line_reloaded(in, false);
	in->settings.on_refused(in);
}

static void say_unread(struct init *in, int err)
{
	char why[512];

	(void)snprintf(
	    why, sizeof(why), "settings file %s (SIOINIT_CONFIG): %s", in->config->config_file,
	    err == NO_FILE ? "no regular file, which could be read again" : strerror(err));
	say_broken(in, why);
}

static void scale_anew(struct init *in)
{
	struct cpus cpus;

	cpus_detect("", &cpus);
	pool_scale(&in->pool, cpus_workers(in->config, &cpus));
}

static void on_change(const struct config_change *change, void *ctx)
{
	struct init *in = ctx;

	if (change->when == CONFIG_AT_RESTART)
		log_warn(SIO_417, "init: settings: %s has changed: needs a restart of sioinit",
			 change->name);
	else
		log_info("init: settings: %s=\"%s\", was \"%s\"%s", change->name, change->after,
			 change->before,
			 change->when == CONFIG_FOR_NEW_WORKERS ? ": for new workers" : "");
	if (strcmp(change->name, "SIOINIT_WORKERS") == 0)
		scale_anew(in);
	if (strcmp(change->name, "SIOINIT_LOG_LEVEL") == 0)
		log_set_level((enum log_level)in->config->log_level);
}

static void apply(struct init *in, struct str text)
{
	char err[512] = "out of memory";
	int n = config_reload(in->settings.config, text, on_change, in, err, sizeof(err));

	if (n < 0) {
		say_broken(in, err);
		return;
	}
	if (n == 0)
		log_info("init: settings: nothing has changed in %s", in->config->config_file);
	reload_all(&in->pool);
}

static void apply_read(struct init *in)
{
	struct stat st = { 0 };
	char *text = NULL;
	ssize_t n = -1;

	if (fstat(in->settings.text, &st) == 0)
		text = malloc((size_t)st.st_size + 1);
	if (text)
		n = pread(in->settings.text, text, (size_t)st.st_size, 0);
	if (n < 0)
		say_unread(in, ENOMEM);
	else
		apply(in, (struct str){ text, (size_t)n });
	free(text);
}

bool settings_reload_ended(struct init *in, pid_t pid, int status)
{
	struct settings_reload *s = &in->settings;
	int err = WIFEXITED(status) ? WEXITSTATUS(status) : ETIMEDOUT;

	if (s->reader == 0 || pid != s->reader)
		return false;
	s->reader = 0;
	(void)uv_timer_stop(&s->deadline);
	if (shutdown_has_begun(in))
		in->settings.on_refused(in);
	else if (s->again)
		settings_reload(in);
	else if (err)
		say_unread(in, err);
	else
		apply_read(in);
	if (s->reader == 0)
		fd_close(&s->text);
	return true;
}

void settings_reload(struct init *in)
{
	struct settings_reload *s = &in->settings;
	pid_t pid;

	if (!in->config->config_file) {
		reload_all(&in->pool);
		return;
	}
	s->again = s->reader > 0;
	if (s->again)
		return;
	fd_close(&s->text);
	s->text = memfd_create("sioinit-settings", MFD_CLOEXEC);
	pid = s->text < 0 ? -errno : start_reader(in->config->config_file, s->text);
	if (pid < 0) {
		say_unread(in, -pid);
		return;
	}
	s->reader = pid;
	(void)uv_timer_start(&s->deadline, on_deadline, DEADLINE_MS, 0);
}

void settings_reload_init(struct init *in, struct config *c, void (*on_refused)(struct init *in))
{
	in->settings =
	    (struct settings_reload){ .config = c, .text = -1, .on_refused = on_refused };
	(void)uv_timer_init(&in->loop, &in->settings.deadline);
	in->settings.deadline.data = &in->settings;
}
