/* Memory in both generations of cgroups, on a made-up root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "init/system/cgroup.h"
#include "tests/unit/init/fake_root.h"

#define V1 "/sys/fs/cgroup/memory"
#define V2 "/sys/fs/cgroup"

static void put_v1(const char *own, const char *mount_root)
{
	char line[512];

	(void)snprintf(line, sizeof(line), "6:memory:%s\n4:cpu,cpuacct:/elsewhere\n", own);
	put("/proc/self/cgroup", line);
	(void)snprintf(line, sizeof(line),
		       "33 30 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
		       "34 30 0:30 %s " V1 " rw shared:1 - cgroup cgroup rw,memory\n",
		       mount_root);
	put("/proc/self/mountinfo", line);
}

static void put_v2(const char *own)
{
	char line[512];

	(void)snprintf(line, sizeof(line), "0::%s\n", own);
	put("/proc/self/cgroup", line);
	put("/proc/self/mountinfo", "30 22 0:26 / " V2 " rw - cgroup2 cgroup2 rw,nsdelegate\n");
}

struct look {
	uint64_t limit, usage, usage_limit, oom_kills;
	double share;
};

/* All that is to be seen, file pages taken off. */
static struct look look(void)
{
	struct cgroup_meter m = { 0 };
	struct cgroup_usage u;
	struct look l;

	cgroup_meter_open(&m, root);
	l = (struct look){ .limit = cgroup_meter_limit(&m),
			   .oom_kills = cgroup_meter_oom_kills(&m) };
	cgroup_meter_usage(&m, 0, &u);
	cgroup_meter_close(&m);
	l.usage = u.bytes;
	l.usage_limit = u.limit;
	l.share = u.share;
	return l;
}

