/* Who is replaced when memory is nearly used up, and in which order. */
#include "tests/unit/init/sleepers.h"

#include "init/pool/relief.h"
#include "init/system/memory.h"
#include "tests/unit/init/fake_root.h"

#define CGROUP "/sys/fs/cgroup"

enum { N = 2, LIMIT = 1 << 30, PRESSURE_PERCENT = 90 };

static struct relief relief;

/* A container with that much left. */
static void leave_room(uint64_t bytes)
{
	char text[32];

	put("/proc/self/cgroup", "0::/\n");
	put("/proc/self/mountinfo", "30 22 0:26 / " CGROUP " rw - cgroup2 cgroup2 rw,nsdelegate\n");
	(void)snprintf(text, sizeof(text), "%d\n", LIMIT);
	put(CGROUP "/memory.max", text);
	(void)snprintf(text, sizeof(text), "%llu\n", (unsigned long long)(LIMIT - bytes));
	put(CGROUP "/memory.current", text);
	put(CGROUP "/memory.stat", "inactive_file 0\n");
	cgroup_meter_open(&in.memory.meter, root);
	in.memory.limit = cgroup_meter_limit(&in.memory.meter);
	assert_int_equal(in.memory.limit, LIMIT);
}

static int setup(void **state)
{
	(void)state;
	start_sleepers(N);
	config.memory_pressure = PRESSURE_PERCENT;
	relief = (struct relief){ 0 };
	return 0;
}

static int teardown(void **state)
{
	cgroup_meter_close(&in.memory.meter);
	(void)empty_root(state);
	return end_sleepers(state);
}

static void look(void)
{
	relief_look(&relief, &in.pool, uv_now(&in.loop));
}

static unsigned draining(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < N; i++)
		n += serving(i)->state == WORKER_DRAINING;
	return n;
}

static void with_room_the_next_one_comes_first(void **state)
{
	(void)state;
	leave_room(LIMIT / 20);
	look();
	assert_int_equal(in.pool.n_workers, N + 1);
	assert_int_equal(draining(), 0);
}

static void without_room_the_old_one_ends_first(void **state)
{
	(void)state;
	leave_room(4096);
	look();
	assert_int_equal(in.pool.n_workers, N);
	assert_int_equal(draining(), 1);
}

static void one_a_minute(void **state)
{
	(void)state;
	leave_room(4096);
	look();
	look();
	pass(1000);
	look();
	assert_int_equal(draining(), 1);
}

static void nobody_where_there_is_enough(void **state)
{
	(void)state;
	leave_room(LIMIT / 2);
	look();
	assert_int_equal(in.pool.n_workers, N);
	assert_int_equal(draining(), 0);
}

#define RELIEF(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RELIEF(with_room_the_next_one_comes_first),
		RELIEF(without_room_the_old_one_ends_first),
		RELIEF(one_a_minute),
		RELIEF(nobody_where_there_is_enough),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
