/* Replacing workers while the others serve: one slot at a time, coalesced, given up as a whole. */
#include "tests/unit/init/sleepers.h"

enum { N = 3 };

static char *missing_argv[] = { "/nonexistent", NULL };

static int setup(void **state)
{
	(void)state;
	start_sleepers(N);
	return 0;
}

/* The slot whose next worker boots; N: none. */
static unsigned booting(void)
{
	unsigned found = N;

	for (unsigned i = 0; i < N; i++) {
		if (!next(i))
			continue;
		assert_int_equal(found, N);
		found = i;
	}
	return found;
}

static void replace(unsigned number)
{
	struct worker *old = serving(number);

	assert_int_equal(booting(), number);
	get_ready(next(number));
	assert_int_equal(booting(), N); /* the old one first */
	let_go(old);
}

static void finish_round(void)
{
	for (unsigned i = 0; i < N; i++)
		replace(i);
}

static void assert_idle(void)
{
	assert_int_equal(booting(), N);
	assert_false(in.pool.reload.all);
	assert_int_equal(in.pool.n_workers, N);
	assert_int_equal(pool_count_ready(&in.pool), N);
}

static void one_slot_after_another_the_new_worker_first(void **state)
{
	uint32_t before = in.pool.last_id;

	(void)state;
	reload_all(&in.pool);
	for (unsigned i = 0; i < N; i++) {
		assert_int_equal(pool_count_ready(&in.pool), N);
		replace(i);
		assert_true(serving(i)->id > before);
	}
	assert_idle();
}

static void what_is_asked_meanwhile_is_one_more_round(void **state)
{
	(void)state;
	reload_all(&in.pool);
	replace(0);
	reload_all(&in.pool);
	reload_all(&in.pool);
	replace(1);
	replace(2);
	finish_round();
	assert_idle();
	assert_int_equal(counter_get(&in.board->reloads), 2);
}

static void assert_given_up(const struct worker *const old[N])
{
	assert_idle();
	for (unsigned i = 0; i < N; i++) {
		assert_ptr_equal(serving(i), old[i]);
		assert_null(in.pool.slots[i]->replace_why);
	}
	pass(RESTART_MS * 20);
	assert_idle();
}

static void a_new_one_that_ends_ends_the_round(void **state)
{
	const struct worker *const old[N] = { serving(0), serving(1), serving(2) };

	(void)state;
	reload_all(&in.pool);
	reload_all(&in.pool);
	crash(next(0));
	assert_given_up(old);
}

static void a_new_one_that_is_not_ready_in_time_does_too(void **state)
{
	const struct worker *const old[N] = { serving(0), serving(1), serving(2) };

	(void)state;
	reload_all(&in.pool);
	pass(READY_MS - 1);
	assert_false(next(0)->killed);
	pass(1);
	assert_int_equal(take_end(next(0)), SIGKILL);
	assert_given_up(old);
}

static void what_cannot_be_started_does_too(void **state)
{
	const struct worker *const old[N] = { serving(0), serving(1), serving(2) };

	(void)state;
	command.argv = missing_argv;
	command.argc = 1;
	reload_all(&in.pool);
	assert_given_up(old);
}

static void after_a_failure_it_can_be_asked_for_again(void **state)
{
	(void)state;
	reload_all(&in.pool);
	crash(next(0));
	reload_all(&in.pool);
	finish_round();
	assert_idle();
}

static void an_old_one_that_crashes_is_replaced_by_its_next(void **state)
{
	struct worker *successor;

	(void)state;
	reload_all(&in.pool);
	successor = next(0);
	crash(serving(0));
	pass(RESTART_MS * 2);
	assert_ptr_equal(serving(0), successor);
	assert_null(next(0));
	get_ready(successor);
	replace(1);
	replace(2);
	assert_idle();
}

/* The slot once was lost for good: nobody in it, and nothing to come. */
static void a_slot_whose_worker_and_next_both_end_is_filled_again(void **state)
{
	(void)state;
	reload_all(&in.pool);
	crash(serving(0));
	crash(serving(0));
	assert_null(serving(0));
	pass(RESTART_MS * 4);
	get_ready(serving(0));
	assert_idle();
}

static void assert_told(enum scoreboard_reload state, unsigned slot, unsigned done, unsigned of)
{
	assert_int_equal(counter_get(&in.board->reload_state), state);
	if (state != SCOREBOARD_RELOAD_IDLE)
		assert_int_equal(counter_get(&in.board->reload_slot), slot);
	assert_int_equal(counter_get(&in.board->reload_done), done);
	assert_int_equal(counter_get(&in.board->reload_of), of);
}

static void how_far_it_is_is_on_the_board(void **state)
{
	(void)state;
	assert_int_equal(counter_get(&in.board->reload_last), RELOADED_NONE);
	reload_all(&in.pool);
	for (unsigned i = 0; i < N; i++) {
		struct worker *old = serving(i);

		assert_told(SCOREBOARD_BOOTING, i, i, N);
		get_ready(next(i));
		assert_told(SCOREBOARD_DRAINING, i, i, N);
		let_go(old);
	}
	assert_told(SCOREBOARD_RELOAD_IDLE, 0, 0, 0);
	assert_int_equal(counter_get(&in.board->reload_last), RELOADED_OK);
	reload_slot(in.pool.slots[2], "why");
	reload_slot(in.pool.slots[1], "why");
	assert_told(SCOREBOARD_BOOTING, 2, 0, 2);
	crash(next(2));
	assert_told(SCOREBOARD_RELOAD_IDLE, 0, 0, 0);
	assert_int_equal(counter_get(&in.board->reload_last), RELOADED_FAILED);
	reload_slot(in.pool.slots[1], "why");
	replace(1);
	assert_int_equal(counter_get(&in.board->reload_last), RELOADED_OK);
}

