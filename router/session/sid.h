/* Engine.IO session ids where they travel: in a request's query and in the handshake's response.
 * Pure functions. Protocol 4: body `0{"sid":"...",...,"pingInterval":25000,"pingTimeout":20000}`;
 * protocol 3 puts `97:` in front; JSONP wraps it in
 * `___eio[0]("0{\"sid\":...")` (engine.io-parser, engine.io transports/polling-jsonp). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "ipc/session_memory.h" /* SID_MAX */

struct sid_request {
	struct str sid; /* empty: none; in text[] */
	bool engine;    /* EIO= or transport=: a request without a sid opens a session */
	char text[SID_MAX];
};

/* Looks through the query of a request target for the parameter @name. Names and values are decoded
 * as application/x-www-form-urlencoded. Of several the last counts, as for Engine.IO (6.6:
 * Object.fromEntries(url.searchParams)); those before made an array of them, which is nobody's
 * session. A sid longer than SID_MAX counts as none. */
void sid_of_target(struct str target, struct str name, struct sid_request *ret);

/* The value of the first parameter @name of the target's query, as it stands there, or an empty
 * slice. */
struct str sid_parameter(struct str target, struct str name);

struct sid_handshake {
	struct str sid; /* in text[] */
	char text[SID_MAX];
	uint32_t idle_ms; /* pingInterval + pingTimeout: a polling client is heard of at least that
			     often; 0 = unknown */
};

/* Looks for the open packet at the start of a handshake's response body. False: not there. */
bool sid_of_handshake(struct str body, struct sid_handshake *ret);
