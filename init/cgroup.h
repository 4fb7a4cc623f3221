/* Control groups of both generations, cgroups(7), cgroup v1 and v2: what limits this container.
 *
 * @root is prefixed to /proc/self/{cgroup,mountinfo} and to the mount points, "" in production;
 * tests give a folder. Nothing fails: what cannot be read counts as no limit. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* @dir is a cgroup's folder, to read from. */
typedef void cgroup_look_fn(const char *dir, bool v2, void *ctx);

/* Shows every level of the hierarchy, of the generation, that has @controller: from the own cgroup
 * up to the top of what is mounted. */
void cgroup_walk(const char *root, const char *controller, bool v2, cgroup_look_fn *look,
		 void *ctx);

/* One or two numbers at the start of @dir/@name; how many there are. */
int cgroup_read_numbers(const char *dir, const char *name, double *first, double *second);

struct cgroup_memory {
	uint64_t limit; /* bytes, the smallest of all levels, 0 = none */
	/* of the level that is nearest to its limit: what is used without file pages that can go at
	 * once, and its share of the limit, 0 to 1 */
	uint64_t usage, usage_limit;
	double share;
	uint64_t oom_kills; /* processes of the own cgroup that the kernel killed */
};

void cgroup_memory(const char *root, struct cgroup_memory *ret);
