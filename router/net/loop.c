/* One iteration: epoll_wait, socket events, libuv, accepts, then free closed sockets. */
#include "router/net/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <utlist.h>

#include "base/fd.h"
#include "router/net/sock.h"

#include "base/ban.h"

enum { EVENTS_MAX = 128 };

int loop_init(struct loop *l, uv_loop_t *uv)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = NULL };
	auto_fd int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0 || epoll_ctl(fd, EPOLL_CTL_ADD, uv_backend_fd(uv), &e) < 0)
		return -errno;
	*l = (struct loop){ .uv = uv, .fd = fd_take(&fd) };
	return 0;
}

static void free_closed(struct loop *l)
{
	struct sock *s;

	while ((s = l->closing)) {
		LL_DELETE2(l->closing, s, next_closing);
		s->on_closed(s);
	}
}

void loop_deinit(struct loop *l)
{
	free_closed(l);
	fd_close(&l->fd);
}

int loop_set(struct loop *l, struct sock *s, int events)
{
	struct epoll_event e = { .data.ptr = s };
	int op = !events ? EPOLL_CTL_DEL : s->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (events & UV_READABLE)
		e.events |= EPOLLIN;
	if (events & UV_WRITABLE)
		e.events |= EPOLLOUT;
	if (events & UV_DISCONNECT)
		e.events |= EPOLLRDHUP | EPOLLET;
	if (s->exclusive)
		e.events |= EPOLLEXCLUSIVE;
	return epoll_ctl(l->fd, op, s->fd, &e) < 0 ? -errno : 0;
}

void loop_close_later(struct loop *l, struct sock *s)
{
	LL_PREPEND2(l->closing, s, next_closing);
}

/* The kernel would report it for ever: the socket leaves the set. */
static void fail(struct loop *l, struct sock *s)
{
	s->failed = true;
	(void)loop_set(l, s, 0);
	s->events = 0;
	s->on_event(s, UV_READABLE);
}

static void dispatch(struct loop *l, struct sock *s, uint32_t happened)
{
	int events = 0;

	if (s->closing || s->fd < 0)
		return;
	if (happened & EPOLLERR) {
		fail(l, s);
		return;
	}
	if (happened & (EPOLLIN | EPOLLHUP))
		events |= UV_READABLE;
	if (happened & EPOLLOUT)
		events |= UV_WRITABLE;
	if (happened & EPOLLRDHUP) {
		s->ended = true;
		events |= UV_DISCONNECT;
	}
	events &= s->events;
	if (events)
		s->on_event(s, events);
}

/* True: libuv's descriptor is among them. */
static bool dispatch_all(struct loop *l, const struct epoll_event *happened, int n, bool listeners)
{
	bool uv_is_due = false;

	for (int i = 0; i < n; i++) {
		struct sock *s = happened[i].data.ptr;

		if (!s)
			uv_is_due = true;
		else if (s->listens == listeners)
			dispatch(l, s, happened[i].events);
	}
	return uv_is_due;
}

void loop_run(struct loop *l, void (*before_sleep)(void *ctx), void *ctx)
{
	struct epoll_event happened[EVENTS_MAX];

	while (!l->stopped) {
		bool uv_is_due;
		int n;

		before_sleep(ctx);
		n = epoll_wait(l->fd, happened, EVENTS_MAX, uv_backend_timeout(l->uv));
		uv_update_time(l->uv);
		uv_is_due = dispatch_all(l, happened, n, false) || n <= 0;
		if (uv_is_due || uv_backend_timeout(l->uv) == 0)
			(void)uv_run(l->uv, UV_RUN_NOWAIT);
		(void)dispatch_all(l, happened, n, true);
		free_closed(l);
	}
}

void loop_stop(struct loop *l)
{
	l->stopped = true;
}
