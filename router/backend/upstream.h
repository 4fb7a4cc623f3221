/* Connections to workers that carry requests: kept alive and reused, most recent first. Idle ones
 * end before the worker may close them, and are at most UPSTREAMS_IDLE_MAX for each worker. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "router/backend/ends.h"
#include "router/http/body.h"
#include "router/net/sock.h"

struct backend;
struct upstream_ops;
struct worker;

enum { RESPONSE_HEAD_MAX = 64 << 10, UPSTREAMS_IDLE_MAX = 256, UPSTREAM_SWEEP_MS = 1000 };

struct upstream {
	struct sock sock;
	struct upstream *prev, *next;             /* in worker->idle or ->busy */
	struct upstream *shelf_prev, *shelf_next; /* idle: in worker->shelves */
	struct ends ends;      /* what the app sees; AF_UNSPEC: loopback's or its own */
	struct worker *worker; /* NULL once the worker is gone */
	const struct upstream_ops *ops;
	void *user;      /* the exchange that uses it; NULL: idle */
	uint64_t token;  /* the hand-off of its far end */
	uint64_t public; /* worker->public when it was made: its server */
	bool reused;
	bool poll;           /* see worker->n_polls */
	bool tunnel;         /* see worker->n_tunnels */
	bool refused;        /* its far end came back: the worker has seen nothing */
	bool unread;         /* the worker closed it without having read the last request */
	uint64_t expires_ms; /* idle: when the worker may close it */
	/* a response head that is not complete yet; with room for what may come together with its
	 * last byte, SOCK_READ_MIN at a time */
	struct buf in;
	struct http_body body;
};

/* Told to the user of a connection, from the loop; each may end with the connection closed. */
struct upstream_ops {
	void (*on_event)(void *user, int events);
	/* u->refused: the worker has not taken it. */
	void (*on_refused)(void *user);
	/* The worker is dead. What it has said may still be in the kernel; the connection has to
	 * leave worker->busy: upstream_leave_worker() or upstream_close(). */
	void (*on_worker_died)(void *user);
	/* The worker drains: a tunnel ends now, and a poll that waits. False: none of them. */
	bool (*on_drain)(void *user);
};

enum upstream_age {
	UPSTREAM_ANY,     /* an idle one that the worker will not close in the next moment */
	UPSTREAM_CHECKED, /* ditto, and that it has not closed: one more system call */
	UPSTREAM_NEW,
};

void upstreams_init(struct backend *b);
void upstreams_deinit(struct backend *b);

/* A connection for the exclusive use of @user; a new one where there is no idle one. NULL with
 * errno set: no descriptors or memory left, or init is gone. @poll: the request may wait as long as
 * the app likes. The app sees @ends where that can be: else ret->ends has no family. */
struct upstream *upstream_get(struct worker *w, void *user, bool poll, enum upstream_age age,
			      const struct ends *ends);

/* A connection to @w that another router has made for one with @ends, in use by @user for a poll.
 * NULL: ENOMEM. @fd is consumed. */
struct upstream *upstream_adopt(struct worker *w, void *user, int fd, const struct ends *ends);

/* Whether the app at @w could see whose connection it is. */
bool upstream_shows_ends(const struct worker *w);

/* After a complete response: keeps it for @idle_ms. Closes it when that is 0, it has failed, or
 * part of the request is still to be sent. */
void upstream_put(struct upstream *u, uint32_t idle_ms);

/* The request it carries has become a connection of its own. Its worker may be gone. */
void upstream_becomes_tunnel(struct upstream *u);

/* Idempotent; does not call the user back. */
void upstream_close(struct upstream *u);

/* The far end was refused by the worker (CONTROL_HANDBACK): the request, if any, was never seen and
 * may go to another. False when no connection has that token any more. */
bool upstream_refused(struct worker *w, uint64_t token);

void upstreams_close_idle(struct worker *w);
/* Its worker is dead: idle ones are closed, exchanges in progress end with what it has said. */
void upstreams_close_all(struct worker *w);

/* It outlives its worker, for what is still to be read from it. */
void upstream_leave_worker(struct upstream *u);
