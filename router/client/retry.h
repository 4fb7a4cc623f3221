/* Another try: until the first byte of an answer has been passed on, a request that the worker has
 * not read (its connection was refused or already closed at its end) or may read twice (idempotent,
 * RFC 9110, 9.2.2) is tried once more. */
#pragma once

#include <stdbool.h>

#include "router/client/exchange_state.h"

/* What is known of a connection that failed. */
struct failure {
	bool refused; /* its worker did not take it */
	bool unread;  /* ditto, or not this request */
	bool stale;   /* it had been idle: the worker may well be there */
};

struct failure retry_failure(const struct upstream *u);

/* Sends the request again on another connection, of the same worker or of another; the first one is
 * closed. False: it may not, or there is none. */
bool retry(struct exchange *x, const struct failure *f);

/* For an exchange that cannot be tried again, ever. */
void retry_forbid(struct exchange *x);
