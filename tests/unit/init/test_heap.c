/* The share of a worker, and how Node is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "init/worker/heap.h"

static uint32_t megabytes(uint32_t setting, uint64_t limit, unsigned workers)
{
	struct config c = { .heap_mb = setting };

	return heap_megabytes(&c, limit, workers);
}

static void shares_out_three_quarters(void **state)
{
	(void)state;
	assert_int_equal(megabytes(HEAP_AUTO, 1ull << 30, 1), 768);
	assert_int_equal(megabytes(HEAP_AUTO, 1ull << 30, 4), 192);
	assert_int_equal(megabytes(HEAP_AUTO, 0, 4), 0);
	assert_int_equal(megabytes(HEAP_AUTO, 4096, 4), 1);
	assert_int_equal(megabytes(HEAP_OFF, 1ull << 30, 4), 0);
	assert_int_equal(megabytes(300, 0, 4), 300);
}

static void assert_options(const char *now, uint32_t mb, const char *wanted)
{
	char *entry = heap_node_options(now, mb);

	if (wanted)
		assert_string_equal(entry, wanted);
	else
		assert_null(entry);
	free(entry);
}

static void adds_to_what_is_there(void **state)
{
	(void)state;
	assert_options(NULL, 10, "NODE_OPTIONS=--max-old-space-size=10");
	assert_options("", 10, "NODE_OPTIONS=--max-old-space-size=10");
	assert_options("--trace-warnings", 10,
		       "NODE_OPTIONS=--trace-warnings --max-old-space-size=10");
}

static void leaves_the_users_choice(void **state)
{
	(void)state;
	assert_options("--max-old-space-size=5", 10, NULL);
	assert_options("-r x --max_old_space_size=5", 10, NULL);
	assert_options(NULL, 0, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_out_three_quarters),
		cmocka_unit_test(adds_to_what_is_there),
		cmocka_unit_test(leaves_the_users_choice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
