/* How long the states of clients and exchanges may last. The tables of states (client_state.h,
 * exchange_state.h) name one of these for each state; there is no value for "no deadline". */
#pragma once

#include <stdint.h>

#include "router/net/deadline.h"

struct frontend;

enum deadline_kind {
	/* of a client */
	DEADLINE_HEADER,    /* SIOINIT_HEADER_TIMEOUT: a whole head is there */
	DEADLINE_KEEPALIVE, /* SIOINIT_KEEPALIVE_TIMEOUT: the next request begins */
	DEADLINE_TAKING,    /* SIOINIT_BODY_TIMEOUT: the rest of an answer is taken */
	DEADLINE_LINGER,    /* 2 s: the client closes after its last answer */
	DEADLINE_QUIET,     /* 100 ms: a client of the app's other ports says something */
	DEADLINE_UPGRADE,   /* 1 s: it is known whether a worker takes WebSockets somewhere */
	DEADLINE_PROTOCOL,  /* 3 s: it is known which protocol a worker speaks */
	DEADLINE_ADMIN,     /* 10 s: an answer of the admin endpoints is made */
	DEADLINE_EVENTS,    /* 10 s: there is another event, which is due each second */
	/* of an exchange */
	DEADLINE_PACE,     /* SIOINIT_BODY_TIMEOUT: the client sends or takes more */
	DEADLINE_RESPONSE, /* SIOINIT_RESPONSE_TIMEOUT: the answer begins */
	DEADLINE_PARK,     /* 200 ms: a poll becomes one that outlives this router */
	DEADLINE_POLL,     /* 1 h: a poll is answered */
	DEADLINE_SILENCE,  /* SIOINIT_TUNNEL_TIMEOUT: anything is said, by either side */
	N_DEADLINES,
	/* kept elsewhere */
	DEADLINE_OF_EXCHANGE = N_DEADLINES, /* that of the exchange it is in */
	DEADLINE_END_OF_TURN,               /* freed when the events of this turn are dealt with */
};

/* @on_client and @on_exchange are told what has expired, of the kinds above. */
void deadlines_init(struct frontend *f, void (*on_client)(struct deadline *d),
		    void (*on_exchange)(struct deadline *d));
void deadlines_deinit(struct frontend *f);
