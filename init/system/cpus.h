/* How many CPUs this container may use: min(affinity mask, cpuset, cgroup quota rounded up), cgroup
 * v1 and v2. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "settings/config.h"

struct cpus {
	unsigned count; /* >= 1 */
	double quota;   /* CPUs granted by cfs quota, 0 = none */
	unsigned affinity;
	char why[128]; /* e.g. "cgroup quota 1.5 CPUs (v2), affinity 8" */
};

/* @root is prefixed to /proc/self/{cgroup,mountinfo} and to the mount points, "" in production;
 * tests give a folder. Walks from the own cgroup up to the mount's top and takes the smallest
 * quota. Never fails: what cannot be read counts as no limit. */
void cpus_detect(const char *root, struct cpus *ret);

/* What it may use, in thousandths of a CPU. */
uint64_t cpus_milli(const struct cpus *cpus);

/* The number of workers for the setting; >= 1, at most 1024. */
unsigned cpus_workers(const struct config *c, const struct cpus *cpus);
