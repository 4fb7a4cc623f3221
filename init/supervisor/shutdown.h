/* The end: lame duck (not ready for the outside, still serving), draining (sockets closed at a
 * pace), stopping (SIGTERM, cluster's disconnect, SIGKILL at the deadline). */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "ipc/control.h"

struct init;

enum shutdown_speed {
	SHUTDOWN_GENTLE, /* lame duck, drain, stop */
	SHUTDOWN_FAST,   /* stop at once */
	SHUTDOWN_NOW,    /* kill */
};

struct shutdown {
	enum { SHUTDOWN_NONE, SHUTDOWN_LAME_DUCK, SHUTDOWN_DRAINING, SHUTDOWN_STOPPING } stage;
	uv_timer_t delay;
	int exit_code;
	bool held; /* not ready for the outside, by the user's wish */
};

void shutdown_init(struct init *in);

/* Begins, or hurries: called again it skips what is left of the stage. @code is what sioinit will
 * exit with, unless a worker has to be killed. */
void shutdown_begin(struct init *in, int code, enum shutdown_speed speed);

/* Not ready for the outside, though nothing ends, until it is taken back. */
void shutdown_hold(struct init *in, bool held);

/* From pool.c. @forced: at the deadline. Ends the loop with the last worker. */
void shutdown_worker_ended(struct init *in, bool forced);

/* The same of the last process beside them; @in is struct init. */
void shutdown_sidecars_over(void *in, bool forced);

bool shutdown_has_begun(const struct init *in);
/* No worker is left: the router need not be replaced any more. */
bool shutdown_is_over(const struct init *in);
enum phase shutdown_phase(const struct init *in);
