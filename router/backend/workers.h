/* The workers as the router knows them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uthash.h>

#include "router/backend/context.h"
#include "router/backend/protocol.h"
#include "router/backend/upgrades.h"

struct upstream;
struct probe;
struct health_check;
struct upstreams_drain;

enum { WORKER_SHELVES = 64 };

struct worker {
	struct backend *backend;
	uint32_t id, slot;
	pid_t pid;
	uint16_t port;  /* 0: it has none of its own */
	char path[108]; /* of its own socket, or "" */
	enum worker_state state;
	enum worker_style style;
	bool keeps_clients;  /* draining: see WORKER_KEEPS_CLIENTS */
	bool has_adapter;    /* its Socket.IO adapter has spoken */
	uint64_t public;     /* a name for its server of the public port */
	uint32_t *listeners; /* other ports of the app's where it has a server; owned */
	size_t n_listeners;
	uint32_t in_flight; /* requests at it now */
	uint32_t n_waiting; /* WebSockets that are about to be given to it: ROUTE_WAIT */
	uint32_t n_polls;   /* of them, polls of a session: nobody waits for their answer */
	struct upstream *idle, *busy;             /* connections to it */
	struct upstream *shelves[WORKER_SHELVES]; /* the idle ones again: upstream.c */
	uint32_t n_upstreams, n_tunnels, n_idle;
	struct probe *probe;                   /* while it is being asked whether it answers */
	struct health_check *health_check;     /* while it is being asked whether it is well */
	enum protocol protocol;                /* of its server at the public port */
	struct protocol_check *protocol_check; /* while it is being asked for that */
	struct upstreams_drain *drain;         /* while its tunnels and polls are being ended */
	/* Hand-offs leave no trace with us, so live sockets are seen from outside: the descriptors
	 * the process has open, less those it had when it became ready and our own connections. */
	uint32_t base_fds, open_sockets, assigned; /* assigned: given since sockets were counted */
	uint32_t others_handoffs;             /* of the other routers, when sockets were counted */
	uint32_t told_sockets, told_sessions; /* what we said last of them */
	struct upgrades upgrades;             /* where it takes WebSockets */
	bool has_news;                        /* it is among backend->news */
	struct worker *next_news;
	bool idle_untold;  /* init would not take it */
	bool joined;       /* its slot's row of the scoreboard is its own */
	uint64_t ready_ms; /* since when */
	UT_hash_handle hh;
};

/* The worker with that id, or NULL. */
struct worker *workers_by_id(const struct backend *b, uint32_t id);
/* The same if it still serves known sessions (not stopping). That it is ready another router may
 * have heard before us. */
struct worker *workers_serving(const struct backend *b, uint32_t id);

/* It has opened or closed a server at another port of the app's. 0 or -ENOMEM. */
int worker_has_opened(struct worker *w, uint32_t listener);
void worker_has_closed(struct worker *w, uint32_t listener);
/* Whether it has one there. */
bool worker_listens_at(const struct worker *w, uint32_t listener);

/* One of the numbers above has changed, which the scoreboard is told of before the loop waits. */
void worker_has_news(struct worker *w);

/* A draining worker that nobody waits for: init is told, and again until it takes it. */
void worker_tell_if_idle(struct worker *w);

/* It listens by itself: nothing can be handed over to it. */
static inline bool worker_listens_itself(const struct worker *w)
{
	return w->style == WORKER_STYLE_PORT || w->style == WORKER_STYLE_UNIX;
}
