/* CPUs of a container: the smallest quota of all levels of its cgroup, and its affinity. */
#include "init/system/cpus.h"

#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include "init/system/cgroup.h"
#include "ipc/scoreboard.h"

#include "base/ban.h"

enum { WORKERS_MAX = SCOREBOARD_ROWS };

/* CPUs that one level grants, 0 = no limit here ("max" in v2, -1 in v1). */
static double quota_at(const char *dir, bool v2)
{
	double quota = 0, period = 0, unused;
	bool known = v2 ? cgroup_read_numbers(dir, "cpu.max", &quota, &period) == 2
			: cgroup_read_numbers(dir, "cpu.cfs_quota_us", &quota, &unused) == 1 &&
			      cgroup_read_numbers(dir, "cpu.cfs_period_us", &period, &unused) == 1;

	return known && quota > 0 && period > 0 ? quota / period : 0;
}

static void look_at_quota(const char *dir, bool v2, void *ctx)
{
	double quota = quota_at(dir, v2), *least = ctx;

	if (quota > 0 && (*least == 0 || quota < *least))
		*least = quota;
}

static double quota_of(const char *root, bool v2)
{
	double least = 0;

	cgroup_walk(root, "cpu", v2, look_at_quota, &least);
	return least;
}

static unsigned affinity(void)
{
	cpu_set_t set;
	long online;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		return (unsigned)CPU_COUNT(&set);
	online = sysconf(_SC_NPROCESSORS_ONLN); /* more CPUs than a cpu_set_t holds */
	return online > 0 ? (unsigned)online : 1;
}

static unsigned round_up(double cpus)
{
	unsigned n = (unsigned)cpus;

	return (double)n < cpus ? n + 1 : n;
}

void cpus_detect(const char *root, struct cpus *ret)
{
	double v1 = quota_of(root, false), v2 = quota_of(root, true);
	bool by_v1 = v1 > 0 && (v2 == 0 || v1 < v2);
	unsigned n = affinity();

	*ret = (struct cpus){ .affinity = n, .count = n, .quota = by_v1 ? v1 : v2 };
	if (ret->quota > 0 && ret->quota < n)
		ret->count = round_up(ret->quota);
	if (ret->quota > 0)
		(void)snprintf(ret->why, sizeof(ret->why),
			       "cgroup quota %.4g CPUs (%s), affinity %u", ret->quota,
			       by_v1 ? "v1" : "v2", n);
	else
		(void)snprintf(ret->why, sizeof(ret->why), "no cgroup quota, affinity %u", n);
}

uint64_t cpus_milli(const struct cpus *cpus)
{
	bool by_quota = cpus->quota > 0 && cpus->quota < cpus->affinity;

	return by_quota ? (uint64_t)(cpus->quota * 1000) : cpus->affinity * 1000ULL;
}

unsigned cpus_workers(const struct config *c, const struct cpus *cpus)
{
	unsigned n = c->workers.n, count = cpus->count;

	switch (c->workers.kind) {
	case WORKERS_AUTO:
		n = count;
		break;
	case WORKERS_LESS:
		n = count > n ? count - n : 1;
		break;
	case WORKERS_PERCENT:
		n = (count * n + 99) / 100;
		break;
	case WORKERS_FIXED:
		break;
	}
	return n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : n;
}
