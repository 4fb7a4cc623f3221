/* Connections to workers: pairs (loopback TCP or unix) whose far end is handed to the worker like a
 * client's socket, so that no app needs a port; or a connect() for workers with a port of their
 * own. Kept alive and reused, most recent first. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "router/http/body.h"
#include "router/net/sock.h"

struct client;
struct worker;

struct upstream {
	struct sock sock;
	struct upstream *prev, *next; /* in worker->idle or ->busy */
	struct worker *worker;        /* NULL once the worker is gone */
	struct client *client;        /* the exchange that uses it */
	uint64_t token;               /* the hand-off of its far end */
	bool reused;
	bool poll;           /* see worker->n_polls */
	bool tunnel;         /* see worker->n_tunnels */
	bool refused;        /* its far end came back: the worker has seen nothing */
	bool unread;         /* the worker closed it without having read the last request */
	uint64_t expires_ms; /* idle: when the worker may close it */
	/* a response head that is not complete yet; with room for what may come together with its
	 * last byte, SOCK_BITE_MIN at a time */
	struct buf in;
	struct http_body body;
};

enum { RESPONSE_HEAD_MAX = 64 << 10 };

enum upstream_age {
	UPSTREAM_ANY,     /* an idle one that the worker will not close in the next moment */
	UPSTREAM_CHECKED, /* ditto, and that it has not closed: one more system call */
	UPSTREAM_NEW,
};

/* A connection for the exclusive use of @c; a new one where there is no idle one. NULL with errno
 * set: no descriptors or memory left, or init is gone. @poll: the request may wait as long as the
 * app likes. */
struct upstream *upstream_get(struct worker *w, struct client *c, bool poll, enum upstream_age age);

/* A connection to @w that another router has made, in use by @c. NULL: ENOMEM. @fd consumed. */
struct upstream *upstream_adopt(struct worker *w, struct client *c, int fd);

/* After a complete response: keeps it for @idle_ms. Closes it when that is 0, it has failed, or
 * part of the request is still to be sent. */
void upstream_put(struct upstream *u, uint32_t idle_ms);

/* The request it carries has become a connection of its own. Its worker may be gone. */
void upstream_becomes_tunnel(struct upstream *u);

/* Idempotent; does not call the client back. */
void upstream_close(struct upstream *u);

/* The far end was refused by the worker (CONTROL_HANDBACK): the request, if any, was never seen and
 * may go to another. False when no connection has that token any more. */
bool upstream_refused(struct worker *w, uint64_t token);

void upstream_close_idle(struct worker *w);
/* Its worker is dead: idle ones are closed, exchanges in progress end with what it has said. */
void upstream_close_all(struct worker *w);

/* It outlives its worker, for what is still to be read from it. */
void upstream_leave_worker(struct upstream *u);

/* A new connection to where a worker listens by itself, non-blocking, perhaps not established yet.
 * The descriptor or -errno. */
int upstream_dial(const struct worker *w);

/* Makes a pair, loopback TCP or, as router_conf says, unix. 0: *ret_near and *ret_far are
 * non-blocking, owned by the caller. -errno. */
struct router;
int upstream_pair(struct router *r, int *ret_near, int *ret_far);
/* The private listener behind it. 0 or -errno. */
int upstream_listen(struct router *r);