static void only_ends_that_nobody_asked_for_are_noted(void **state)
{
	struct death read[DEATHS_MAX];
	uint64_t pid;

	(void)state;
	reload_all(&in.pool);
	finish_round();
	pid = (uint64_t)serving(1)->pid;
	assert_int_equal(deaths_read(&in.board->deaths, read), 0);
	crash(serving(1));
	assert_int_equal(deaths_read(&in.board->deaths, read), 1);
	assert_int_equal(read[0].pid, pid);
	assert_int_equal(read[0].slot, 1);
	assert_int_equal(read[0].was_ready, 1);
	assert_int_equal(counter_get(&in.board->rows[1].ends), 2);
	assert_int_equal(counter_get(&in.board->rows[0].ends), 1);
}

static void recycling_that_fails_waits_longer_each_time(void **state)
{
	struct slot *s = in.pool.slots[1];

	(void)state;
	for (unsigned tries = 1; tries < 4; tries++) {
		reload_recycle(s, "why", WORKER_END_MEMORY);
		assert_non_null(s->next);
		crash(s->next);
		reload_recycle(s, "why", WORKER_END_MEMORY);
		assert_null(s->next);
		pass((RESTART_MS << (tries - 1)) * 12 / 10);
	}
}

static void where_there_is_no_room_the_old_one_ends_first(void **state)
{
	struct worker *old = serving(1);

	(void)state;
	reload_recycle_stop_first(in.pool.slots[1], "why");
	reload_recycle_stop_first(in.pool.slots[1], "asked twice");
	assert_int_equal(in.pool.n_workers, N);
	let_go(old);
	assert_int_equal(in.pool.n_workers, N);
	get_ready(serving(1));
}

static void who_waits_for_his_back_off_is_started_by_a_reload(void **state)
{
	(void)state;
	crash(serving(0));
	assert_null(serving(0));
	reload_all(&in.pool);
	assert_non_null(serving(0));
	get_ready(serving(0));
	replace(1);
	replace(2);
	assert_idle();
}

static void who_boots_is_replaced_by_a_reload_too(void **state)
{
	struct worker *booting_one;

	(void)state;
	crash(serving(0));
	pass(RESTART_MS * 2);
	booting_one = serving(0);
	assert_non_null(booting_one);
	reload_all(&in.pool);
	assert_non_null(next(0));
	get_ready(next(0));
	assert_int_equal(take_end(booting_one), SIGTERM);
	replace(1);
	replace(2);
	assert_idle();
}

static void an_old_one_that_stays_is_stopped(void **state)
{
	struct worker *old = serving(0);

	(void)state;
	reload_all(&in.pool);
	get_ready(next(0));
	pass(DRAIN_MS - 1);
	assert_int_equal(old->state, WORKER_DRAINING);
	pass(1);
	assert_int_equal(take_end(old), SIGTERM);
	replace(1);
	replace(2);
	assert_idle();
}

static void one_slot_alone(void **state)
{
	(void)state;
	reload_slot(in.pool.slots[1], "why");
	reload_slot(in.pool.slots[1], "asked twice");
	replace(1);
	assert_idle();
	assert_int_equal(counter_get(&in.board->reloads), 0);
}

static void a_slot_scaled_away_holds_nobody_up(void **state)
{
	struct worker *gone[] = { serving(2), NULL };

	(void)state;
	reload_slot(in.pool.slots[2], "why");
	gone[1] = next(2);
	reload_slot(in.pool.slots[0], "why");
	assert_int_equal(booting(), 2);
	pool_scale(&in.pool, 2);
	assert_int_equal(booting(), 0);
	assert_int_equal(take_end(gone[1]), SIGTERM);
	let_go(gone[0]);
	replace(0);
	assert_int_equal(in.pool.n_workers, 2);
}

static void nothing_starts_at_the_end(void **state)
{
	(void)state;
	shutdown_begin(&in, 0, SHUTDOWN_GENTLE);
	reload_slot(in.pool.slots[1], "why");
	assert_int_equal(booting(), N);
	assert_int_equal(in.pool.n_workers, N);
}

#define RELOAD(test) cmocka_unit_test_setup_teardown(test, setup, end_sleepers)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RELOAD(one_slot_after_another_the_new_worker_first),
		RELOAD(what_is_asked_meanwhile_is_one_more_round),
		RELOAD(a_new_one_that_ends_ends_the_round),
		RELOAD(a_new_one_that_is_not_ready_in_time_does_too),
		RELOAD(what_cannot_be_started_does_too),
		RELOAD(after_a_failure_it_can_be_asked_for_again),
		RELOAD(an_old_one_that_crashes_is_replaced_by_its_next),
		RELOAD(a_slot_whose_worker_and_next_both_end_is_filled_again),
		RELOAD(how_far_it_is_is_on_the_board),
		RELOAD(only_ends_that_nobody_asked_for_are_noted),
		RELOAD(recycling_that_fails_waits_longer_each_time),
		RELOAD(where_there_is_no_room_the_old_one_ends_first),
		RELOAD(who_waits_for_his_back_off_is_started_by_a_reload),
		RELOAD(who_boots_is_replaced_by_a_reload_too),
		RELOAD(an_old_one_that_stays_is_stopped),
		RELOAD(one_slot_alone),
		RELOAD(a_slot_scaled_away_holds_nobody_up),
		RELOAD(nothing_starts_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
