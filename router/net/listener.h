/* Listening sockets: from init, or from init on an app's behalf. Accepting pauses for a moment when
 * descriptors or memory run out, and stops for good when the router drains. Accepted sockets have
 * what the listening one has: TCP_NODELAY, and keepalive and user timeout, so that a peer that has
 * vanished is noticed within CLIENT_GONE_S, also by the worker that the socket is handed to. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "router/net/loop.h"
#include "router/net/sock.h"

enum {
	LISTENER_PAUSE_MS = 100,
	CLIENT_GONE_S = 120, /* tcp(7): TCP_KEEPIDLE and all probes; TCP_USER_TIMEOUT */
};

enum listener_role {
	ROLE_HTTP,  /* requests, routed */
	ROLE_RAW,   /* whole connections, to the workers that have a server there */
	ROLE_ADMIN, /* health, for the platform */
};

struct listener;

struct listener_ops {
	/* Whether one more connection may be taken from a listener of this role. */
	bool (*has_room)(void *ctx, enum listener_role role);
	/* A new connection; @fd is non-blocking and consumed. */
	void (*on_accept)(void *ctx, const struct listener *l, int fd,
			  const struct sockaddr_storage *peer);
};

struct listeners {
	struct loop *loop;
	const struct listener_ops *ops;
	void *ctx;
	struct listener *list;
	uv_timer_t pause;
	bool told_no_room;
};

struct listener {
	struct sock sock;
	struct listeners *all;
	struct listener *prev, *next;
	enum listener_role role;
	uint32_t id;
	bool accepting;
	bool outlives_us; /* who is not accepted waits for the next sioinit */
	unsigned alone; /* connections in a row that had none behind them, up to ACCEPT_ALONE_MAX */
	unsigned once;  /* so many are accepted without looking for another one */
};

/* @ops and @ctx are borrowed for good. */
void listeners_init(struct listeners *ls, struct loop *l, const struct listener_ops *ops,
		    void *ctx);
/* Closes all of them and the timer. */
void listeners_deinit(struct listeners *ls);

/* What kind of listener one becomes. */
struct listener_spec {
	enum listener_role role;
	uint32_t id;
	bool shared;      /* other routers accept there, too: one is woken for each connection */
	bool outlives_us; /* who is not accepted waits for the next sioinit */
};

/* Starts to accept on @fd (consumed always). 0 or -errno. */
int listeners_add(struct listeners *ls, const struct listener_spec *as, int fd);

/* The listener with that @id, which is not 0, has another role from now on. False: there is none.
 */
bool listeners_change(struct listeners *ls, uint32_t id, enum listener_role role)
    __attribute__((warn_unused_result));
/* Closes it, with those whom the kernel has let in: nobody listens there any more. */
void listeners_remove(struct listeners *ls, uint32_t id);

/* Stops accepting for LISTENER_PAUSE_MS (out of descriptors), on @all listeners or on those of
 * clients. */
void listeners_pause(struct listeners *ls, bool all);

/* Accepts no more at those that outlive us. */
void listeners_leave(struct listeners *ls);
/* The same; at the others, but for the admin address, what the kernel has let in is accepted, and
 * then no more. */
void listeners_drain(struct listeners *ls);
