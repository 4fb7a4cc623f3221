/* What the router refuses, drops or rewrites is said once for each kind in its life, with the
 * setting that decides it: a line for each would be a client's to write, and none leaves the
 * operator to guess. */
#pragma once

#include <stdbool.h>

struct http_head;
struct identity;
struct sid_request;
struct worker;

enum notice {
	NOTICE_NO_PROXY_HEADER,     /* the connection is closed */
	NOTICE_CLAIMS_REPLACED,     /* forwarding fields of who is no trusted proxy */
	NOTICE_TLS_REFUSED,         /* 400: the app speaks none */
	NOTICE_NO_HTTP_REFUSED,     /* 400 */
	NOTICE_HEAD_TOO_LARGE,      /* 431, 414 */
	NOTICE_ADDRESS_FULL,        /* 429 */
	NOTICE_ROUTER_FULL,         /* 503 */
	NOTICE_HANDSHAKES_TOO_FAST, /* 503 */
	NOTICE_HEAD_TOO_SLOW,       /* 408 */
	NOTICE_SILENT,              /* closed, and the app has never answered by HTTP */
	NOTICE_BODY_TOO_SLOW,       /* 408 */
	NOTICE_UPGRADE_MISSING,     /* a WebSocket's request that no longer asks for one */
	NOTICE_UPGRADE_DROPPED,     /* to anything but a WebSocket */
	NOTICE_ANSWER_TOO_LARGE,    /* 502: the worker's head */
	NOTICE_ANSWER_NO_HTTP,      /* 502 */
	NOTICE_N_KINDS,
};

struct notices {
	bool said[NOTICE_N_KINDS];
};

/* Says it, the first time. @who: a client's address. */
void notice(struct notices *ns, enum notice kind, const char *who);
/* The same of @w, or of a worker that has gone (NULL). */
void notice_worker(struct notices *ns, enum notice kind, const struct worker *w);

/* A request that is about to be routed: what will be left out of it, or is missing already. */
void notice_request(struct notices *ns, const struct identity *who, const struct http_head *head,
		    const struct sid_request *sid);
