/* The file of the access log. See access_file.h.
 *
 * The opener is a copy of this process that shares the table of descriptors with it (CLONE_FILES):
 * it opens the file and puts it in the place of one that is there already, so that nothing has to
 * be sent, and its exit status says whether it did. It can be killed at any time. */
#include "init/logs/access_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/str.h"

#include "base/ban.h"

enum { DEADLINE_MS = 10000 };

/* -1: @path is not one of the descriptors we have. */
static int descriptor_of(const char *path)
{
	static const struct {
		const char *path;
		int fd;
	} names[] = { { "/dev/stdout", STDOUT_FILENO }, { "/dev/stderr", STDERR_FILENO } };
	uint64_t n;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(path, names[i].path) == 0)
			return names[i].fd;
	if (strncmp(path, "/dev/fd/", 8) == 0 && str_to_u64(str_of(path + 8), INT32_MAX, &n) == 0)
		return (int)n;
	return -1;
}

static bool is_socket(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* A descriptor or -1 with errno. */
static int open_path(const char *path)
{
	return open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0640);
}

/* One that others have, too (stdout is the workers' as well), is not made non-blocking: what is
 * behind it is opened anew. A socket cannot be, nor another user's pipe (a container that runs as
 * somebody else than it was started by). */
static int open_ours(const char *path, int ours)
{
	int fd = is_socket(ours) ? -1 : open_path(path);

	if (fd < 0 && (is_socket(ours) || errno == EACCES))
		fd = fcntl(ours, F_DUPFD_CLOEXEC, 0);
	return fd;
}

static void say_failure(const struct access_file *f, int err)
{
	log_error(SIO_420, "init: SIOINIT_ACCESS_LOG_FILE=\"%s\": %s; %s", f->path, strerror(err),
		  f->fd < 0 ? "there is no access log" : "the access log goes on in the old file");
}

/* Opening anew */

static _Noreturn void opener(const char *path, int place)
{
	int fd = open_path(path), err = errno;

	if (fd < 0)
		_exit(err);
	err = dup3(fd, place, O_CLOEXEC) < 0 ? errno : 0;
	(void)close(fd); /* it is in our parent's table, too */
	_exit(err);
}

/* Its pid or -errno. No signal comes to it, as our handlers write to a pipe that it shares. */
static pid_t start_opener(const char *path, int place)
{
	sigset_t all, before;
	long pid;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, NULL, NULL, 0);
	if (pid == 0)
		opener(path, place);
	pid = pid < 0 ? -errno : pid;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return (pid_t)pid;
}

static void on_deadline(uv_timer_t *t)
{
	const struct access_file *f = t->data;

	(void)kill(f->opener, SIGKILL);
}

void access_file_reopen(struct access_file *f)
{
	pid_t pid;

	if (!f->path || f->ours)
		return;
	f->again = f->opener > 0;
	if (f->opener > 0)
		return;
	f->next = eventfd(0, EFD_CLOEXEC); /* keeps the place */
	pid = f->next < 0 ? -errno : start_opener(f->path, f->next);
	if (pid < 0) {
		say_failure(f, -pid);
		fd_close(&f->next);
		return;
	}
	f->opener = pid;
	(void)uv_timer_start(&f->deadline, on_deadline, DEADLINE_MS, 0);
}

static void take_next(struct access_file *f)
{
	fd_close(&f->fd);
	f->fd = fd_take(&f->next);
	log_info("init: access log opened anew: %s", f->path);
	f->on_open(f->ctx);
}

bool access_file_ended(struct access_file *f, pid_t pid, int status)
{
	int err = WIFEXITED(status) ? WEXITSTATUS(status) : ETIMEDOUT;

	if (f->opener == 0 || pid != f->opener)
		return false;
	f->opener = 0;
	(void)uv_timer_stop(&f->deadline);
	if (err == 0)
		take_next(f);
	else
		say_failure(f, err);
	fd_close(&f->next);
	if (f->again)
		access_file_reopen(f);
	return true;
}

/* Life */

void access_file_open(struct access_file *f, uv_loop_t *loop, const char *path,
		      void (*on_open)(void *ctx), void *ctx)
{
	int ours = path ? descriptor_of(path) : -1;

	*f = (struct access_file){ .path = path,
				   .ours = ours >= 0,
				   .fd = -1,
				   .next = -1,
				   .on_open = on_open,
				   .ctx = ctx };
	(void)uv_timer_init(loop, &f->deadline);
	f->deadline.data = f;
	if (!path)
		return;
	f->fd = f->ours ? open_ours(path, ours) : open_path(path);
	if (f->fd < 0)
		say_failure(f, errno);
}

void access_file_close(struct access_file *f)
{
	fd_close(&f->fd);
	fd_close(&f->next);
}
