/* The workers as the router knows them, and which of them gets the next session. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uthash.h>
#include <uv.h>

#include "ipc/control.h"
#include "router/backend/balance.h"

struct router;
struct sessions;
struct upstream;
struct probe;
struct health_check;

struct worker {
	struct router *router;
	uint32_t id, slot;
	pid_t pid;
	uint16_t port;  /* 0: it has none of its own */
	char path[108]; /* of its own socket, or "" */
	enum worker_state state;
	enum worker_style style;
	uint32_t in_flight; /* requests at it now */
	uint32_t n_polls;   /* of them, polls of a session: nobody waits for their answer */
	struct upstream *idle, *busy; /* connections to it */
	uint32_t n_upstreams, n_tunnels;
	struct probe *probe;               /* while it is being asked whether it answers */
	struct health_check *health_check; /* while it is being asked whether it is well */
	struct tunnel_drain *tunnel_drain; /* while its tunnels are being closed */
	/* Hand-offs leave no trace with us, so live sockets are seen from outside: the descriptors
	 * the process has open, less those it had when it became ready and our own connections. */
	uint32_t base_fds, open_sockets, assigned; /* assigned: given since sockets were counted */
	uint32_t others_handoffs; /* of the other routers, when sockets were counted */
	uint32_t told_sockets;    /* what we said last of them */
	bool idle_untold;         /* init would not take it */
	bool joined;              /* its slot's row of the scoreboard is its own */
	uint64_t sampled_ms;
	uint64_t ready_ms; /* since when */
	UT_hash_handle hh;
};

struct workers {
	struct worker *by_id;
	struct balance balance;
	uint32_t slow_start_ms;
	uint32_t n_ready;
};

/* Applies a CONTROL_WORKER message; the state DEAD frees the worker (its connections and sessions
 * are gone before). */
void workers_update(struct router *r, const struct control_msg *m);
/* What the scoreboard says of each; and what init would not take before is said again. */
void workers_publish(struct router *r);
void workers_free_all(struct router *r);

/* The worker with that id when it still serves known sessions (not stopping), else NULL. That it is
 * ready another router may have heard before us. */
struct worker *workers_serving(struct workers *ws, uint32_t id);
struct worker *workers_by_id(struct workers *ws, uint32_t id);

/* The ready worker with the least load (sessions, requests in flight, open sockets, what was
 * assigned a moment ago; by all routers), counted at the choice so that a burst spreads; NULL when
 * none is ready.
 * @except is skipped when there is another. Expired sessions are dropped first. */
struct worker *workers_pick(struct workers *ws, struct sessions *s, const struct worker *except,
			    uint64_t now_ms);

/* The same for a key: the ready worker with the greatest weight (see stickiness.h). */
struct worker *workers_pick_for(struct workers *ws, uint64_t key, const struct worker *except);

/* It listens by itself: nothing can be handed over to it. */
static inline bool worker_is_on_its_own(const struct worker *w)
{
	return w->style == WORKER_STYLE_PORT || w->style == WORKER_STYLE_UNIX;
}

/* A draining worker that nobody waits for: init is told. */
void worker_tell_if_idle(struct worker *w);

/* A new session begins at @w. */
void worker_admitted(struct worker *w);
/* @w was given a request. */
void worker_asked(struct worker *w);
/* @w was given a session or a connection of its own. */
void worker_assigned(struct worker *w);
