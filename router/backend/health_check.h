/* Asks a worker that serves for SIOINIT_WORKER_HEALTH_PATH, every SIOINIT_WORKER_HEALTH_INTERVAL,
 * and tells init (CONTROL_HEALTH); init judges. One question at a time: while one is open, how long
 * it has waited is told again and again, so that init hears of silence only from a router that
 * lives. */
#pragma once

struct worker;

/* Begins to ask, at once, unless it is being asked or nothing is to be asked. */
void health_check_start(struct worker *w);
void health_check_stop(struct worker *w);
