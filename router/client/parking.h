/* Lending the two connections of a poll that waits to init, so that it outlives this router: see
 * init/routers/lent_polls.h. Only what the next router can go on with is lent: a request that is
 * all sent, of which no answer has come. */
#pragma once

struct exchange;

/* The poll has waited for a while: EXCHANGE_POLL becomes EXCHANGE_PARKED. */
void parking_begin(struct exchange *x);
/* Its answer has begun, or it is over: init forgets it. Idempotent. */
void parking_end(struct exchange *x);
