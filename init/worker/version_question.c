/* One child with a pipe and a deadline. */
#include "init/worker/version_question.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macros.h"
#include "init/system/spawn.h"

#include "base/ban.h"

enum { WAIT_MS = 2000 };

static void on_poll_closed(uv_handle_t *h)
{
	struct version_question *q = container_of((uv_poll_t *)h, struct version_question, poll);

	fd_close(&q->fd);
}

static void finish(struct version_question *q)
{
	if (uv_is_closing((uv_handle_t *)&q->poll))
		return;
	uv_close((uv_handle_t *)&q->poll, on_poll_closed);
	uv_close((uv_handle_t *)&q->deadline, NULL);
	if (q->pid > 0) /* it has said all, or is too late */
		(void)kill(-q->pid, SIGKILL);
	q->on_answer(q->answer, q->ctx);
}

static void on_late(uv_timer_t *t)
{
	finish(container_of(t, struct version_question, deadline));
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct version_question *q = container_of(poll, struct version_question, poll);
	size_t room = sizeof(q->answer) - 1 - q->len;
	ssize_t n = status < 0 ? 0 : read(q->fd, q->answer + q->len, room);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	q->len += n > 0 ? (size_t)n : 0;
	if (n <= 0 || q->len == sizeof(q->answer) - 1 || memchr(q->answer, '\n', q->len))
		finish(q);
}

static pid_t start(const char *program, int out, const struct credentials *as)
{
	auto_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char *argv[] = { (char *)program, "--version", NULL };
	char *none[] = { NULL };
	struct spawn_request rq = { .argv = argv,
				    .env = spawn_env(none),
				    .inherit_fd = -1,
				    .own_group = 1,
				    .terminal = -1,
				    .stdio = { null, out, null },
				    .as = as };
	pid_t pid = rq.env ? spawn(&rq) : -ENOMEM;

	free((void *)rq.env);
	return pid;
}

int version_question_ask(struct version_question *q, uv_loop_t *loop, const char *program,
			 const struct credentials *as)
{
	auto_fd int near = -1, far = -1;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	near = ends[0];
	far = ends[1];
	q->pid = start(program, far, as);
	if (q->pid < 0)
		return q->pid;
	q->fd = fd_take(&near);
	q->is_asked = true;
	(void)uv_timer_init(loop, &q->deadline);
	(void)uv_poll_init(loop, &q->poll, q->fd);
	(void)uv_timer_start(&q->deadline, on_late, WAIT_MS, 0);
	(void)uv_poll_start(&q->poll, UV_READABLE, on_readable);
	return 0;
}

bool version_question_ended(struct version_question *q, pid_t pid)
{
	if (!q->is_asked || q->pid != pid)
		return false;
	q->pid = 0;
	return true;
}
