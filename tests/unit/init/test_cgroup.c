/* Memory in both generations of cgroups, on a made-up root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "init/cgroup.h"
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

static struct cgroup_memory look(void)
{
	struct cgroup_memory m;

	cgroup_memory(root, &m);
	return m;
}

static void v1_container(void **state)
{
	struct cgroup_memory m;

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
	struct cgroup_memory m;

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
	struct cgroup_memory m;

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
	struct cgroup_memory m;

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

#define ON_ROOT(test) cmocka_unit_test_teardown(test, empty_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_ROOT(v1_container),      ON_ROOT(v1_says_none_with_a_large_number),
		ON_ROOT(v2_container),      ON_ROOT(looks_all_the_way_up),
		ON_ROOT(survives_nonsense),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
