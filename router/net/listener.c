/* Listening sockets. Accepts in batches, so that one busy port cannot starve the others. */
#include "router/net/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <utlist.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "router/client/client.h"
#include "router/core.h"

#include "base/ban.h"

enum { ACCEPT_BATCH = 64, ACCEPT_LAST_MAX = 4096 };

static bool is_out_of_resources(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOMEM || err == ENOBUFS;
}

static void on_no_room(struct listener *l, const char *why, bool all)
{
	if (!l->router->out_of_resources)
		log_warn("router: accept: %s; clients wait until there is room", why);
	l->router->out_of_resources = true;
	listeners_pause(l->router, all);
}

/* The admin address has room of its own: a crowd must not pass for a dead server. */
static bool is_full(const struct listener *l)
{
	return l->role != ROLE_ADMIN && l->router->n_clients >= l->router->max_accepted;
}

/* False: there is none, or no room for it. */
static bool accept_one(struct listener *l)
{
	struct sockaddr_storage peer = { 0 };
	socklen_t len = sizeof(peer);
	int fd;

	if (is_full(l)) {
		on_no_room(l, strerror(EMFILE), false);
		return false;
	}
	fd = accept4(l->sock.fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		if (is_out_of_resources(errno))
			on_no_room(l, strerror(errno), true);
		return false;
	}
	if (l->role != ROLE_ADMIN)
		l->router->out_of_resources = false;
	client_accept(l->router, l, fd, &peer);
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
		(void)uv_timer_start(&l->router->accept_pause, on_pause_over, ACCEPT_PAUSE_MS, 0);
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

static void on_acceptable(struct sock *s, int events)
{
	struct listener *l = container_of(s, struct listener, sock);
	int n = 0;

	(void)events;
	while (n < ACCEPT_BATCH && l->accepting && accept_one(l))
		n++;
	if (n > 0)
		queue_up_again(l);
}

static void on_closed(struct sock *s)
{
	free(container_of(s, struct listener, sock));
}

int listener_add(struct router *r, enum listener_role role, uint32_t id, bool shared, int fd)
{
	struct listener *l = calloc(1, sizeof(*l));
	int e = l ? fd_set_nonblock(fd) : -ENOMEM;

	if (e < 0) {
		free(l);
		fd_close(&fd);
		return e;
	}
	sock_no_delay(fd);
	sock_init(&l->sock, &r->poller, fd, on_acceptable);
	l->sock.lent = l->sock.listens = true;
	l->sock.exclusive = shared;
	l->router = r;
	l->role = role;
	l->id = id;
	e = set_accepting(l, true);
	if (e < 0)
		sock_close(&l->sock, on_closed);
	else
		DL_APPEND(r->listeners, l);
	return e;
}

static void on_pause_over(uv_timer_t *timer)
{
	struct router *r = container_of(timer, struct router, accept_pause);
	struct listener *l;

	DL_FOREACH(r->listeners, l)
	accept_again(l);
}

void listeners_pause(struct router *r, bool all)
{
	struct listener *l;

	DL_FOREACH(r->listeners, l)
	if (all || l->role != ROLE_ADMIN)
		(void)set_accepting(l, false);
	(void)uv_timer_start(&r->accept_pause, on_pause_over, ACCEPT_PAUSE_MS, 0);
}

/* Closing would reset those whom the kernel has let in. */
static void accept_the_last(struct listener *l)
{
	for (int n = 0; n < ACCEPT_LAST_MAX && l->accepting && accept_one(l); n++)
		;
}

void listeners_close(struct router *r, bool all)
{
	struct listener *l, *next;

	DL_FOREACH_SAFE(r->listeners, l, next)
	{
		if (l->role == ROLE_ADMIN && !all)
			continue;
		if (!all)
			accept_the_last(l);
		l->accepting = false;
		DL_DELETE(r->listeners, l);
		sock_close(&l->sock, on_closed);
	}
}
