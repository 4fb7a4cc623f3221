/* A slot: a stable number whose worker is started, started again, replaced and given up.
 *
 *	state      has                               until
 *	EMPTY      nothing: not in use, or done      it is used again
 *	WAITING    an armed timer                    the back-off is over
 *	BOOTING    a worker that is not ready        it is ready (SIOINIT_READY_TIMEOUT) or ends
 *	SERVING    a worker                          it ends, or is to be replaced
 *	REPLACING  a worker and the next one         the next is ready (ditto) or either ends
 *	CLOSED     what it had when the stop began   the end of sioinit: nothing is started
 *
 * A worker that drains or stops because another has taken over belongs to no slot any more. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "init/pool/restart.h"
#include "ipc/worker_end.h"

struct pool;
struct worker;

enum slot_state {
	SLOT_EMPTY,
	SLOT_WAITING,
	SLOT_BOOTING,
	SLOT_SERVING,
	SLOT_REPLACING,
	SLOT_CLOSED,
	SLOT_N_STATES,
};

struct slot {
	struct pool *pool;
	uint32_t number;
	enum slot_state state;
	struct worker *worker, *next;
	struct restart restart;
	uv_timer_t timer;                   /* of WAITING */
	bool stops_first;                   /* its worker is to end before the next one starts */
	const char *replace_why;            /* waits for its turn in reload.c; static text */
	enum worker_end_reason retires_for; /* the worker that is replaced, ASKED or MEMORY */
	uint64_t recycle_at_ms;   /* before that nothing but the user replaces its worker */
	uint64_t admitted_before; /* sessions the slot had had when its worker took over */
	uint32_t starts;
};

/* The slot of that number, made when first needed; NULL: no memory. */
struct slot *slot_at(struct pool *p, uint32_t number);

/* The only setter of the state: asserts that the table has the transition, and that the slot has
 * what its state says. */
void slot_set(struct slot *s, enum slot_state to);

/* Starts a worker: BOOTING, or what policy makes of a start that failed. */
void slot_start(struct slot *s);
/* WAITING: starts it at once. False: it could not, as above. */
bool slot_start_now(struct slot *s);
/* Starts the next worker beside the one that serves or boots: REPLACING. 0 or -errno. */
int slot_start_next(struct slot *s);
/* The worker it had is gone or has left: judges that, and waits, goes on with the next one that
 * boots already, or is done. May end in pool_ops.on_give_up(). */
void slot_refill(struct slot *s, const struct restart_end *end);
/* What policy would not fill again keeps the worker that has left until its end: false. */
bool slot_leave(struct slot *s, const struct restart_end *end);

/* Its workers, if any, belong to it no more; EMPTY. */
void slot_clear(struct slot *s);
/* Nothing is started any more; CLOSED. */
void slot_close(struct slot *s);

/* The scoreboard's row. */
void slot_publish(struct slot *s);
/* Sessions that have begun in the slot since it was made. */
uint64_t slot_admitted(const struct slot *s);
