/* CPUs in every layout of cgroups that was met, on a made-up root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "init/system/cpus.h"
#include "tests/unit/init/fake_root.h"

static void put_v2(const char *own, const char *mount_root)
{
	char line[512];

	(void)snprintf(line, sizeof(line), "0::%s\n", own);
	put("/proc/self/cgroup", line);
	(void)snprintf(
	    line, sizeof(line),
	    "22 1 0:20 / /sys rw,nosuid - sysfs sysfs rw\n"
	    "30 22 0:26 %s /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
	    mount_root);
	put("/proc/self/mountinfo", line);
}

static void put_v1(const char *own, const char *mount_root)
{
	char line[1024];

	(void)snprintf(line, sizeof(line),
		       "5:cpuset:/\n4:cpu,cpuacct:%s\n1:name=systemd:%s\n0::/\n", own, own);
	put("/proc/self/cgroup", line);
	(void)snprintf(
	    line, sizeof(line),
	    "31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
	    "32 30 0:28 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
	    "33 30 0:29 %s /sys/fs/cgroup/cpu,cpuacct rw shared:1 - cgroup cgroup rw,cpu,cpuacct\n",
	    mount_root);
	put("/proc/self/mountinfo", line);
}

static void put_v1_quota(const char *folder, const char *quota)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "/sys/fs/cgroup/cpu,cpuacct%s/cpu.cfs_quota_us", folder);
	put(path, quota);
	(void)snprintf(path, sizeof(path), "/sys/fs/cgroup/cpu,cpuacct%s/cpu.cfs_period_us",
		       folder);
	put(path, "100000\n");
}

static struct cpus detect(void)
{
	struct cpus c;

	cpus_detect(root, &c);
	assert_true(c.count >= 1 && c.count <= c.affinity);
	return c;
}

static void assert_quota(double wanted)
{
	struct cpus c = detect();

	if (fabs(c.quota - wanted) > 0.0001)
		fail_msg("quota %g instead of %g", c.quota, wanted);
}

static void v2_own_cgroup(void **state)
{
	(void)state;
	put_v2("/", "/");
	put("/sys/fs/cgroup/cpu.max", "50000 100000\n");
	assert_quota(0.5);
	assert_int_equal(detect().count, 1);
	put("/sys/fs/cgroup/cpu.max", "max 100000\n");
	assert_quota(0);
}

static void v2_smallest_on_the_way_up(void **state)
{
	(void)state;
	put_v2("/pod/app", "/");
	put("/sys/fs/cgroup/pod/app/cpu.max", "300000 100000\n");
	put("/sys/fs/cgroup/pod/cpu.max", "150000 100000\n");
	put("/sys/fs/cgroup/cpu.max", "max 100000\n");
	put("/sys/fs/cpu.max", "1000 100000\n"); /* above the mount: not ours */
	assert_quota(1.5);
	put("/sys/fs/cgroup/cpu.max", "75000 100000\n");
	assert_quota(0.75);
}

static void v2_mounted_from_outside_the_namespace(void **state)
{
	(void)state;
	put_v2("/", "/../..");
	put("/sys/fs/cgroup/cpu.max", "250000 100000\n");
	assert_quota(2.5);
	put_v2("/../sibling", "/");
	assert_quota(2.5);
}

static void v2_paths_with_escapes_and_common_prefixes(void **state)
{
	(void)state;
	put_v2("/system.slice/a\\x2db/app", "/system.slice/a\\134x2db");
	put("/sys/fs/cgroup/app/cpu.max", "50000 100000\n");
	assert_quota(0.5);
	put_v2("/a-pod/app", "/a"); /* no part of /a: only the top counts */
	put("/sys/fs/cgroup-pod/app/cpu.max", "10000 100000\n");
	put("/sys/fs/cgroup/cpu.max", "80000 100000\n");
	assert_quota(0.8);
}

static void prefers_the_mount_that_holds_it(void **state)
{
	(void)state;
	put("/proc/self/cgroup", "0::/pod/app\n");
	put("/proc/self/mountinfo", "30 22 0:26 /other /other rw - cgroup2 cgroup2 rw\n"
				    "31 22 0:26 /pod /pod rw - cgroup2 cgroup2 rw\n"
				    "32 22 0:26 /last /last rw - cgroup2 cgroup2 rw\n");
	put("/other/cpu.max", "10000 100000\n");
	put("/pod/app/cpu.max", "20000 100000\n");
	put("/last/cpu.max", "30000 100000\n");
	assert_quota(0.2);
}

