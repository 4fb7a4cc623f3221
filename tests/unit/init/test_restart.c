/* Restart policy: pauses, and when to give up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>

#include "init/pool/restart.h"

enum { NO_JITTER = 20 }; /* 80 + 20 per cent */

static void assert_pause(uint32_t delay_ms, unsigned n, uint64_t wanted_ms)
{
	struct config c = { .restart_delay_ms = delay_ms, .restart_backoff = 2000 };

	assert_int_equal(restart_backoff_ms(&c, n, NO_JITTER), wanted_ms);
}

static void doubles_from_the_delay_to_15_s(void **state)
{
	(void)state;
	assert_pause(100, 1, 100);
	assert_pause(100, 2, 200);
	assert_pause(100, 8, 12800);
	assert_pause(100, 9, 15000);
	assert_pause(100, 1000000, 15000);
	assert_pause(20000, 3, 20000);
}

static void grows_by_the_factor_that_is_set(void **state)
{
	struct config c = { .restart_delay_ms = 100, .restart_backoff = 1500 };

	(void)state;
	assert_int_equal(restart_backoff_ms(&c, 2, NO_JITTER), 150);
	assert_int_equal(restart_backoff_ms(&c, 3, NO_JITTER), 225);
	assert_int_equal(restart_backoff_ms(&c, 100, NO_JITTER), 15000);
	c.restart_delay_ms = 0;
	assert_int_equal(restart_backoff_ms(&c, 3, NO_JITTER), 3);
	c = (struct config){ .restart_delay_ms = 100, .restart_backoff = 1000 };
	assert_int_equal(restart_backoff_ms(&c, 1000000, 0), 100);
}

static void never_loops_without_a_pause(void **state)
{
	(void)state;
	assert_pause(0, 1, 1);
	assert_pause(0, 11, 1024);
}

static void varies_by_a_fifth(void **state)
{
	struct config c = { .restart_delay_ms = 1000, .restart_backoff = 2000 };

	(void)state;
	assert_int_equal(restart_backoff_ms(&c, 1, 0), 800);
	assert_int_equal(restart_backoff_ms(&c, 1, 40), 1200);
}

/* The verdict after @n ends like @end. */
static enum restart_verdict after(unsigned n, const struct restart_end *end)
{
	struct config c = { .restart_delay_ms = 100,
			    .restart_backoff = 2000,
			    .min_uptime_ms = 5000 };
	struct start_limit l = { 0 };
	struct restart r = { 0 };
	const char *why;
	enum restart_verdict verdict = RESTART_AFTER;
	uint64_t delay_ms;

	while (n--)
		verdict = restart_judge(&r, &l, &c, end, &delay_ms, &why);
	return verdict;
}

static void gives_up_an_app_that_never_got_ready(void **state)
{
	const struct restart_end at_once = { .code = 1, .uptime_ms = 100, .missed = true },
				 late = { .code = 1, .uptime_ms = 20000, .missed = true };

	(void)state;
	assert_int_equal(after(4, &at_once), RESTART_AFTER);
	assert_int_equal(after(5, &at_once), RESTART_GIVE_UP);
	assert_int_equal(after(4, &late), RESTART_AFTER);
	assert_int_equal(after(5, &late), RESTART_GIVE_UP);
}

static void restarts_what_has_been_of_use(void **state)
{
	const struct restart_end served = { .uptime_ms = 100, .was_ready = true },
				 missed = { .uptime_ms = 100, .missed = true, .was_ready = true },
				 job = { .uptime_ms = 20000 };

	(void)state;
	assert_int_equal(after(100, &served), RESTART_AFTER);
	assert_int_equal(after(100, &missed), RESTART_AFTER);
	assert_int_equal(after(100, &job), RESTART_AFTER);
}

/* One end, after what @r already has seen; the pause without jitter. */
static enum restart_verdict judge(struct restart *r, const struct config *c, struct restart_end end,
				  uint64_t *ret_delay_ms)
{
	struct start_limit l = { 0 };
	const char *why;

	end.random = NO_JITTER;
	return restart_judge(r, &l, c, &end, ret_delay_ms, &why);
}

