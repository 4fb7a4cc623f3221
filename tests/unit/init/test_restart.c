/* Restart policy: pauses, and when to give up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "init/restart.h"

enum { NO_JITTER = 20 }; /* 80 + 20 per cent */

static void assert_pause(uint32_t delay_ms, unsigned n, uint64_t wanted_ms)
{
	struct config c = { .restart_delay_ms = delay_ms };

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

static void never_loops_without_a_pause(void **state)
{
	(void)state;
	assert_pause(0, 1, 1);
	assert_pause(0, 11, 1024);
}

static void varies_by_a_fifth(void **state)
{
	struct config c = { .restart_delay_ms = 1000 };

	(void)state;
	assert_int_equal(restart_backoff_ms(&c, 1, 0), 800);
	assert_int_equal(restart_backoff_ms(&c, 1, 40), 1200);
}

/* The verdict after @n ends like @end. */
static enum restart_verdict after(unsigned n, const struct restart_end *end)
{
	struct config c = { .restart_delay_ms = 100, .min_uptime_ms = 5000 };
	struct restart r = { 0 };
	enum restart_verdict verdict = RESTART_AFTER;
	uint64_t delay_ms;

	while (n--)
		verdict = restart_judge(&r, &c, end, &delay_ms);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doubles_from_the_delay_to_15_s),
		cmocka_unit_test(never_loops_without_a_pause),
		cmocka_unit_test(varies_by_a_fifth),
		cmocka_unit_test(gives_up_an_app_that_never_got_ready),
		cmocka_unit_test(restarts_what_has_been_of_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
