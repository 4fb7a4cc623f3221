/* A client connection, from accept to its end: waits for a head (peeking, the bytes stay in the
 *kernel), then lets it be proxied, handed over or answered here; between requests it is idle.
 *
 *	idle ──head──► exchange ──answered──► idle
 *	  │               └─ last one ─► linger ──► closed
 *	  ├─ upgrade ──► handed over: the socket is the worker's
 *	  ├─ /metrics that the app has a part in ─► waiting ──► linger
 *	  └─ refused, admin ──► linger
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/ip.h"
#include "ipc/control.h"
#include "router/client/exchange.h"
#include "router/net/deadline.h"
#include "router/net/listener.h"
#include "router/net/sock.h"

struct router;

enum client_state { CLIENT_IDLE, CLIENT_EXCHANGE, CLIENT_WAITING, CLIENT_LINGER, CLIENT_CLOSED };

struct client {
	struct sock sock;
	struct router *router;
	struct client *prev, *next; /* router->clients */
	enum client_state state;
	struct deadline deadline;
	struct exchange exchange;
	size_t peeked; /* bytes of an incomplete head that wait in the kernel */
	unsigned handoff_tries;
	uint32_t refused_by; /* the worker that gave it back, 0 = none */
	/* who it is: the peer, or the one that a PROXY header names */
	struct ip ip;                /* not for AF_UNIX */
	char addr[IP_TEXT_MAX];      /* "unix" for AF_UNIX */
	bool admin;                  /* came to the admin address */
	bool trusted;                /* a proxy whose word on its clients counts */
	bool tls;                    /* as the PROXY header says */
	bool awaits_proxy;           /* the PROXY header has not come yet */
	struct visitor *visitor;     /* counted for its address, or for that of the request */
	struct access_entry *access; /* the request in progress, when there is a log */
};

/* Takes a new connection over (@fd consumed always, non-blocking) and serves what has already
 * arrived. */
void client_accept(struct router *r, const struct listener *l, int fd,
		   const struct sockaddr_storage *peer);

/* Who it is, for a message with its socket: whoever gets that back knows. */
void client_describe(const struct client *c, struct control_msg *m);

/* A hand-off (CONTROL_HANDBACK) that the worker refused or did not live to take: another one gets
 * it. @fd consumed. */
void client_return(struct router *r, const struct control_msg *m, int fd);

/* A poll that another router has lent (CONTROL_ADOPT): the client's and the worker's side, both
 * consumed. */
void client_adopt(struct router *r, const struct control_msg *m, struct worker *w, int fd,
		  int upstream);

/* The exchange is over. @reusable: request and response are complete and both want to go on. */
void client_exchange_done(struct client *c, bool reusable);

/* Answers by itself and ends the connection after it; @status is one of reply.c's. */
void client_reply(struct client *c, unsigned status);

/* An answer that is made elsewhere comes with client_finish_with(). */
void client_wait(struct client *c);

/* Sends finished bytes (head and body), however many, and ends the connection after them. */
void client_finish_with(struct client *c, struct str head, struct str body);

/* The only door, idempotent. @why is for the debug log. */
void client_close(struct client *c, const char *why);

/* What the router's deadline lists call: 408 for half a head, the end for anything else. */
void client_on_deadline(struct deadline *d);

/* Closes connections that are between requests: the router drains. */
void client_close_idle(struct router *r);
