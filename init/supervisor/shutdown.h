/* The end: lame duck (not ready for the outside, still serving), goodbye (the apps have the stop
 * signal and their clients), draining (sockets closed at a pace), stopping (SIGTERM, cluster's
 * disconnect, SIGKILL at the deadline).
 *
 *	stage      until
 *	NONE       somebody begins it
 *	LAME_DUCK  SIOINIT_SHUTDOWN_DELAY
 *	LEAVING    LEAVING_MS, only where the service manager keeps the public sockets: nobody
 *	           new is accepted, so that all wait for the next sioinit
 *	GOODBYE    no worker keeps its clients and takes their connections any more: the public port
 *	           is open for them (never one that the service manager has)
 *	DRAINING   the workers have ended, each by its drain-time and stop-timeout
 *	STOPPING   ditto, by what is left of its stop-timeout
 *
 * It has the last word: with its begin the pool, the monitor and the file watch are told to start
 * nothing any more. */
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

enum shutdown_stage {
	SHUTDOWN_NONE,
	SHUTDOWN_LAME_DUCK,
	SHUTDOWN_LEAVING,
	SHUTDOWN_GOODBYE,
	SHUTDOWN_DRAINING,
	SHUTDOWN_STOPPING,
};

struct shutdown {
	enum shutdown_stage stage;
	uv_timer_t delay;
	int exit_code;
	bool held; /* not ready for the outside, as the user has asked */
};

void shutdown_init(struct init *in);

/* Begins, or hurries: called again it skips what is left of the stage. @code is what sioinit will
 * exit with, unless a worker has to be killed. */
void shutdown_begin(struct init *in, int code, enum shutdown_speed speed);

/* Not ready for the outside, though nothing ends, until it is taken back. */
void shutdown_hold(struct init *in, bool held);

/* The first worker has become ready: the phase is no longer "starting". True: who waits may be let
 * in. */
bool shutdown_first_ready(struct init *in);

/* The farewell of a worker goes on, or is over. */
void shutdown_farewell(struct init *in);

/* From the pool. @forced: at the deadline. Ends the loop with the last worker. */
void shutdown_worker_ended(struct init *in, bool forced);

/* The same of the last process beside them; @ctx is the struct init. */
void shutdown_sidecars_over(void *ctx, bool forced);

bool shutdown_has_begun(const struct init *in);
enum phase shutdown_phase(const struct init *in);
