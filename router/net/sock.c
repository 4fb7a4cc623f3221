/* Sockets of the router. One that reports an error leaves the set; `failed` remembers it and the
 * owner finds the error with its next read. */
#include "router/net/sock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fd.h"
#include "router/net/loop.h"
#include "router/net/splice_pipe.h"

#include "base/ban.h"

void sock_no_delay(int fd)
{
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void sock_init(struct sock *s, struct loop *l, int fd, void (*on_event)(struct sock *s, int events))
{
	*s = (struct sock){ .loop = l,
			    .fd = fd,
			    .on_event = on_event,
			    .out = BUF_INIT(SOCK_OUT_MAX),
			    .read_size = SOCK_READ_MIN };
}

int sock_want(struct sock *s, int events)
{
	int r;

	assert(!s->closing && s->fd >= 0);
	if (s->failed)
		return events ? -EPIPE : 0;
	if (events == s->events)
		return 0;
	r = loop_set(s->loop, s, events);
	if (r == 0)
		s->events = events;
	return r;
}

static ssize_t send_slices(int fd, struct str a, struct str b)
{
	struct iovec iov[2] = { { (void *)a.p, a.n }, { (void *)b.p, b.n } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = b.n ? 2 : 1 };
	ssize_t n;

	do
		n = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	return n;
}

static int keep_rest(struct sock *s, struct str a, size_t sent)
{
	return sent < a.n ? buf_append(&s->out, a.p + sent, a.n - sent) : 0;
}

/* Big reads spare wake-ups of the reader; what a slow one has not taken is our memory. */
static void adapt_read_size(struct sock *s, size_t sent, size_t wanted)
{
	if (sent < wanted)
		s->read_size = SOCK_READ_MIN;
	else if (sent >= s->read_size - s->read_size / 16 &&
		 s->read_size < SOCK_READ_MAX) /* less some framing */
		s->read_size *= 2;
}

int sock_send(struct sock *s, struct str first, struct str second)
{
	ssize_t n = 0;
	int r;

	if (!sock_blocked(s)) {
		n = send_slices(s->fd, first, second);
		if (n < 0)
			return (int)n;
		adapt_read_size(s, (size_t)n, first.n + second.n);
	}
	r = keep_rest(s, first, (size_t)n);
	if (r < 0)
		return r;
	return keep_rest(s, second, (size_t)n > first.n ? (size_t)n - first.n : 0);
}

/* Takes @n bytes out of the pipe. 0 or -errno. */
static int keep_from_pipe(struct sock *s, struct pipe *p, size_t n)
{
	int e = buf_reserve(&s->out, n);
	ssize_t got;

	if (e < 0)
		return e;
	got = read(p->out, s->out.p + s->out.len, n);
	if (got < 0)
		return -errno;
	s->out.len += (size_t)got;
	return (size_t)got == n ? 0 : -EIO;
}

/* Without SPLICE_F_MORE: nothing is held back for what may never come. */
static int send_from_pipe(struct sock *s, struct pipe *p, size_t n)
{
	ssize_t sent = splice(p->out, NULL, s->fd, NULL, n, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (sent < 0 && errno != EAGAIN && errno != EINTR)
		return -errno;
	if (sent < 0)
		sent = 0;
	adapt_read_size(s, (size_t)sent, n);
	return (size_t)sent < n ? keep_from_pipe(s, p, n - (size_t)sent) : 0;
}

ssize_t sock_splice(struct sock *s, int from, struct pipe *p)
{
	ssize_t n =
	    splice(from, NULL, p->in, NULL, s->read_size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	int e;

	if (n <= 0)
		return n < 0 ? -errno : 0;
	e = send_from_pipe(s, p, (size_t)n);
	if (e < 0)
		pipe_close(p);
	return e < 0 ? e : n;
}

int sock_flush(struct sock *s)
{
	ssize_t n;

	if (!sock_blocked(s))
		return 0;
	n = send_slices(s->fd, buf_str(&s->out), (struct str){ 0 });
	if (n < 0) {
		buf_free(&s->out);
		return (int)n;
	}
	buf_consume(&s->out, (size_t)n);
	if (s->out.len == 0)
		buf_free(&s->out);
	return 0;
}

int sock_release(struct sock *s)
{
	if (s->events)
		(void)loop_set(s->loop, s, 0);
	s->events = 0;
	return fd_take(&s->fd);
}

/* The kernel takes it out of the set with its last descriptor, and ours need not be that. */
void sock_close(struct sock *s, void (*on_closed)(struct sock *s))
{
	if (s->closing)
		return;
	if (s->lent && s->events)
		(void)loop_set(s->loop, s, 0);
	s->closing = true;
	s->on_closed = on_closed;
	buf_free(&s->out);
	fd_close(&s->fd);
	loop_close_later(s->loop, s);
}