static void v1_host_namespace(void **state)
{
	(void)state;
	put_v1("/kubepods/burstable/pod1/c1", "/kubepods/burstable/pod1/c1");
	put_v1_quota("", "150000\n");
	assert_quota(1.5);
	assert_non_null(strstr(detect().why, "cgroup quota 1.5 CPUs (v1), affinity "));
	put_v1_quota("", "-1\n");
	assert_quota(0);
	assert_non_null(strstr(detect().why, "no cgroup quota, affinity "));
}

static void v1_private_namespace_and_nesting(void **state)
{
	(void)state;
	put_v1("/", "/");
	put_v1_quota("", "75000\n");
	assert_quota(0.75);
	put_v1("/docker/c1", "/");
	put_v1_quota("/docker/c1", "20000\n");
	assert_quota(0.2);
}

static void survives_nonsense(void **state)
{
	(void)state;
	assert_quota(0); /* nothing there at all */
	put("/proc/self/cgroup", "\n:\n0:\n0::\n:::\n");
	put("/proc/self/mountinfo", "\n - \nx - cgroup2 \n1 2 3 - cgroup2 a b\n");
	assert_quota(0);
	put_v2("/", "/");
	put("/sys/fs/cgroup/cpu.max", "");
	assert_quota(0);
	put("/sys/fs/cgroup/cpu.max", "100000 0\n");
	assert_quota(0);
	put("/sys/fs/cgroup/cpu.max", "9000000000000000000 1\n");
	assert_int_equal(detect().count, detect().affinity);
}

static void looks_past_many_mounts(void **state)
{
	static char text[200000];
	size_t n = 0;

	(void)state;
	put_v2("/", "/");
	while (n < 190000)
		n += (size_t)snprintf(
		    text + n, sizeof(text) - n,
		    "40 22 0:40 / /var/lib/overlay/%zu/merged rw - overlay overlay rw\n", n);
	(void)snprintf(text + n, sizeof(text) - n,
		       "41 22 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	put("/proc/self/mountinfo", text);
	put("/sys/fs/cgroup/cpu.max", "50000 100000\n");
	assert_quota(0.5);
}

static void counts_the_affinity(void **state)
{
	cpu_set_t before, one;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	assert_int_equal(detect().affinity, CPU_COUNT(&before));
	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
		if (CPU_ISSET(i, &before))
			CPU_SET(i, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	put_v2("/", "/");
	put("/sys/fs/cgroup/cpu.max", "400000 100000\n");
	assert_int_equal(detect().count, 1);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
}

static unsigned workers(enum config_workers_kind kind, unsigned n, unsigned count)
{
	struct config c = { .workers = { kind, n } };
	struct cpus cpus = { .count = count };

	return cpus_workers(&c, &cpus);
}

static void turns_cpus_into_workers(void **state)
{
	(void)state;
	assert_int_equal(workers(WORKERS_AUTO, 0, 3), 3);
	assert_int_equal(workers(WORKERS_AUTO, 0, 4096), 1024);
	assert_int_equal(workers(WORKERS_FIXED, 7, 2), 7);
	assert_int_equal(workers(WORKERS_LESS, 1, 4), 3);
	assert_int_equal(workers(WORKERS_LESS, 1, 1), 1);
	assert_int_equal(workers(WORKERS_LESS, 9, 4), 1);
	assert_int_equal(workers(WORKERS_PERCENT, 50, 4), 2);
	assert_int_equal(workers(WORKERS_PERCENT, 50, 3), 2);
	assert_int_equal(workers(WORKERS_PERCENT, 200, 4), 8);
	assert_int_equal(workers(WORKERS_PERCENT, 0, 4), 1);
}

#define ON_ROOT(test) cmocka_unit_test_teardown(test, empty_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_ROOT(v2_own_cgroup),
		ON_ROOT(v2_smallest_on_the_way_up),
		ON_ROOT(v2_mounted_from_outside_the_namespace),
		ON_ROOT(v2_paths_with_escapes_and_common_prefixes),
		ON_ROOT(prefers_the_mount_that_holds_it),
		ON_ROOT(v1_host_namespace),
		ON_ROOT(v1_private_namespace_and_nesting),
		ON_ROOT(survives_nonsense),
		ON_ROOT(looks_past_many_mounts),
		ON_ROOT(counts_the_affinity),
		cmocka_unit_test(turns_cpus_into_workers),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
