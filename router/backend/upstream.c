/* Connections to workers.
 *
 * A pair is made by connecting to a private loopback listener and accepting what came; the far
 * end's peer address must be our near end's, or somebody else connected to that port and is turned
 * away. Writing may start at once: the bytes wait in the kernel until the worker takes the far end.
 * Node closes idle connections after keepAliveTimeout (5 s unless the app changed it) and says so
 * in `Keep-Alive: timeout=`; we let go earlier, so no request meets a closing connection. */
#include "router/backend/upstream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utlist.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "router/client/exchange.h"
#include "router/core.h"

#include "base/ban.h"

enum { PAIR_TRIES = 4, PAIR_WAIT_MS = 50 };

int upstream_listen(struct router *r)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(r->pair_addr);
	auto_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 128) < 0 ||
	    getsockname(fd, (struct sockaddr *)&r->pair_addr, &len) < 0)
		return -errno;
	sock_no_delay(fd);
	r->pair_listener = fd_take(&fd);
	return 0;
}

static int connect_near(const struct sockaddr_in *to, struct sockaddr_in *ret_self)
{
	socklen_t len = sizeof(*ret_self);
	auto_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0 && errno != EINPROGRESS) ||
	    getsockname(fd, (struct sockaddr *)ret_self, &len) < 0)
		return -errno;
	sock_no_delay(fd);
	return fd_take(&fd);
}

/* Of a connect() on loopback the other end comes in this moment. */
static bool wait_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, PAIR_WAIT_MS) > 0;
}

static int accept_far(int listener, const struct sockaddr_in *expected)
{
	for (int i = 0; i < PAIR_TRIES; i++) {
		struct sockaddr_in peer = { 0 };
		socklen_t len = sizeof(peer);
		auto_fd int fd =
		    accept4(listener, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && errno == EAGAIN && wait_readable(listener))
			continue;
		if (fd < 0)
			return -errno;
		if (peer.sin_port == expected->sin_port &&
		    peer.sin_addr.s_addr == expected->sin_addr.s_addr)
			return fd_take(&fd);
		log_warn("router: stranger on the private listener turned away");
	}
	return -ECONNABORTED;
}

static int tcp_pair(const struct router *r, int *ret_near, int *ret_far)
{
	struct sockaddr_in self = { 0 };
	auto_fd int near = connect_near(&r->pair_addr, &self);
	int far;

	if (near < 0)
		return near;
	far = accept_far(r->pair_listener, &self);
	if (far < 0)
		return far;
	*ret_near = fd_take(&near);
	*ret_far = far;
	return 0;
}

static int unix_pair(int *ret_near, int *ret_far)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sv) < 0)
		return -errno;
	*ret_near = sv[0];
	*ret_far = sv[1];
	return 0;
}

int upstream_pair(struct router *r, int *ret_near, int *ret_far)
{
	return r->conf->unix_pairs ? unix_pair(ret_near, ret_far) : tcp_pair(r, ret_near, ret_far);
}

/* A connection to a port that nobody listens on may meet itself: the kernel chooses the near port
 * from a range that the far one may be in. */
static bool is_self_connected(int fd, const struct sockaddr *to)
{
	struct sockaddr_in6 near = { 0 }; /* sin_port and sin6_port are in the same place */
	socklen_t len = sizeof(near);

	return to->sa_family != AF_UNIX && getsockname(fd, (struct sockaddr *)&near, &len) == 0 &&
	       near.sin6_port == ((const struct sockaddr_in6 *)(const void *)to)->sin6_port;
}

static int connect_to(const struct sockaddr *to, socklen_t len)
{
	auto_fd int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || (connect(fd, to, len) < 0 && errno != EINPROGRESS))
		return -errno;
	if (is_self_connected(fd, to))
		return -ECONNREFUSED;
	if (to->sa_family != AF_UNIX)
		sock_no_delay(fd);
	return fd_take(&fd);
}

/* An app may listen on either loopback address: `localhost` is ::1 for some. */
static int dial_port(uint16_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons(port),
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int r = connect_to((struct sockaddr *)&v4, sizeof(v4));

	if (r != -ECONNREFUSED)
		return r;
	r = connect_to((struct sockaddr *)&v6, sizeof(v6));
	return r < 0 ? -ECONNREFUSED : r;
}

static int dial_path(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	return connect_to((struct sockaddr *)&a, sizeof(a));
}

int upstream_dial(const struct worker *w)
{
	return w->path[0] ? dial_path(w->path) : dial_port(w->port);
}

/* Our end of a new connection to @w, or -errno. */
static int dial(struct worker *w, uint64_t token)
{
	struct router *r = w->router;
	struct control_msg m = {
		.type = CONTROL_HANDOFF, .worker = w->id, .token = token, .kind = HANDOFF_UPSTREAM
	};
	auto_fd int near = -1;
	int far = -1, e;

	if (worker_is_on_its_own(w))
		return upstream_dial(w);
	e = upstream_pair(r, &near, &far);
	if (e == 0)
		e = control_send(&r->link, &m, far);
	return e < 0 ? e : fd_take(&near);
}

