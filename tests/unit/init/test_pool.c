/* When the successor of a dead worker is started. */
#include "tests/unit/init/sleepers.h"

enum { N = 2, LEAST = 8, MOST = 12 /* tenths of a pause, by chance */ };

static char *missing_argv[] = { "/nonexistent", NULL };

static int setup(void **state)
{
	(void)state;
	start_sleepers(N);
	return 0;
}

static void live_for(uint64_t ms)
{
	get_ready(serving(0));
	pass(ms);
	crash(serving(0));
}

/* The successor in slot 0 comes after @ms, more or less a fifth. */
static void assert_pause(uint64_t ms)
{
	assert_null(serving(0));
	pass(ms * LEAST / 10 - 1);
	assert_null(serving(0));
	pass(ms * (MOST - LEAST) / 10 + 1);
	assert_non_null(serving(0));
}

static void each_short_life_doubles_the_pause(void **state)
{
	(void)state;
	crash(serving(0));
	assert_pause(RESTART_MS);
	live_for(0);
	assert_pause(2 * RESTART_MS);
	live_for(0);
	assert_pause(4 * RESTART_MS);
}

static void a_long_life_forgives(void **state)
{
	(void)state;
	crash(serving(0));
	assert_pause(RESTART_MS);
	live_for(config.min_uptime_ms);
	assert_pause(RESTART_MS);
}

static void the_others_do_not_wait_with_it(void **state)
{
	(void)state;
	crash(serving(0));
	assert_pause(RESTART_MS);
	live_for(0);
	crash(serving(1));
	pass(RESTART_MS * MOST / 10);
	assert_null(serving(0));
	assert_non_null(serving(1));
}

static void a_program_that_is_gone_is_tried_again(void **state)
{
	(void)state;
	crash(serving(0));
	command.argv = missing_argv;
	command.argc = 1;
	pass(RESTART_MS * MOST / 10);
	assert_null(serving(0));
	pass(2 * RESTART_MS * LEAST / 10 - 1);
	command.argv = sleep_argv;
	command.argc = 2;
	assert_null(serving(0));
	pass(2 * RESTART_MS * (MOST - LEAST) / 10 + 1);
	get_ready(serving(0));
}

static void nobody_is_started_at_the_end(void **state)
{
	(void)state;
	crash(serving(0));
	shutdown_begin(&in, 0, SHUTDOWN_FAST);
	pass(RESTART_MS * MOST / 10);
	assert_null(serving(0));
}

#define POOL(test) cmocka_unit_test_setup_teardown(test, setup, end_sleepers)

int main(void)
{
	const struct CMUnitTest tests[] = {
		POOL(each_short_life_doubles_the_pause),
		POOL(a_long_life_forgives),
		POOL(the_others_do_not_wait_with_it),
		POOL(a_program_that_is_gone_is_tried_again),
		POOL(nobody_is_started_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