static void v1_container(void **state)
{
	struct look m;

	(void)state;
	put_v1("/kubepods/pod1/c1", "/kubepods/pod1/c1");
	put(V1 "/memory.limit_in_bytes", "1000000\n");
	put(V1 "/memory.usage_in_bytes", "900000\n");
	put(V1 "/memory.stat",
	    "cache 300000\ninactive_file 1\ntotal_cache 5\ntotal_inactive_file 150000\n");
	put(V1 "/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
	m = look();
	assert_int_equal(m.limit, 1000000);
	assert_int_equal(m.usage, 750000);
	assert_int_equal(m.usage_limit, 1000000);
	assert_true(m.share > 0.7499 && m.share < 0.7501);
	assert_int_equal(m.oom_kills, 3);
}

static void v1_says_none_with_a_large_number(void **state)
{
	struct look m;

	(void)state;
	put_v1("/", "/");
	put(V1 "/memory.limit_in_bytes", "9223372036854771712\n");
	put(V1 "/memory.usage_in_bytes", "900000\n");
	m = look();
	assert_int_equal(m.limit, 0);
	assert_true(m.share <= 0);
}

static void v2_container(void **state)
{
	struct look m;

	(void)state;
	put_v2("/");
	put(V2 "/memory.max", "2147483648\n");
	put(V2 "/memory.current", "2147483648\n");
	put(V2 "/memory.stat", "anon 5\nfile 7\ninactive_file 1073741824\n");
	put(V2 "/memory.events", "low 0\nhigh 0\nmax 17\noom 2\noom_kill 1\n");
	m = look();
	assert_int_equal(m.limit, 2147483648);
	assert_int_equal(m.usage, 1073741824);
	assert_true(m.share > 0.4999 && m.share < 0.5001);
	assert_int_equal(m.oom_kills, 1);
	put(V2 "/memory.max", "max\n");
	assert_int_equal(look().limit, 0);
}

/* The least limit, and the level that is nearest to its own; kills are the own cgroup's. */
static void looks_all_the_way_up(void **state)
{
	struct look m;

	(void)state;
	put_v2("/pod/app");
	put(V2 "/pod/app/memory.max", "1000\n");
	put(V2 "/pod/app/memory.current", "500\n");
	put(V2 "/pod/app/memory.events", "oom_kill 1\n");
	put(V2 "/pod/memory.max", "2000\n");
	put(V2 "/pod/memory.current", "1900\n");
	put(V2 "/pod/memory.events", "oom_kill 9\n");
	m = look();
	assert_int_equal(m.limit, 1000);
	assert_int_equal(m.usage, 1900);
	assert_int_equal(m.usage_limit, 2000);
	assert_int_equal(m.oom_kills, 1);
}

static void survives_nonsense(void **state)
{
	(void)state;
	assert_int_equal(look().limit, 0);
	put_v2("/");
	put(V2 "/memory.max", "0\n");
	put(V2 "/memory.current", "x");
	put(V2 "/memory.events", "oom_kill\n");
	put(V2 "/memory.stat", "inactive_file -1 inactive_file");
	assert_int_equal(look().limit, 0);
	assert_int_equal(look().oom_kills, 0);
	put(V2 "/memory.max", "10\n");
	put(V2 "/memory.current", "5\n");
	assert_int_equal(look().usage_limit, 10);
	put(V2 "/memory.stat", "inactive_file 6\n");
	assert_int_equal(look().usage, 0);
}

static void put_v2_usage(const char *current, const char *inactive_file)
{
	char stat[64];

	(void)snprintf(stat, sizeof(stat), "anon 5\ninactive_file %s\nactive_file 1\n",
		       inactive_file);
	put(V2 "/memory.current", current);
	put(V2 "/memory.stat", stat);
}

static uint64_t usage(struct cgroup_meter *m, double share)
{
	struct cgroup_usage u;

	cgroup_meter_usage(m, share, &u);
	return u.bytes;
}

/* What was opened once shows what is so now. */
static void is_read_again_through_the_same_descriptors(void **state)
{
	struct cgroup_meter m = { 0 };

	(void)state;
	put_v2("/");
	put(V2 "/memory.max", "1000\n");
	put(V2 "/memory.events", "oom 1\noom_kill 1\noom_group_kill 7\n");
	put_v2_usage("600\n", "50");
	cgroup_meter_open(&m, root);
	assert_int_equal(cgroup_meter_limit(&m), 1000);
	assert_int_equal(usage(&m, 0.5), 550);
	put(V2 "/memory.max", "2000\n");
	put(V2 "/memory.events", "oom_kill 2\n");
	put_v2_usage("1700\n", "100");
	assert_int_equal(cgroup_meter_limit(&m), 2000);
	assert_int_equal(cgroup_meter_oom_kills(&m), 2);
	assert_int_equal(usage(&m, 0.5), 1600);
	cgroup_meter_close(&m);
	assert_int_equal(cgroup_meter_limit(&m), 0);
	assert_int_equal(usage(&m, 0.5), 0);
}

/* Adding them up is dear, so they are asked for when they can make a difference. */
static void file_pages_are_counted_the_nearer_the_oftener(void **state)
{
	struct cgroup_meter m = { 0 };
	unsigned looks = 0;

	(void)state;
	put_v2("/");
	put(V2 "/memory.max", "1000\n");
	put_v2_usage("799\n", "700");
	cgroup_meter_open(&m, root);
	(void)cgroup_meter_limit(&m);
	assert_int_equal(usage(&m, 0.8), 799); /* not enough with them */
	put_v2_usage("900\n", "700");
	assert_int_equal(usage(&m, 0.8), 200);
	put_v2_usage("900\n", "600"); /* they have been replaced, unseen for some looks */
	while (usage(&m, 0.8) != 300 && looks < 10)
		looks++;
	assert_in_range(looks, 1, 5);
	put_v2_usage("1000\n", "0");
	looks = 0;
	while (usage(&m, 0.8) != 1000 && looks < 10)
		looks++;
	assert_in_range(looks, 0, 5);
	put_v2_usage("950\n", "250");
	assert_int_equal(usage(&m, 0.8), 700);
	put_v2_usage("950\n", "100"); /* that near each look is a new one */
	assert_int_equal(usage(&m, 0.8), 850);
	cgroup_meter_close(&m);
}

#define ON_ROOT(test) cmocka_unit_test_teardown(test, empty_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_ROOT(v1_container),
		ON_ROOT(v1_says_none_with_a_large_number),
		ON_ROOT(v2_container),
		ON_ROOT(looks_all_the_way_up),
		ON_ROOT(survives_nonsense),
		ON_ROOT(is_read_again_through_the_same_descriptors),
		ON_ROOT(file_pages_are_counted_the_nearer_the_oftener),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
