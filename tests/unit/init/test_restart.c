/* Restart policy: pauses. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doubles_from_the_delay_to_15_s),
		cmocka_unit_test(never_loops_without_a_pause),
		cmocka_unit_test(varies_by_a_fifth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