static void a_long_life_starts_over(void **state)
{
	const struct config c = { .restart_delay_ms = 100,
				  .restart_backoff = 2000,
				  .min_uptime_ms = 5000 };
	const struct restart_end brief = { .uptime_ms = 4999, .was_ready = true },
				 enough = { .uptime_ms = 5000, .was_ready = true };
	struct restart r = { 0 };
	uint64_t delay_ms;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(judge(&r, &c, brief, &delay_ms), RESTART_AFTER);
	assert_int_equal(delay_ms, 400);
	assert_int_equal(judge(&r, &c, enough, &delay_ms), RESTART_AFTER);
	assert_int_equal(delay_ms, 100);
	assert_int_equal(judge(&r, &c, brief, &delay_ms), RESTART_AFTER);
	assert_int_equal(delay_ms, 100);
}

/* An app that waits for its database and then fails. */
static void a_long_life_that_was_never_ready_does_not(void **state)
{
	const struct config c = { .restart_delay_ms = 100,
				  .restart_backoff = 2000,
				  .min_uptime_ms = 5000 };
	const struct restart_end missed = { .uptime_ms = 60000, .missed = true, .was_ready = true };
	struct restart r = { 0 };
	uint64_t delay_ms;

	(void)state;
	(void)judge(&r, &c, missed, &delay_ms);
	assert_int_equal(judge(&r, &c, missed, &delay_ms), RESTART_AFTER);
	assert_int_equal(delay_ms, 200);
}

static void max_restarts_counts_short_lives_in_a_row(void **state)
{
	const struct config c = { .min_uptime_ms = 5000, .max_restarts = 2 };
	const struct restart_end brief = { .uptime_ms = 10, .was_ready = true },
				 enough = { .uptime_ms = 5000, .was_ready = true };
	struct restart r = { 0 };
	uint64_t delay_ms;

	(void)state;
	assert_int_equal(judge(&r, &c, brief, &delay_ms), RESTART_AFTER);
	assert_int_equal(judge(&r, &c, brief, &delay_ms), RESTART_AFTER);
	assert_int_equal(judge(&r, &c, enough, &delay_ms), RESTART_AFTER);
	assert_int_equal(judge(&r, &c, brief, &delay_ms), RESTART_AFTER);
	assert_int_equal(judge(&r, &c, brief, &delay_ms), RESTART_AFTER);
	assert_int_equal(judge(&r, &c, brief, &delay_ms), RESTART_GIVE_UP);
	assert_int_equal(delay_ms, 0);
}

static void an_exit_code_can_say_that_it_is_done(void **state)
{
	const struct config c = { .stop_exit_codes = { .code = { 0, 143 }, .n = 2 } };
	struct restart r = { 0 };
	uint64_t delay_ms;

	(void)state;
	assert_int_equal(judge(&r, &c, (struct restart_end){ .code = 0 }, &delay_ms), RESTART_NOT);
	assert_int_equal(judge(&r, &c, (struct restart_end){ .code = 128 + SIGTERM }, &delay_ms),
			 RESTART_NOT);
	assert_int_equal(r.short_lives, 0);
	assert_int_equal(judge(&r, &c, (struct restart_end){ .code = 1 }, &delay_ms),
			 RESTART_AFTER);
}

static void never_is_never(void **state)
{
	const struct config c = { .restart = RESTART_NEVER, .stop_exit_codes = { .n = 1 } };
	struct restart r = { 0 };
	uint64_t delay_ms;

	(void)state;
	assert_int_equal(judge(&r, &c, (struct restart_end){ .code = 1 }, &delay_ms),
			 RESTART_GIVE_UP);
	assert_int_equal(judge(&r, &c, (struct restart_end){ .code = 0 }, &delay_ms),
			 RESTART_GIVE_UP);
	assert_int_equal(delay_ms, 0);
}

static void once_is_enough(void **state)
{
	const struct config c = { .restart = RESTART_ONCE };
	struct restart r = { 0 };
	uint64_t delay_ms;

	(void)state;
	assert_int_equal(judge(&r, &c, (struct restart_end){ .code = 1 }, &delay_ms), RESTART_NOT);
}

static enum restart_verdict at(struct start_limit *l, uint64_t now_ms, unsigned n_workers)
{
	const struct config c = { .start_limit = { .n = 2, .within_ms = 1000 } };
	const struct restart_end end = {
		.now_ms = now_ms, .uptime_ms = 60000, .n_workers = n_workers, .was_ready = true
	};
	struct restart r = { 0 };
	uint64_t delay_ms;
	const char *why;

