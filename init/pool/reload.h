/* Replacing workers while the others serve: one slot at a time, the new worker first. For a rolling
 * reload (all slots), for `sioinit restart SLOT`, and for recycling.
 *
 *	wanted → next boots → ready → takes over → the old one drains → ended → the next slot
 *
 * A next worker that does not get ready ends the whole round: the old workers stay. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct init;
struct slot;
struct worker;

struct reload {
	struct slot *slot;        /* whose next worker is booting, or NULL */
	const struct worker *old; /* that drains, or NULL */
	bool again; /* asked for while a round was going on: one more round after it */
	bool all;   /* a round over all slots: the service manager is told */
};

/* Every worker; coalesced with a round that is going on. */
void reload_all(struct init *in);
/* One; @why is a static text for the log. */
void reload_slot(struct slot *s, const char *why);

/* From pool.c */
void reload_took_over(struct slot *s, const struct worker *old);
void reload_slot_retired(struct slot *s);
void reload_failed(struct slot *s, int code);
void reload_worker_ended(struct init *in, const struct worker *w);
