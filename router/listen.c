/* Listening sockets. Accepts in batches, so that one busy port cannot starve the others. */
#include "router/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <utlist.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "router/client.h"
#include "router/core.h"

#include "base/ban.h"

enum { ACCEPT_BATCH = 64 };

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

static void on_acceptable(uv_poll_t *poll, int status, int events)
{
	struct listener *l = container_of(poll, struct listener, poll);

	(void)status;
	(void)events;
	for (int i = 0; i < ACCEPT_BATCH && l->accepting; i++) {
		struct sockaddr_storage peer = { 0 };
		socklen_t len = sizeof(peer);
		int fd;

		if (is_full(l)) {
			on_no_room(l, strerror(EMFILE), false);
			return;
		}
		fd = accept4(l->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			if (is_out_of_resources(errno))
				on_no_room(l, strerror(errno), true);
			return;
		}
		if (l->role != ROLE_ADMIN)
			l->router->out_of_resources = false;
		client_accept(l->router, l, fd, &peer);
	}
}

static void set_accepting(struct listener *l, bool on)
{
	l->accepting = on;
	if (on)
		(void)uv_poll_start(&l->poll, UV_READABLE, on_acceptable);
	else
		(void)uv_poll_stop(&l->poll);
}

int listener_add(struct router *r, enum listener_role role, uint32_t id, int fd)
{
	struct listener *l = calloc(1, sizeof(*l));
	int e = l ? fd_set_nonblock(fd) : -ENOMEM;

	if (e == 0)
		e = uv_poll_init(&r->loop, &l->poll, fd);
	if (e < 0) {
		free(l);
		fd_close(&fd);
		return e;
	}
	sock_no_delay(fd);
	l->router = r;
	l->role = role;
	l->id = id;
	l->fd = fd;
	DL_APPEND(r->listeners, l);
	set_accepting(l, true);
	return 0;
}

static void on_pause_over(uv_timer_t *timer)
{
	struct router *r = container_of(timer, struct router, accept_pause);
	struct listener *l;

	DL_FOREACH(r->listeners, l)
	set_accepting(l, true);
}

void listeners_pause(struct router *r, bool all)
{
	struct listener *l;

	DL_FOREACH(r->listeners, l)
	if (all || l->role != ROLE_ADMIN)
		set_accepting(l, false);
	(void)uv_timer_start(&r->accept_pause, on_pause_over, ACCEPT_PAUSE_MS, 0);
}

static void on_closed(uv_handle_t *handle)
{
	free(container_of((uv_poll_t *)handle, struct listener, poll));
}

void listeners_close(struct router *r, bool all)
{
	struct listener *l, *next;

	DL_FOREACH_SAFE(r->listeners, l, next)
	{
		if (l->role == ROLE_ADMIN && !all)
			continue;
		set_accepting(l, false);
		DL_DELETE(r->listeners, l);
		uv_close((uv_handle_t *)&l->poll, on_closed);
		fd_close(&l->fd);
	}
}
