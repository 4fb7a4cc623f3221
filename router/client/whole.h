/* Connections that go to a worker whole, with all that is said on them: those that begin with no
 * HTTP, and those of the app's other ports. What they carry is not seen; which worker they belong
 * to has to be read from their beginning, or from the client's address. */
#pragma once

#include <stdint.h>

#include "router/client/head_wait.h"

struct frontend;
struct identity;
struct worker;

/* The connection, as far as it matters. */
struct whole_request {
	const struct identity *who;
	struct peek seen;    /* of its beginning; a head is in frontend->head */
	uint32_t listener;   /* where it came in, 0: the public port */
	uint32_t refused_by; /* the worker that gave it back, or 0 */
};

enum whole_kind {
	WHOLE_REFUSED,   /* .status */
	WHOLE_UNKNOWN,   /* .worker has to be asked which protocol it speaks */
	WHOLE_HAND_OVER, /* to .worker, by its channel */
	WHOLE_TUNNEL,    /* to .worker, which listens by itself */
};

struct whole_route {
	enum whole_kind kind;
	unsigned status;
	struct worker *worker;
};

/* At the public port, of a connection that begins with no HTTP (PEEK_FOREIGN). That no server of
 * the app wants it is said in the log, once. */
void whole_route(struct frontend *f, const struct whole_request *rq, struct whole_route *ret);

/* At another port of the app's; NULL: no worker listens there. Of those that do the worker of a
 * session that is known, the same one for each address where there may be sessions that are not
 * (TLS, Engine.IO, half a head), else the one with the least load. */
struct worker *whole_choose(struct frontend *f, const struct whole_request *rq);
