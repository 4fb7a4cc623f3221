/* What a person at a terminal is told at the start, and while the workers boot. Where the log is
 * not for people (log_is_for_people()), or says warnings only, nothing of it. */
#pragma once

#include <stdbool.h>

struct init;
struct cpus;

/* Four lines: which sioinit, what it runs and serves, how many workers and why, where to look and
 * which words steer it. Before the first worker. False: it was not said. */
bool banner_say(const struct init *in, unsigned n_workers, const struct cpus *cpus);

/* How many workers are ready, below all lines, until all are or the stop begins. Not for a single
 * worker, whose terminal it may be. */
void banner_progress(const struct init *in);
