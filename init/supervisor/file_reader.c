/* A process for each file. See file_reader.h. */
#include "init/supervisor/file_reader.h"

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

#include "base/ban.h"

enum { DEADLINE_MS = 10000 };

static int copy(int from, int to, size_t max)
{
	char bytes[4096];
	size_t all = 0;
	ssize_t n;

	while ((n = read(from, bytes, sizeof(bytes))) > 0) {
		all += (size_t)n;
		if (all > max)
			return EFBIG;
		if (write(to, bytes, (size_t)n) != n)
			return ENOSPC;
	}
	return n < 0 ? errno : 0;
}

/* A pipe (SIOINIT_CONFIG=<(...)) has said all that it had at the start. */
static _Noreturn void reader(const char *path, int to, size_t max)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		_exit(errno);
	_exit(S_ISREG(st.st_mode) ? copy(fd, to, max) : FILE_READER_NO_FILE);
}

/* Its pid or -errno. No signal comes to it, as our handlers write to a pipe that it shares. */
static pid_t start_reader(const char *path, int to, size_t max)
{
	sigset_t all, before;
	pid_t pid;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		reader(path, to, max);
	pid = pid < 0 ? -errno : pid;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

static void on_deadline(uv_timer_t *t)
{
	const struct file_reader *r = t->data;

	(void)kill(r->pid, SIGKILL);
}

void file_reader_init(struct file_reader *r, uv_loop_t *loop)
{
	*r = (struct file_reader){ .text = -1 };
	(void)uv_timer_init(loop, &r->deadline);
	r->deadline.data = r;
}

int file_reader_start(struct file_reader *r, const char *path, size_t max)
{
	pid_t pid;

	fd_close(&r->text);
	r->text = memfd_create("sioinit-settings", MFD_CLOEXEC);
	pid = r->text < 0 ? -errno : start_reader(path, r->text, max);
	if (pid < 0)
		return pid;
	r->pid = pid;
	(void)uv_timer_start(&r->deadline, on_deadline, DEADLINE_MS, 0);
	return 0;
}

bool file_reader_ended(struct file_reader *r, pid_t pid, int status, int *ret_err)
{
	if (r->pid == 0 || pid != r->pid)
		return false;
	*ret_err = WIFEXITED(status) ? WEXITSTATUS(status) : ETIMEDOUT;
	r->pid = 0;
	(void)uv_timer_stop(&r->deadline);
	return true;
}

char *file_reader_text(struct file_reader *r, size_t *ret_n)
{
	struct stat st = { 0 };
	char *text = fstat(r->text, &st) == 0 ? malloc((size_t)st.st_size + 1) : NULL;
	ssize_t n = text ? pread(r->text, text, (size_t)st.st_size, 0) : -1;

	if (n < 0) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	*ret_n = (size_t)n;
	return text;
}

void file_reader_drop(struct file_reader *r)
{
	fd_close(&r->text);
}

const char *file_reader_error(int err)
{
	return err == FILE_READER_NO_FILE ? "no regular file, which could be read again"
					  : strerror(err);
}