	return restart_judge(&r, l, &c, &end, &delay_ms, &why);
}

static void a_loop_after_it_was_ready_ends(void **state)
{
	struct start_limit l = { 0 };

	(void)state;
	assert_int_equal(at(&l, 100, 1), RESTART_AFTER);
	assert_int_equal(at(&l, 200, 1), RESTART_AFTER);
	assert_int_equal(at(&l, 1099, 1), RESTART_GIVE_UP);
}

/* The pauses grow, so the limit must be low enough to be reached at all. */
static void the_defaults_end_a_loop_within_a_minute(void **state)
{
	const struct config c = { .restart_delay_ms = 100,
				  .restart_backoff = 2000,
				  .min_uptime_ms = 5000,
				  .start_limit = { .n = 8, .within_ms = 60000 } };
	struct restart_end end = { .now_ms = 100,
				   .uptime_ms = 800,
				   .n_workers = 1,
				   .was_ready = true,
				   .random = 40 /* the longest pauses */ };
	struct start_limit l = { 0 };
	struct restart r = { 0 };
	const char *why;
	uint64_t delay_ms;

	(void)state;
	while (restart_judge(&r, &l, &c, &end, &delay_ms, &why) == RESTART_AFTER)
		end.now_ms += delay_ms + end.uptime_ms;
	assert_string_equal(why, "SIOINIT_START_LIMIT");
	assert_true(end.now_ms < 60000);
}

static void ends_far_apart_are_no_loop(void **state)
{
	struct start_limit l = { 0 };

	(void)state;
	for (uint64_t ms = 100; ms < 100000; ms += 500)
		assert_int_equal(at(&l, ms, 1), RESTART_AFTER);
}

static void one_workers_loop_does_not_end_the_others(void **state)
{
	struct start_limit l = { 0 };

	(void)state;
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(at(&l, 100, 4), RESTART_AFTER);
	assert_int_equal(at(&l, 100, 4), RESTART_GIVE_UP);
}

static void replacements_that_fail_wait_longer_each_time(void **state)
{
	const struct config c = { .restart_delay_ms = 100, .restart_backoff = 2000 };
	struct restart r = { 0 };

	(void)state;
	assert_int_equal(restart_replacement_failed(&r, &c, NO_JITTER), 100);
	assert_int_equal(restart_replacement_failed(&r, &c, NO_JITTER), 200);
	restart_replaced(&r);
	assert_int_equal(restart_replacement_failed(&r, &c, NO_JITTER), 100);
}

static void chance_is_kept_within_bounds(void **state)
{
	struct config c = { .restart_delay_ms = 1000, .restart_backoff = 2000 };

	(void)state;
	for (uint32_t random = 0; random < 1000; random++) {
		uint64_t ms = restart_backoff_ms(&c, 1, random * 4294967);

		assert_in_range(ms, 800, 1200);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doubles_from_the_delay_to_15_s),
		cmocka_unit_test(grows_by_the_factor_that_is_set),
		cmocka_unit_test(never_loops_without_a_pause),
		cmocka_unit_test(varies_by_a_fifth),
		cmocka_unit_test(gives_up_an_app_that_never_got_ready),
		cmocka_unit_test(restarts_what_has_been_of_use),
		cmocka_unit_test(chance_is_kept_within_bounds),
		cmocka_unit_test(a_long_life_starts_over),
		cmocka_unit_test(a_long_life_that_was_never_ready_does_not),
		cmocka_unit_test(max_restarts_counts_short_lives_in_a_row),
		cmocka_unit_test(an_exit_code_can_say_that_it_is_done),
		cmocka_unit_test(never_is_never),
		cmocka_unit_test(once_is_enough),
		cmocka_unit_test(a_loop_after_it_was_ready_ends),
		cmocka_unit_test(the_defaults_end_a_loop_within_a_minute),
		cmocka_unit_test(ends_far_apart_are_no_loop),
		cmocka_unit_test(one_workers_loop_does_not_end_the_others),
		cmocka_unit_test(replacements_that_fail_wait_longer_each_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
