/* A turn: wait, sockets, libuv if it has something to do, new connections, the dead. */
#include "router/net/loop.h"

#include <errno.h>
#include <sys/epoll.h>
#include <utlist.h>

#include "base/fd.h"
#include "router/net/sock.h"

#include "base/ban.h"

enum { EVENTS_MAX = 128 };

int poller_init(struct poller *p, uv_loop_t *loop)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = NULL };
	auto_fd int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0 || epoll_ctl(fd, EPOLL_CTL_ADD, uv_backend_fd(loop), &e) < 0)
		return -errno;
	*p = (struct poller){ .loop = loop, .fd = fd_take(&fd) };
	return 0;
}

static void bury(struct poller *p)
{
	struct sock *s;

	while ((s = p->closing)) {
		LL_DELETE2(p->closing, s, next_closing);
		s->on_closed(s);
	}
}

void poller_deinit(struct poller *p)
{
	bury(p);
	fd_close(&p->fd);
}

int poller_set(struct poller *p, struct sock *s, int events)
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
	return epoll_ctl(p->fd, op, s->fd, &e) < 0 ? -errno : 0;
}

void poller_close_later(struct poller *p, struct sock *s)
{
	LL_PREPEND2(p->closing, s, next_closing);
}

static void dispatch(struct sock *s, uint32_t happened)
{
	int events = 0;

	if (s->closing || s->fd < 0)
		return;
	if (happened & EPOLLERR) {
		sock_failed(s);
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
static bool dispatch_all(const struct epoll_event *happened, int n, bool listeners)
{
	bool uv_is_due = false;

	for (int i = 0; i < n; i++) {
		struct sock *s = happened[i].data.ptr;

		if (!s)
			uv_is_due = true;
		else if (s->listens == listeners)
			dispatch(s, happened[i].events);
	}
	return uv_is_due;
}

void poller_run(struct poller *p, void (*before_sleep)(void *ctx), void *ctx)
{
	struct epoll_event happened[EVENTS_MAX];

	while (!p->stopped) {
		bool uv_is_due;
		int n;

		before_sleep(ctx);
		n = epoll_wait(p->fd, happened, EVENTS_MAX, uv_backend_timeout(p->loop));
		uv_update_time(p->loop);
		uv_is_due = dispatch_all(happened, n, false) || n <= 0;
		if (uv_is_due || uv_backend_timeout(p->loop) == 0)
			(void)uv_run(p->loop, UV_RUN_NOWAIT);
		(void)dispatch_all(happened, n, true);
		bury(p);
	}
}

void poller_stop(struct poller *p)
{
	p->stopped = true;
}
