/* Which worker a request belongs to. A known session always goes to the worker that holds it (but
 * for STICKY_NONE); what else tells where a client belongs is a setting. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "router/http/cookie.h"

struct http_head;
struct router;
struct sid_request;
struct worker;

enum sticky_kind {
	STICKY_SID,     /* nothing else: a request without a session goes to any worker */
	STICKY_COOKIE,  /* a cookie that we set, which names the worker */
	STICKY_ADDRESS, /* the client's address, hashed */
	STICKY_HEADER,  /* a header field, hashed */
	STICKY_HASH,    /* a parameter of the query, hashed */
	STICKY_NONE,    /* sessions are not looked at either */
	STICKY_N_KINDS,
};

/* What the hashes and cookies need of a request; slices borrow it. */
struct sticky_request {
	const struct http_head *head;
	struct str addr; /* of the client */
	const struct sid_request *sid;
	const char *why; /* set by the choice: a static text for the access log */
};

/* The worker for it, or NULL: none is ready. @except is skipped when there is another. Counts
 * sessions that nobody knows. */
struct worker *sticky_choose(struct router *r, struct sticky_request *rq,
			     const struct worker *except);

enum { STICKY_VALUE_SIZE = 17 }; /* with NUL */

/* The cookie for an answer of worker @id, its value in @dst; without a name when it is not wanted
 * or the request had that value (@had) already. */
struct cookie sticky_cookie(const struct router *r, uint32_t id, struct str had,
			    char dst[static STICKY_VALUE_SIZE]);

/* Pure parts */

/* Rendezvous hashing: the slot with the greatest weight gets the key, so that a slot that is lost
 * moves only its own keys. */
uint64_t sticky_key(struct str value);
uint64_t sticky_weight(uint64_t key, uint32_t slot);
