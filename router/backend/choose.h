/* Which worker a request belongs to. A known session always goes to the worker that holds it (but
 * for STICKY_NONE); what else tells where a client belongs is a setting. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

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

enum { STICKY_COOKIE_MAX = 128 };

/* The Set-Cookie value for the answer of worker @id to @head, in @dst, or an empty slice: it is not
 * wanted, or the request had that cookie already. */
struct str sticky_cookie(const struct router *r, uint32_t id, struct str had,
			 char dst[static STICKY_COOKIE_MAX]);
/* The value of the request's cookie of that name, or an empty slice. */
struct str sticky_cookie_of(const struct router *r, const struct http_head *head);

/* Pure parts */

/* The value of cookie @name in a Cookie field (RFC 6265, 4.2.1), or an empty slice. */
struct str cookie_get(struct str field, struct str name);

/* Rendezvous hashing: the slot with the greatest weight gets the key, so that a slot that is lost
 * moves only its own keys. */
uint64_t sticky_key(struct str value);
uint64_t sticky_weight(uint64_t key, uint32_t slot);
