/* The only place that waits for children: ours, and every orphan that became ours. */
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

/* Collects all children that have ended; @on_exit gets every pid with its wait status and what it
 * used. Allocates nothing. */
void reap_all(void (*on_exit)(pid_t pid, int status, const struct rusage *usage, void *ctx),
	      void *ctx);

/* The signal that has stopped the child @pid since it was last asked, or 0. */
int reap_stop_of(pid_t pid);

/* The end: kills and collects whatever is still below us, descendants that left their worker's
 * group included, since they become our children when their parents die (subreaper, or PID 1). At
 * most two seconds; blocking. Returns how many were killed. */
unsigned reap_sweep(void);
