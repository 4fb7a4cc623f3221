/* The way of an answer to the client: heads rewritten, the body as it comes; what it tells of
 * sessions is learned on the way. */
#pragma once

#include "router/client/exchange_state.h"

/* Reads from the worker's connection and passes on. */
struct step response_more(struct exchange *x);

/* A kernel answers with a reset when bytes wait in a socket that its process closes (or that was
 * never taken), or come for one that it has closed: the worker had given the connection up, or was
 * dead, before it read this request, which came in one segment. After reading it there would be a
 * FIN, even from a crash. @err: of the last read, 0 after a FIN. */
bool response_was_not_read(const struct upstream *u, int err);
