/* How not to block depends on what the descriptor is. Pipes and terminals are opened anew through
 * /proc, which needs their owner's rights; a socket has MSG_DONTWAIT; of the rest only PIPE_BUF
 * bytes are written at a time, when poll(2) promises room for them. A file does not block. */
#include "base/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

#include "base/ban.h"

static ssize_t write_plain(int fd, const void *bytes, size_t n)
{
	return write(fd, bytes, n);
}

static ssize_t write_socket(int fd, const void *bytes, size_t n)
{
	return send(fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static ssize_t write_polled(int fd, const void *bytes, size_t n)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	if (poll(&p, 1, 0) <= 0) {
		errno = EAGAIN;
		return -1;
	}
	return write(fd, bytes, n < PIPE_BUF ? n : PIPE_BUF);
}

/* `stty tostop`: a blocked SIGTTOU lets the background write. */
static ssize_t write_terminal(int fd, const void *bytes, size_t n)
{
	sigset_t ttou, before;
	ssize_t written;

	(void)sigemptyset(&ttou);
	(void)sigaddset(&ttou, SIGTTOU);
	(void)sigprocmask(SIG_BLOCK, &ttou, &before);
	written = write(fd, bytes, n);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return written;
}

static int open_anew(int fd)
{
	char path[40];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

void output_open(struct output *o, int fd)
{
	struct stat st = { 0 };
	bool terminal = isatty(fd);
	int own = -1;

	(void)fstat(fd, &st);
	*o = (struct output){ .fd = fd,
			      .queue = BUF_INIT(OUTPUT_QUEUE_MAX),
			      .write_some = write_polled };
	if (S_ISSOCK(st.st_mode))
		o->write_some = write_socket;
	else if (S_ISREG(st.st_mode))
		o->write_some = write_plain;
	else if (S_ISFIFO(st.st_mode) || terminal)
		own = open_anew(fd);
	if (own < 0)
		return;
	o->fd = own;
	o->owns_fd = true;
	o->write_some = terminal ? write_terminal : write_plain;
}

void output_close(struct output *o)
{
	if (o->owns_fd)
		fd_close(&o->fd);
	o->fd = -1;
	buf_free(&o->queue);
}

/* How much of @bytes is dealt with: all of it when nobody can ever have it. */
static size_t put(struct output *o, const char *bytes, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t k = o->write_some(o->fd, bytes + done, n - done);

		if (k > 0)
			done += (size_t)k;
		else if (k < 0 && errno == EAGAIN)
			return done;
		else if (k == 0 || errno != EINTR)
			return n;
	}
	return n;
}

static bool take(struct output *o, struct str text)
{
	size_t done;

	if (output_flush(o) > 0 && text.n > OUTPUT_QUEUE_MAX - o->queue.len) {
		o->left_out++;
		return false;
	}
	done = o->queue.len ? 0 : put(o, text.p, text.n);
	if (buf_append(&o->queue, text.p + done, text.n - done) == 0)
		return true;
	o->left_out++;
	return false;
}

bool output_line(struct output *o, struct str text)
{
	int saved = errno;
	bool taken = take(o, text);

	errno = saved;
	return taken;
}

size_t output_flush(struct output *o)
{
	int saved = errno;

	buf_consume(&o->queue, put(o, o->queue.p, o->queue.len));
	errno = saved;
	return o->queue.len;
}

void output_flush_within(struct output *o, int ms)
{
	struct pollfd p = { .fd = o->fd, .events = POLLOUT };
	int64_t left, deadline = clock_ms() + ms;

	while (output_flush(o) > 0 && (left = deadline - clock_ms()) > 0)
		(void)poll(&p, 1, (int)left);
}

unsigned output_take_left_out(struct output *o)
{
	unsigned n = o->left_out;

	o->left_out = 0;
	return n;
}
