/* What the parts of a worker (init/worker/) share. Whoever sets the state may find the worker
 * closed afterwards: its owner is told. */
#pragma once

#include "init/worker/worker.h"

/* Asserts that the table has the transition; nothing happens when it is there already. */
void worker_set_state(struct worker *w, enum worker_state to);

/* The router speaks to it without us. */
bool worker_listens_itself(const struct worker *w);

/* Tells the process that it is to stop. */
void worker_tell_stop(struct worker *w);

/* It has answered a ping. */
void worker_has_survived(struct worker *w);

/* One of those that hold its memory (.n_open) lets go; the last one frees it. */
void worker_release(struct worker *w);

/* Milliseconds since @begin_ms on the loop's clock; 0 for 0. */
uint64_t worker_since(const struct worker *w, uint64_t begin_ms);

/* Queues @frame, consumed, on its channel; NULL: no memory for it, which is said. */
void worker_send(struct worker *w, struct blob *frame);

/* It breaks the rules of its channel by @what, so that nothing it says there can be relied on: it
 * is killed and replaced. */
void worker_breach(struct worker *w, const char *what);
