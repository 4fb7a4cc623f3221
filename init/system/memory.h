/* The container's memory: when it is nearly used up, its largest worker is replaced without a gap,
 * before the kernel kills one (memory-pressure); and which deaths were the kernel's doing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "init/system/cgroup.h"

struct init;

struct memory {
	struct cgroup_meter meter;
	uint64_t opened_ms, limit_ms; /* when the meter was opened, and the limits were read */
	uint64_t limit;               /* of the container, bytes, 0 = none */
	uint64_t relieved_ms;
	bool has_relieved;
	uint64_t oom_claimed;    /* of the cgroup's oom_kills, those that are explained */
	uint64_t oom_noticed_ms; /* when there was one more, 0: there is none */
};

/* What is so before the first worker. */
void memory_init(struct init *in);

/* What the relay may take: what the setting says, or an eighth of the limit. */
size_t memory_for_relay(const struct init *in);

/* From the watch. */
void memory_look(struct init *in);

/* A process was killed by a SIGKILL that was not ours. True: by the kernel, for memory. */
bool memory_claim_oom(struct init *in);

/* Resident memory of a process, 0 when there is none. */
uint64_t memory_resident(pid_t pid);
