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

/* Memory, bytes. The files are opened once and read many times, so that a look costs one call for
 * each level with a limit. */

enum { CGROUP_LEVELS_MAX = 16 }; /* the own cgroup and those above it; further ones are not seen */

struct cgroup_level {
	bool v2;
	int limit_fd, usage_fd, stat_fd; /* owned; usage and stat: -1 = no such file */
	uint64_t limit;                  /* as last read, 0 = none */
	uint64_t cache;                  /* ditto: file pages that can go at once */
	unsigned stat_age;               /* looks that have used .cache, 0 = not read yet */
};

/* All zeros: nothing is open, nothing is limited. */
struct cgroup_meter {
	struct cgroup_level levels[CGROUP_LEVELS_MAX];
	unsigned n_levels;
	int events[2]; /* of the own cgroup, v1 and v2; owned */
	unsigned n_events;
};

/* Finds the own cgroup, again if it was found before: a process may be moved to another. */
void cgroup_meter_open(struct cgroup_meter *m, const char *root);
void cgroup_meter_close(struct cgroup_meter *m);

/* Reads the limits that cgroup_meter_usage() goes by. The smallest of all levels, 0 = none. */
uint64_t cgroup_meter_limit(struct cgroup_meter *m);
/* Processes of the own cgroup that the kernel has killed. Allocates nothing. */
uint64_t cgroup_meter_oom_kills(const struct cgroup_meter *m);

/* Of the level that is nearest to its limit: what is used, and its part of the limit, 0 to 1. */
struct cgroup_usage {
	uint64_t bytes, limit;
	double share;
};

/* File pages that can go at once are taken off as soon as a level with them has @share of its
 * limit, 0 to 1: below that who asks has his answer. When there are many, their number may be some
 * looks old as long as less than three quarters of @share are used without them. All zeros: no
 * limit. */
void cgroup_meter_usage(struct cgroup_meter *m, double share, struct cgroup_usage *ret);
