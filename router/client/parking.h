/* Lending the two connections of a poll that waits to init, so that it outlives this router: see
 * init/parked.h. Only what the next router can go on with is lent: a request that is all sent, of
 * which no answer has come. */
#pragma once

#include <stdbool.h>

#include "ipc/control.h"
#include "router/net/deadline.h"

struct client;
struct exchange;
struct router;

bool parking_is_for(const struct exchange *x);

/* The poll has waited long enough (router->park). */
void parking_begin(struct deadline *d);
/* Its answer has begun, or it is over. Idempotent. */
void parking_end(struct client *c);

/* One of the two that a router before this one has lent; @fd consumed. */
void parking_adopt(struct router *r, const struct control_msg *m, int fd);
