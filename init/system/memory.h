/* The container's memory: its limit, and which deaths were the kernel's doing. Times are of one
 * monotonic clock, in milliseconds. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "init/system/cgroup.h"

struct memory {
	struct cgroup_meter meter;
	uint64_t opened_ms, limit_ms; /* when the meter was opened, and the limits were read */
	uint64_t limit;               /* of the container, bytes, 0 = none */
	uint64_t oom_claimed;         /* of the cgroup's oom_kills, those that are explained */
	uint64_t oom_noticed_ms;      /* when there was one more, 0: there is none */
};

/* Reads what is so before the first worker. */
void memory_init(struct memory *m, uint64_t now_ms);

/* What the relay may take: @wanted bytes or, for 0, an eighth of the limit. */
size_t memory_for_relay(const struct memory *m, uint64_t wanted);

/* Reads the limit and the kills again, at most every few seconds. */
void memory_look(struct memory *m, uint64_t now_ms);

/* A process was killed by a SIGKILL that was not ours. True: by the kernel, for memory. */
bool memory_claim_oom(struct memory *m);

/* Resident memory of a process, 0 when there is none. */
uint64_t memory_resident(pid_t pid);
