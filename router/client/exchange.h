/* One request and its response between a client and a worker: heads rewritten, bodies passed on as
 * they come with back-pressure both ways, never more than one buffer (SOCK_OUT_MAX) per direction.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "router/http/body.h"
#include "router/http/trace.h"

struct client;
struct http_head;
struct sid_request;
struct upstream;
struct worker;

enum { RETAIN_MAX = 16 << 10, LEARN_MAX = 1024 };

struct exchange {
	struct upstream *upstream; /* NULL: no exchange */
	struct http_body request;  /* what of it is still to come */
	bool head_sent;            /* a response head has gone to the client: no way back */
	bool in_body;              /* the final head is out, its body follows */
	bool cut;                  /* the connections end with it: the worker stopped taking the
				      request, or init still has them (parking.h) */
	bool keep_alive;           /* the client may send another request */
	bool no_body;              /* HEAD */
	bool idempotent;
	bool learn;  /* a handshake: the response names a session */
	bool poll;   /* waits for the app to have something to say */
	bool parked; /* init has a copy of both connections */
	uint64_t begun_ms;
	bool upgrade;      /* the client wants to change protocols, with the router in between */
	bool tunnel;       /* it has */
	bool client_ended; /* the client has sent its FIN; so have we, to the worker */
	bool worker_ended; /* the same the other way round; tunnels only */
	bool pipelined;    /* bytes of a next request wait in the kernel */
	unsigned minor;    /* of the client's HTTP/1.x */
	unsigned tries;
	uint32_t worker_id;
	char id[REQUEST_ID_MAX + 1]; /* of the request; empty: none */
	bool secure_cookie;          /* the client came by TLS, and that counts */
	char cookie[17];     /* what names the worker, as the client sent it: sticky_cookie() */
	uint32_t idle_ms;    /* how long the worker's side may be kept */
	struct buf retained; /* the request as sent, until the first byte of the response: for
				another try */
	struct buf opening;  /* the first bytes of a handshake's response body */
};

/* Starts with @head, parsed from the bytes peeked into router->io, of the session @sid. Consumes
 * them from the client's socket. Answers 502/503 through the client when @w can't be reached. */
void exchange_start(struct client *c, struct worker *w, const struct http_head *head,
		    const struct sid_request *sid);

/* Goes on with a poll of another router's, all sent and not answered. */
void exchange_adopt(struct client *c, struct upstream *u, bool keep_alive, unsigned minor);

/* Events on the client's socket during the exchange, and on the worker's. May end with
 * client_exchange_done() or client_close(): the caller must not touch the client afterwards. */
void exchange_on_client(struct client *c, int events);
void exchange_on_upstream(struct client *c, int events);

/* The worker or the connection to it is gone: another try, 502, or the end of the connection when
 * part of the response is already out. */
void exchange_on_upstream_gone(struct client *c, const char *why);

/* The worker is dead: what it has said is passed on, whatever of it is still in the kernel. Takes
 * the exchange's connection out of worker->busy. */
void exchange_on_worker_died(struct client *c);

/* The client has sent or taken nothing for too long: 408, or the end of the connection. */
void exchange_on_timeout(struct client *c);

/* Lets go of the worker's side; for client_close(). */
void exchange_abort(struct client *c);
