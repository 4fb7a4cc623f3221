/* The only place that waits for children: ours, and every orphan that became ours. */
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

struct reap_ops {
	/* A child has ended: its wait status and what it used. */
	void (*on_exit)(pid_t pid, int status, const struct rusage *usage, void *ctx);
	/* A child was stopped by @sig, or goes on (0). Only the last of several changes is told. */
	void (*on_stop)(pid_t pid, int sig, void *ctx);
};

/* Collects what has become of the children since it was last asked. Allocates nothing. */
void reap_all(const struct reap_ops *ops, void *ctx);

/* The end: kills and collects whatever is still below us, descendants that left their worker's
 * group included, since they become our children when their parents die (subreaper, or PID 1). At
 * most two seconds; blocking. Returns how many were killed. */
unsigned reap_sweep(void);

/* The exit code of a wait status as a shell says it: 128 + the number of the signal. */
int reap_exit_code(int status);
