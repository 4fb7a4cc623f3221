/* Replacing workers while the others serve: one slot at a time, the new worker first. For a rolling
 * reload (all slots), for `sioinit restart SLOT`, and for recycling.
 *
 *	state     waits for                                  until
 *	IDLE      a slot that is to be replaced              somebody asks
 *	BOOTING   the slot's next worker to be ready         SIOINIT_READY_TIMEOUT
 *	DRAINING  the worker before it to end                SIOINIT_STOP_TIMEOUT
 *
 * A next worker that does not get ready ends the whole round: the old workers stay. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ipc/worker_end.h"

struct pool;
struct slot;
struct worker;

enum reload_state { RELOAD_IDLE, RELOAD_BOOTING, RELOAD_DRAINING };

struct reload {
	enum reload_state state;
	struct slot *slot;        /* BOOTING: whose next worker boots */
	const struct worker *old; /* DRAINING: that drains */
	bool again;        /* asked for while a round was going on: one more round after it */
	bool all;          /* a round over all slots: the owner is told */
	unsigned done, of; /* workers of this round */
};

/* Every worker; coalesced with a round that is going on. Nothing happens in a closed pool. */
void reload_all(struct pool *p);
/* One, since the user wants it; @why is a static text for the log. */
void reload_slot(struct slot *s, const char *why);
/* One, by itself: not soon after a replacement that failed. @counts_as: the end of the worker that
 * is replaced. */
void reload_recycle(struct slot *s, const char *why, enum worker_end_reason counts_as);
/* The same where there is no memory for a second worker: the old one ends first. */
void reload_recycle_stop_first(struct slot *s, const char *why);

/* What happens to slots and workers, from the pool. @old NULL: it has ended. */
void reload_took_over(struct slot *s, const struct worker *old);
void reload_slot_retired(struct slot *s);
/* The next worker ended with @code before it was ready. */
void reload_failed(struct slot *s, int code);
/* The same of a worker that boots in a slot with no other, if the round waits for it. */
void reload_lost(struct slot *s, int code);
void reload_worker_ended(struct pool *p, const struct worker *w);
/* The pool is closed: nobody waits for the round any more. */
void reload_cancel(struct pool *p);
