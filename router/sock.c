/* Sockets of the router. libuv stops a poll handle that reports POLLERR; `failed` remembers it and
 * the owner finds the error with its next read. */
#include "router/sock.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/fd.h"
#include "base/macros.h"

#include "base/ban.h"

void sock_init(struct sock *s, uv_loop_t *loop, int fd,
	       void (*on_event)(struct sock *s, int events))
{
	*s = (struct sock){
		.loop = loop, .fd = fd, .on_event = on_event, .out = BUF_INIT(SOCK_OUT_MAX)
	};
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct sock *s = container_of(poll, struct sock, poll);

	if (status < 0) {
		s->failed = true;
		s->events = 0;
		events = UV_READABLE;
	}
	s->on_event(s, events);
}

static int sock_register(struct sock *s)
{
	int r = uv_poll_init(s->loop, &s->poll, s->fd);

	if (r == 0)
		s->registered = true;
	return r;
}

int sock_want(struct sock *s, int events)
{
	int r;

	assert(!s->closing && s->fd >= 0);
	if (events == s->events || s->failed)
		return 0;
	if (!s->registered && (r = sock_register(s)) < 0)
		return r;
	s->events = events;
	return events ? uv_poll_start(&s->poll, events, on_poll) : uv_poll_stop(&s->poll);
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

int sock_send(struct sock *s, struct str first, struct str second)
{
	ssize_t n = 0;
	int r;

	if (!sock_blocked(s)) {
		n = send_slices(s->fd, first, second);
		if (n < 0)
			return (int)n;
	}
	r = keep_rest(s, first, (size_t)n);
	if (r < 0)
		return r;
	return keep_rest(s, second, (size_t)n > first.n ? (size_t)n - first.n : 0);
}

int sock_flush(struct sock *s)
{
	ssize_t n;

	if (!sock_blocked(s))
		return 0;
	n = send_slices(s->fd, buf_str(&s->out), (struct str){ 0 });
	if (n < 0)
		return (int)n;
	buf_consume(&s->out, (size_t)n);
	if (s->out.len == 0)
		buf_free(&s->out);
	return 0;
}

int sock_release(struct sock *s)
{
	if (s->registered)
		(void)uv_poll_stop(&s->poll);
	s->events = 0;
	return fd_take(&s->fd);
}

static void on_poll_closed(uv_handle_t *handle)
{
	struct sock *s = container_of((uv_poll_t *)handle, struct sock, poll);

	s->on_closed(s);
}

void sock_close(struct sock *s, void (*on_closed)(struct sock *s))
{
	if (s->closing)
		return;
	s->closing = true;
	s->on_closed = on_closed;
	buf_free(&s->out);
	if (s->registered) {
		(void)uv_poll_stop(&s->poll);
		uv_close((uv_handle_t *)&s->poll, on_poll_closed);
	}
	fd_close(&s->fd);
	if (!s->registered)
		on_closed(s);
}