static void on_event(struct sock *s, int events)
{
	struct upstream *u = container_of(s, struct upstream, sock);

	if (u->client)
		exchange_on_upstream(u->client, events);
	else
		upstream_close(u); /* idle: the worker closed it, or talks out of turn */
}

static struct upstream *upstream_with(struct worker *w, int fd, uint64_t token)
{
	struct upstream *u;

	u = calloc(1, sizeof(*u));
	if (!u) {
		fd_close(&fd);
		errno = ENOMEM;
		return NULL;
	}
	sock_init(&u->sock, &w->router->poller, fd, on_event);
	u->worker = w;
	u->token = token;
	u->in = BUF_INIT(RESPONSE_HEAD_MAX + SOCK_BITE_MIN);
	w->n_upstreams++;
	return u;
}

static struct upstream *upstream_new(struct worker *w)
{
	uint64_t token = ++w->router->last_token;
	int fd = dial(w, token);

	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	return upstream_with(w, fd, token);
}

static bool is_open(const struct upstream *u)
{
	char byte;

	return recv(u->sock.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static struct upstream *take_idle(struct worker *w, bool checked)
{
	while (w->idle) {
		struct upstream *u = w->idle;

		if (u->expires_ms > router_now(w->router) && (!checked || is_open(u))) {
			DL_DELETE(w->idle, u);
			u->reused = true;
			return u;
		}
		upstream_close(u);
	}
	return NULL;
}

struct upstream *upstream_get(struct worker *w, struct client *c, bool poll, enum upstream_age age)
{
	struct upstream *u = age == UPSTREAM_NEW ? NULL : take_idle(w, age == UPSTREAM_CHECKED);

	if (!u)
		u = upstream_new(w);
	if (!u)
		return NULL;
	u->client = c;
	u->poll = poll;
	w->in_flight++;
	w->n_polls += poll;
	DL_PREPEND(w->busy, u);
	return u;
}

struct upstream *upstream_adopt(struct worker *w, struct client *c, int fd)
{
	struct upstream *u = upstream_with(w, fd, ++w->router->last_token);

	if (!u)
		return NULL;
	u->sock.lent = true;
	u->client = c;
	u->poll = true;
	w->in_flight++;
	w->n_polls++;
	DL_PREPEND(w->busy, u);
	return u;
}

static void leave_busy(struct upstream *u)
{
	struct worker *w = u->worker;

	DL_DELETE(w->busy, u);
	if (u->tunnel)
		w->n_tunnels--;
	else
		w->in_flight--;
	w->n_polls -= u->poll;
	worker_tell_if_idle(w);
}

void upstream_becomes_tunnel(struct upstream *u)
{
	u->tunnel = true;
	if (!u->worker)
		return;
	u->worker->in_flight--;
	u->worker->n_tunnels++;
	worker_tell_if_idle(u->worker);
}

void upstream_put(struct upstream *u, uint32_t idle_ms)
{
	struct worker *w = u->worker;

	if (idle_ms == 0 || !w || w->state == WORKER_STOPPING || sock_blocked(&u->sock) ||
	    sock_want(&u->sock, UV_READABLE) < 0) {
		upstream_close(u);
		return;
	}
	leave_busy(u);
	u->client = NULL;
	u->expires_ms = router_now(w->router) + idle_ms;
	DL_PREPEND(w->idle, u);
}

static void on_closed(struct sock *s)
{
	struct upstream *u = container_of(s, struct upstream, sock);

	buf_free(&u->in);
	free(u);
}

void upstream_leave_worker(struct upstream *u)
{
	struct worker *w = u->worker;

	if (!w)
		return;
	if (u->client) {
		leave_busy(u);
	} else {
		DL_DELETE(w->idle, u);
	}
	w->n_upstreams--;
	u->worker = NULL;
}

void upstream_close(struct upstream *u)
{
	if (u->sock.closing)
		return;
	upstream_leave_worker(u);
	u->client = NULL;
	sock_close(&u->sock, on_closed);
}

bool upstream_refused(struct worker *w, uint64_t token)
{
	struct upstream *u;

	DL_SEARCH_SCALAR(w->idle, u, token, token);
	if (u) {
		upstream_close(u);
		return true;
	}
	DL_SEARCH_SCALAR(w->busy, u, token, token);
	if (!u)
		return false;
	u->refused = true;
	exchange_on_upstream_gone(u->client, "refused");
	return true;
}

void upstream_close_idle(struct worker *w)
{
	while (w->idle)
		upstream_close(w->idle);
}

void upstream_close_all(struct worker *w)
{
	while (w->busy)
		exchange_on_worker_died(w->busy->client);
	upstream_close_idle(w);
}
