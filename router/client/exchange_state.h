/* An exchange: one request and its answer between a client and a worker; its states and how long
 * each may last.
 *
 *	REQUEST ─► WAITING ─► BODY ─► DONE          WAITING ─► TUNNEL ─► HALF ─► DONE
 *	   │          ▲ │        ▲
 *	   ├─► POLL ─► PARKED    │                  a poll: asked for by a session, it waits for
 *	   └──────► INTERIM ─────┘                  the app to have something to say
 *
 * The deadline of a state depends on whose turn it is: the client's, to send or to take, or the
 * worker's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "router/backend/choose.h"
#include "router/backend/ends.h"
#include "router/client/deadlines.h"
#include "router/client/tunnel.h"
#include "router/http/body.h"
#include "router/http/trace.h"
#include "router/net/deadline.h"

struct access_entry;
struct exchange;
struct frontend;
struct http_head;
struct identity;
struct sock;
struct span;
struct upstream;
struct visitor;

enum { RETAIN_MAX = 16 << 10, LEARN_MAX = 1024 };

/*	state    client's turn    worker's turn      may follow */
#define EXCHANGE_STATES(X)                                                                         \
	X(DONE, PACE, RESPONSE, M(REQUEST) | M(POLL))                                              \
	X(REQUEST, PACE, RESPONSE,                                                                 \
	  M(WAITING) | M(POLL) | M(INTERIM) | M(BODY) | M(TUNNEL) | M(DONE))                       \
	X(WAITING, PACE, RESPONSE, M(INTERIM) | M(BODY) | M(TUNNEL) | M(DONE))                     \
	X(POLL, PACE, PARK, M(PARKED) | M(INTERIM) | M(BODY) | M(DONE))                            \
	X(PARKED, PACE, POLL, M(POLL) | M(INTERIM) | M(BODY) | M(DONE))                            \
	X(INTERIM, PACE, RESPONSE, M(BODY) | M(TUNNEL) | M(DONE))                                  \
	X(BODY, PACE, SILENCE, M(DONE))                                                            \
	X(TUNNEL, PACE, SILENCE, M(HALF) | M(DONE))                                                \
	X(HALF, PACE, PACE, M(DONE))

enum exchange_state {
#define X(name, client, worker, next) EXCHANGE_##name,
	EXCHANGE_STATES(X)
#undef X
	    EXCHANGE_N_STATES,
};

/* How an exchange tells of its end. Each may free it. */
struct exchange_ops {
	/* @reusable: request and answer are complete and both sides want to go on. */
	void (*on_done)(struct exchange *x, bool reusable);
	/* Nothing of an answer is out: the client gets this one. */
	void (*on_refused)(struct exchange *x, unsigned status);
	/* The client's connection cannot go on. @why is for the debug log. */
	void (*on_cut)(struct exchange *x, const char *why);
	/* The first upgrade somewhere at this worker is answered, in whatever way, or never will
	 * be. The exchange goes on. */
	void (*on_upgrade_known)(struct exchange *x, uint32_t worker);
};

/* What an exchange is part of; borrowed for as long as the client's connection lives. */
struct exchange_side {
	struct frontend *frontend;
	struct sock *client;
	const struct identity *who;
	struct access_entry **access; /* the entry of this request, or NULL in it */
	struct span **span;           /* ditto, of its trace */
	struct visitor **visitor;     /* whom it counts for, or NULL in it */
	const struct exchange_ops *ops;
};

struct exchange {
	struct exchange_side side;
	enum exchange_state state;
	struct deadline deadline;
	struct upstream *upstream; /* NULL: none */
	/* the request */
	struct http_body request; /* what of it is still to come */
	unsigned minor;           /* of the client's HTTP/1.x */
	bool no_body;             /* HEAD */
	bool idempotent;
	bool poll;      /* waits for the app to have something to say */
	bool upgrade;   /* the client wants to change protocols, with the router in between */
	bool learn;     /* a handshake: the answer names a session */
	uint64_t place; /* upgrades_place() of an upgrade */
	char cookie[STICKY_VALUE_SIZE]; /* what names the worker, as the client sent it */
	bool secure_cookie;             /* the client came by TLS, and that counts */
	char id[REQUEST_ID_MAX + 1];    /* of the request; empty: none */
	uint64_t begun_ms;
	/* the connections */
	struct ends ends; /* of the client's, once they are known */
	bool knows_ends;
	bool keep_alive;      /* the client may send another request */
	bool client_ended;    /* the client has sent its FIN; so have we, to the worker */
	bool pipelined;       /* bytes of a next request wait in the kernel */
	bool lent;            /* init has a copy of both connections */
	bool request_aborted; /* they end with the exchange: the worker stopped taking the request,
		     or init still has them (parking.h) */
	struct tunnel tunnel;
	uint32_t first_at; /* it is the first upgrade somewhere at that worker; 0: it is not, or is
			      answered */
	uint32_t worker_id;
	unsigned tries;
	uint32_t idle_ms;    /* how long the worker's side may be kept */
	struct buf retained; /* the request as sent, until the first byte of the answer: for another
				try */
	struct buf handshake_prefix; /* the first bytes of a handshake's answer */
};

/* The only setter of .state, and of the deadline when that is another's. */
void exchange_set_state(struct exchange *x, enum exchange_state to);

enum moved { MOVED_NOTHING, MOVED_WORKER, MOVED_CLIENT };

/* After anything has happened: starts the deadline of the state for the side whose turn it is.
 * Who has @moved gets the time of a pace or a silence anew. */
void exchange_pace(struct exchange *x, enum moved moved);

/* True: something is expected of the client, to send or to take; else of the worker. */
bool exchange_is_clients_turn(const struct exchange *x);

/* The final head or an interim one is on its way to the client: there is no other try. */
static inline bool exchange_has_answered(const struct exchange *x)
{
	return x->state >= EXCHANGE_INTERIM;
}

/* What became of a step of an exchange; exchange.c alone acts on it. */
enum step_kind {
	STEP_MORE,    /* it goes on */
	STEP_DONE,    /* the answer is complete */
	STEP_FAILED,  /* the worker's side: perhaps another try */
	STEP_CUT,     /* the client's side */
	STEP_REFUSED, /* the client gets @status */
};

struct step {
	enum step_kind kind;
	const char *why;
	unsigned status;
};
