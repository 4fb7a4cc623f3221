/* The end of all: its stages, hurrying, and the exit code. */
#include "base/log.h"
#include "tests/unit/init/sleepers.h"

enum { N = 2, CODE = 3 };

static int setup(void **state)
{
	(void)state;
	start_sleepers(N);
	return 0;
}

static void assert_all(enum worker_state wanted)
{
	for (unsigned i = 0; i < N; i++)
		assert_string_equal(worker_state_name(serving(i)->state),
				    worker_state_name(wanted));
}

static void assert_phase(enum phase wanted)
{
	assert_int_equal(shutdown_phase(&in), wanted);
	assert_int_equal(counter_get(&in.board->phase), wanted); /* where the router sees it */
}

static void serves_on_for_the_delay(void **state)
{
	(void)state;
	shutdown_begin(&in, CODE, SHUTDOWN_GENTLE);
	assert_phase(PHASE_LAME_DUCK);
	pass(DELAY_MS - 1);
	assert_all(WORKER_READY);
	pass(1);
	assert_phase(PHASE_DRAINING);
	assert_all(WORKER_DRAINING);
	pass(DRAIN_MS);
	assert_all(WORKER_STOPPING);
}

static void the_port_is_open_while_apps_say_goodbye(void **state)
{
	(void)state;
	config.stop_order = CONFIG_STOP_ORDER_SIGNAL;
	config.stop_signal = SIGWINCH; /* which nobody minds */
	shutdown_begin(&in, CODE, SHUTDOWN_GENTLE);
	pass(DELAY_MS);
	assert_phase(PHASE_LAME_DUCK);
	assert_all(WORKER_DRAINING);
	pass(STOP_MS / 4 - 1);
	assert_phase(PHASE_LAME_DUCK);
	pass(1);
	assert_phase(PHASE_DRAINING);
	assert_all(WORKER_DRAINING);
	shutdown_begin(&in, CODE, SHUTDOWN_GENTLE);
	assert_all(WORKER_STOPPING);
}

static void is_over_with_the_last_worker(void **state)
{
	(void)state;
	shutdown_begin(&in, CODE, SHUTDOWN_GENTLE);
	pass(DELAY_MS);
	let_go(serving(0));
	assert_false(in.routers.is_closed);
	let_go(serving(1));
	assert_true(in.routers.is_closed);
	assert_int_equal(in.shutdown.exit_code, CODE);
}

static void fast_has_no_delay_and_no_drain(void **state)
{
	(void)state;
	shutdown_begin(&in, CODE, SHUTDOWN_FAST);
	assert_phase(PHASE_DRAINING);
	assert_all(WORKER_STOPPING);
	assert_int_equal(take_end(serving(0)), SIGTERM);
	assert_int_equal(take_end(serving(1)), SIGTERM);
	assert_int_equal(in.shutdown.exit_code, CODE);
}

static void now_kills(void **state)
{
	(void)state;
	shutdown_begin(&in, CODE, SHUTDOWN_NOW);
	assert_true(serving(0)->killed && serving(1)->killed);
	(void)take_end(serving(0));
	(void)take_end(serving(1));
	assert_int_equal(in.shutdown.exit_code, EXIT_FORCED);
}

static void asked_again_it_skips_what_is_left_of_the_stage(void **state)
{
	(void)state;
	config.stop_signal = SIGWINCH; /* which nobody minds */
	shutdown_begin(&in, CODE, SHUTDOWN_GENTLE);
	shutdown_begin(&in, CODE + 1, SHUTDOWN_GENTLE);
	assert_all(WORKER_STOPPING);
	assert_false(serving(0)->killed || serving(1)->killed);
	assert_int_equal(in.shutdown.exit_code, CODE);
	shutdown_begin(&in, CODE + 2, SHUTDOWN_GENTLE);
	assert_true(serving(0)->killed && serving(1)->killed);
	pass(DELAY_MS); /* the first delay is over: nothing more comes of it */
	assert_all(WORKER_STOPPING);
}

static void a_killed_one_is_told_by_the_exit_code(void **state)
{
	(void)state;
	config.stop_signal = SIGWINCH;
	shutdown_begin(&in, CODE, SHUTDOWN_FAST);
	pass(500); /* cluster's disconnect, which nobody minds either */
	pass(STOP_MS - 501);
	assert_false(serving(0)->killed);
	pass(1);
	assert_int_equal(take_end(serving(0)), SIGKILL);
	assert_int_equal(in.shutdown.exit_code, EXIT_FORCED);
	assert_int_equal(take_end(serving(1)), SIGKILL);
	assert_true(in.routers.is_closed);
}

static void the_dead_are_not_replaced(void **state)
{
	(void)state;
	shutdown_begin(&in, CODE, SHUTDOWN_GENTLE);
	crash(serving(0));
	pass(RESTART_MS * 2);
	assert_null(serving(0));
	assert_int_equal(in.pool.n_workers, 1);
	assert_int_equal(in.shutdown.exit_code, CODE);
}

static void the_one_that_boots_ends_too(void **state)
{
	(void)state;
	reload_all(&in.pool);
	assert_int_equal(next(0)->state, WORKER_BOOTING);
	shutdown_begin(&in, CODE, SHUTDOWN_GENTLE);
	pass(DELAY_MS);
	assert_int_equal(next(0)->state, WORKER_STOPPING);
	assert_int_equal(take_end(next(0)), SIGTERM);
	assert_null(next(0));
	assert_false(in.routers.is_closed);
}

static void who_was_killed_before_is_not_forced(void **state)
{
	(void)state;
	worker_kill(serving(0));
	shutdown_begin(&in, CODE, SHUTDOWN_FAST);
	assert_int_equal(take_end(serving(0)), SIGKILL);
	assert_int_equal(take_end(serving(1)), SIGTERM);
	assert_true(in.routers.is_closed);
	assert_int_equal(in.shutdown.exit_code, CODE);
}

static void held_is_not_ready_and_serves_on(void **state)
{
	(void)state;
	shutdown_hold(&in, true);
	assert_phase(PHASE_LAME_DUCK);
	pass(DELAY_MS * 10);
	assert_all(WORKER_READY);
	assert_false(shutdown_has_begun(&in));
	shutdown_hold(&in, false);
	assert_phase(PHASE_SERVING);
}

#define SHUTDOWN(test) cmocka_unit_test_setup_teardown(test, setup, end_sleepers)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHUTDOWN(serves_on_for_the_delay),
		SHUTDOWN(the_port_is_open_while_apps_say_goodbye),
		SHUTDOWN(is_over_with_the_last_worker),
		SHUTDOWN(fast_has_no_delay_and_no_drain),
		SHUTDOWN(now_kills),
		SHUTDOWN(asked_again_it_skips_what_is_left_of_the_stage),
		SHUTDOWN(a_killed_one_is_told_by_the_exit_code),
		SHUTDOWN(the_dead_are_not_replaced),
		SHUTDOWN(the_one_that_boots_ends_too),
		SHUTDOWN(who_was_killed_before_is_not_forced),
		SHUTDOWN(held_is_not_ready_and_serves_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
