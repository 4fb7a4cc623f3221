/* Which worker a request belongs to, and which one gets the next session. A known session always
 * goes to the worker that holds it (but for STICKY_NONE); what else tells where a client belongs is
 * a setting. */
#pragma once

#include <stdint.h>

#include "base/str.h"
#include "router/http/cookie.h"

struct backend;
struct http_head;
struct sid_request;
struct worker;

/* The ready worker with the least load (sessions, requests in flight, open sockets, what was
 * assigned a moment ago; by all routers), counted at the choice so that a burst spreads; NULL when
 * none is ready. @except is skipped when there is another. Expired sessions are dropped first. */
struct worker *choose_least(struct backend *b, const struct worker *except);

/* The same for a key: the ready worker with the greatest weight. */
struct worker *choose_by_key(struct backend *b, struct str key, const struct worker *except);

/* The same of those that have a server at @listener, another port of the app's: ready ones, else
 * those that boot, are slow or have closed their public server, else those that drain. NULL: there
 * is none. */
struct worker *choose_least_at(struct backend *b, uint32_t listener, const struct worker *except);
struct worker *choose_by_key_at(struct backend *b, uint32_t listener, struct str key,
				const struct worker *except);

/* What the choice needs of a request; slices borrow it. */
struct choice {
	const struct http_head *head;
	struct str addr; /* of the client */
	const struct sid_request *sid;
	const struct worker *except; /* skipped when there is another, or NULL */
	const char *why;             /* set by the choice: a static text for the access log */
};

/* The worker for it, or NULL: none is ready. Counts sessions that nobody knows. */
struct worker *choose_for(struct backend *b, struct choice *ch);

enum { STICKY_VALUE_SIZE = 17 }; /* with NUL */

/* The cookie for an answer of worker @id, its value in @dst; without a name when it is not wanted
 * or the request had that value (@had) already. */
struct cookie sticky_cookie(const struct backend *b, uint32_t id, struct str had,
			    char dst[static STICKY_VALUE_SIZE]);

/* Pure parts */

/* Rendezvous hashing: the slot with the greatest weight gets the key, so that a slot that is lost
 * moves only its own keys. */
uint64_t sticky_key(struct str value);
uint64_t sticky_weight(uint64_t key, uint32_t slot);
