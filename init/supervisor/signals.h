/* The signals that sioinit gets: the table of what each one does is in signals.c and, for users, in
 * the manual. */
#pragma once

struct init;

/* Handles are started before the first child, so that neither its end nor an early SIGTERM is
 * missed. Becomes the reaper of orphans when not PID 1. */
void signals_init(struct init *in);
