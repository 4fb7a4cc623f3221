/* Listening sockets. Accepts in batches, so that one busy port cannot starve the others. */
#include "router/net/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"

#include "base/ban.h"

enum {
	ACCEPT_BATCH = 64,
	ACCEPT_ALONE_MAX = 16,
	ACCEPT_LAST_MAX = 4096,
	KEEPALIVE_PROBES = 4,
	KEEPALIVE_INTERVAL_S = 15
};

static bool is_out_of_resources(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOMEM || err == ENOBUFS;
}

static void on_no_room(struct listeners *ls, const char *why, bool all)
{
	if (!ls->told_no_room)
		log_warn(SIO_218, "router: accept: %s; clients wait until there is room", why);
	ls->told_no_room = true;
	listeners_pause(ls, all);
}

/* False: there is none, or no room for it. */
static bool accept_one(struct listener *l)
{
	struct listeners *ls = l->all;
	struct sockaddr_storage peer = { 0 };
	socklen_t len = sizeof(peer);
	int fd;

	if (!ls->ops->has_room(ls->ctx, l->role)) {
		on_no_room(ls, strerror(EMFILE), false);
		return false;
	}
	fd = accept4(l->sock.fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		if (is_out_of_resources(errno))
			on_no_room(ls, strerror(errno), true);
		return false;
	}
	if (l->role != ROLE_ADMIN)
		ls->told_no_room = false;
	ls->ops->on_accept(ls->ctx, l, fd, &peer);
	return true;
}

static int set_accepting(struct listener *l, bool on)
{
	l->accepting = on;
	return sock_want(&l->sock, on ? UV_READABLE : 0);
}

static void on_pause_over(uv_timer_t *timer);

/* What the kernel refuses now (memory, epoll's max_user_watches) is asked for again. */
static void accept_again(struct listener *l)
{
	if (set_accepting(l, true) < 0)
		(void)uv_timer_start(&l->all->pause, on_pause_over, LISTENER_PAUSE_MS, 0);
}

/* Of the routers that wait for one socket the kernel wakes the one that has waited longest: each
 * gets its turn, also when they have little to do. */
static void queue_up_again(struct listener *l)
{
	if (!l->sock.exclusive || !l->accepting)
		return;
	(void)set_accepting(l, false);
	accept_again(l);
}

/* How many to accept now. Where connections come one by one, the look for a second one is a system
 * call in vain; what it would have found, the kernel tells in the next turn. */
static unsigned batch(struct listener *l)
{
	if (l->once == 0)
		return ACCEPT_BATCH;
	l->once--;
	return 1;
}

/* @n were there, all of them. */
static void adapt_batch(struct listener *l, unsigned n)
{
	if (n > 1)
		l->alone = 0;
	else if (l->alone < ACCEPT_ALONE_MAX)
		l->alone++;
	l->once = l->alone;
}

static void on_acceptable(struct sock *s, int events)
{
	struct listener *l = container_of(s, struct listener, sock);
	unsigned n = 0, most = batch(l);

	(void)events;
	while (n < most && l->accepting && accept_one(l))
		n++;
	if (most > 1)
		adapt_batch(l, n);
	if (n > 0)
		queue_up_again(l);
}

static void on_closed(struct sock *s)
{
	free(container_of(s, struct listener, sock));
}

static void set_option(int fd, int level, int name, int value)
{
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

/* Nothing for other sockets than TCP's. */
static void notice_vanished_peers(int fd)
{
	set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
	set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
	set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE,
		   CLIENT_GONE_S - KEEPALIVE_PROBES * KEEPALIVE_INTERVAL_S);
	set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, CLIENT_GONE_S * 1000);
}

int listeners_add(struct listeners *ls, const struct listener_spec *as, int fd)
{
	struct listener *l = calloc(1, sizeof(*l));
	int e = l ? fd_set_nonblock(fd) : -ENOMEM;

	if (e < 0) {
		free(l);
		fd_close(&fd);
		return e;
	}
	sock_no_delay(fd);
	notice_vanished_peers(fd);
	sock_init(&l->sock, ls->loop, fd, on_acceptable);
	l->sock.lent = l->sock.listens = true;
	l->sock.exclusive = as->shared;
	l->all = ls;
	l->role = as->role;
	l->id = as->id;
	l->outlives_us = as->outlives_us;
	e = set_accepting(l, true);
	if (e < 0)
		sock_close(&l->sock, on_closed);
	else
		DL_APPEND(ls->list, l);
	return e;
}

static void on_pause_over(uv_timer_t *timer)
{
	struct listeners *ls = container_of(timer, struct listeners, pause);
	struct listener *l;

	DL_FOREACH(ls->list, l)
	accept_again(l);
}

void listeners_pause(struct listeners *ls, bool all)
{
	struct listener *l;

	DL_FOREACH(ls->list, l)
	if (all || l->role != ROLE_ADMIN)
		(void)set_accepting(l, false);
	(void)uv_timer_start(&ls->pause, on_pause_over, LISTENER_PAUSE_MS, 0);
}

static void remove_listener(struct listener *l)
{
	l->accepting = false;
	DL_DELETE(l->all->list, l);
	sock_close(&l->sock, on_closed);
}

static struct listener *find(const struct listeners *ls, uint32_t id)
{
	struct listener *l;

	DL_SEARCH_SCALAR(ls->list, l, id, id);
	return l;
}

bool listeners_change(struct listeners *ls, uint32_t id, enum listener_role role)
{
	struct listener *l = find(ls, id);

	if (l)
		l->role = role;
	return l;
}

void listeners_remove(struct listeners *ls, uint32_t id)
{
	struct listener *l = find(ls, id);

	if (l)
		remove_listener(l);
}

void listeners_leave(struct listeners *ls)
{
	struct listener *l, *next;

	DL_FOREACH_SAFE(ls->list, l, next)
	if (l->outlives_us)
		remove_listener(l);
}

/* Closing at once would reset those whom the kernel has let in. */
void listeners_drain(struct listeners *ls)
{
	struct listener *l, *next;

	listeners_leave(ls);
	DL_FOREACH_SAFE(ls->list, l, next)
	{
		if (l->role == ROLE_ADMIN)
			continue;
		for (int n = 0; n < ACCEPT_LAST_MAX && l->accepting && accept_one(l); n++)
			;
		remove_listener(l);
	}
}

void listeners_init(struct listeners *ls, struct loop *l, const struct listener_ops *ops, void *ctx)
{
	*ls = (struct listeners){ .loop = l, .ops = ops, .ctx = ctx };
	(void)uv_timer_init(l->uv, &ls->pause);
}

void listeners_deinit(struct listeners *ls)
{
	struct listener *l, *next;

	DL_FOREACH_SAFE(ls->list, l, next)
	remove_listener(l);
	uv_close((uv_handle_t *)&ls->pause, NULL);
}
