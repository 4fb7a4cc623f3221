/* A client's connection, its states and how long each may last.
 *
 *	PROXY_HEADER ─► FIRST ─► HEAD ─► EXCHANGE ─► IDLE ─► HEAD ...
 *	                                    └─► REST ─► IDLE
 *	HEAD ─► (handed over: the socket is the worker's)
 *	any of them ─► REPLY ─► LINGER ─► CLOSED       refused, or the last answer
 *	HEAD ─► ADMIN ─► REPLY                         an answer of ours that takes a while
 *	HEAD ─► EVENTS ◄─► BEHIND                      an answer of ours that never ends
 *	FIRST ─► PROTOCOL ─► (handed over), EXCHANGE   it speaks no HTTP, a worker is asked whether
 *	                                               it does
 *	HEAD ─► UPGRADE ─► (handed over), EXCHANGE     another one's answer tells whether the worker
 *	                                               takes WebSockets there
 *	QUIET ─► (handed over)                         at another port of the app's */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/control.h"
#include "router/client/deadlines.h"
#include "router/client/exchange_state.h"
#include "router/client/identity.h"
#include "router/http/reply.h"
#include "router/net/deadline.h"
#include "router/net/sock.h"

struct access_entry;
struct frontend;
struct span;
struct visitor;

#define C_ENDS (C(REPLY) | C(LINGER) | C(CLOSED))

/*	state          deadline      may follow */
#define CLIENT_STATES(X)                                                                           \
	X(NEW, END_OF_TURN,                                                                        \
	  C(FIRST) | C(PROXY_HEADER) | C(HEAD) | C(EXCHANGE) | C(PROTOCOL) | C(UPGRADE) |          \
	      C(QUIET) | C(ADMIN) | C(EVENTS) | C_ENDS)                                            \
	X(FIRST, HEADER,                                                                           \
	  C(HEAD) | C(EXCHANGE) | C(PROTOCOL) | C(UPGRADE) | C(ADMIN) | C(EVENTS) | C_ENDS)        \
	X(PROXY_HEADER, HEADER, C(FIRST) | C_ENDS)                                                 \
	X(HEAD, HEADER, C(EXCHANGE) | C(UPGRADE) | C(ADMIN) | C(EVENTS) | C_ENDS)                  \
	X(EXCHANGE, OF_EXCHANGE, C(IDLE) | C(REST) | C_ENDS)                                       \
	X(REST, TAKING, C(IDLE) | C_ENDS)                                                          \
	X(IDLE, KEEPALIVE, C(HEAD) | C(EXCHANGE) | C(UPGRADE) | C_ENDS)                            \
	X(UPGRADE, UPGRADE, C(EXCHANGE) | C_ENDS)                                                  \
	X(PROTOCOL, PROTOCOL, C(EXCHANGE) | C_ENDS)                                                \
	X(QUIET, QUIET, C_ENDS)                                                                    \
	X(ADMIN, ADMIN, C_ENDS)                                                                    \
	X(EVENTS, EVENTS, C(BEHIND) | C_ENDS)                                                      \
	X(BEHIND, TAKING, C(EVENTS) | C_ENDS)                                                      \
	X(REPLY, TAKING, C(LINGER) | C(CLOSED))                                                    \
	X(LINGER, LINGER, C(CLOSED))                                                               \
	X(CLOSED, END_OF_TURN, 0)

enum client_state {
#define X(name, deadline, next) CLIENT_##name,
	CLIENT_STATES(X)
#undef X
	    CLIENT_N_STATES,
};

struct client {
	struct sock sock;
	struct frontend *frontend;
	struct client *prev, *next; /* frontend->clients */
	enum client_state state;
	struct deadline deadline;
	struct exchange exchange;
	size_t peeked; /* bytes of an incomplete head that wait in the kernel */
	unsigned handoff_tries;
	uint32_t refused_by; /* the worker that gave it back, 0 = none */
	struct identity who;
	bool admin;                  /* came to the admin address */
	uint32_t listener;           /* it came to, as init numbers them; 0 = the public port */
	uint32_t asked;              /* the worker that is being asked, in PROTOCOL and UPGRADE */
	struct reply_to to;          /* what is answered now */
	struct visitor *visitor;     /* counted for its address, or for that of the request */
	struct access_entry *access; /* the request in progress, when there is a log */
	struct span *span;           /* ditto, when it has one */
};

/* The only setter of .state; the deadline of the new state begins. Nothing happens when it is in
 * that state already. */
void client_set_state(struct client *c, enum client_state to);

/* For the debug log. */
const char *client_state_name(enum client_state s);
