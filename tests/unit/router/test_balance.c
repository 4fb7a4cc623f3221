/* Every method, over given numbers and a given chance. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macros.h"
#include "router/backend/balance.h"

enum { FULL = BALANCE_FULL_SHARE, DRAWS = 30000 };

static uint32_t seed;

static uint32_t chance(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8;
}

static uint32_t zero(void)
{
	return 0;
}

static struct balance by(enum balance_method m)
{
	seed = 1;
	return (struct balance){ .method = m, .last_slot = UINT32_MAX, .random = chance };
}

static void draw(enum balance_method m, const struct balance_candidate *c, size_t n,
		 unsigned *times)
{
	struct balance b = by(m);

	for (int i = 0; i < DRAWS; i++)
		times[balance_choose(&b, c, n)]++;
}

static void assert_near(unsigned got, unsigned expected)
{
	assert_in_range(got, expected * 95 / 100, expected * 105 / 100);
}

static void one_is_always_chosen(void **state)
{
	const struct balance_candidate c = { 7, 1000, 1000, 1 };

	(void)state;
	for (int m = 0; m < BALANCE_N_METHODS; m++) {
		struct balance b = by((enum balance_method)m);

		assert_int_equal(balance_choose(&b, &c, 1), 0);
		assert_int_equal(b.last_slot, 7);
	}
}

static void the_least_loaded_and_ties_in_turn(void **state)
{
	const struct balance_candidate c[] = { { 0, 5, 0, FULL },
					       { 2, 3, 900, FULL },
					       { 1, 3, 0, FULL } };
	struct balance b = by(BALANCE_LEAST_SESSIONS);

	(void)state;
	assert_int_equal(balance_choose(&b, c, 3), 2);
	assert_int_equal(balance_choose(&b, c, 3), 1);
	assert_int_equal(balance_choose(&b, c, 3), 2);
}

static void lag_counts_in_steps(void **state)
{
	struct balance_candidate c[] = { { 0, 1, 100, FULL },
					 { 1, 9, 0, FULL },
					 { 2, 8, 9, FULL } };
	struct balance b = by(BALANCE_LEAST_LAG);

	(void)state;
	assert_int_equal(balance_choose(&b, c, 3), 2);
	c[2].lag_ms = 10;
	assert_int_equal(balance_choose(&b, c, 3), 1);
	c[1].lag_ms = 500;
	c[2].lag_ms = 90;
	assert_int_equal(balance_choose(&b, c, 3), 0);
}

static void the_better_of_two(void **state)
{
	const struct balance_candidate c[] = { { 0, 0, 0, FULL },
					       { 1, 1, 0, FULL },
					       { 2, 2, 0, FULL } };
	unsigned times[3] = { 0 };

	(void)state;
	draw(BALANCE_TWO_CHOICES, c, 3, times);
	assert_near(times[0], DRAWS * 2 / 3);
	assert_near(times[1], DRAWS / 3);
	assert_int_equal(times[2], 0);
}

static void in_turn_whatever_the_load(void **state)
{
	const struct balance_candidate c[] = { { 4, 0, 0, FULL },
					       { 9, 99, 99, FULL },
					       { 1, 5, 0, FULL } };
	struct balance b = by(BALANCE_ROUND_ROBIN);

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(balance_choose(&b, c, 3), 2);
		assert_int_equal(balance_choose(&b, c, 3), 0);
		assert_int_equal(balance_choose(&b, c, 3), 1);
	}
}

static void anyone(void **state)
{
	const struct balance_candidate c[] = { { 0, 0, 0, FULL },
					       { 1, 99, 99, FULL },
					       { 2, 5, 0, FULL } };
	unsigned times[3] = { 0 };

	(void)state;
	draw(BALANCE_RANDOM, c, 3, times);
	for (size_t i = 0; i < 3; i++)
		assert_near(times[i], DRAWS / 3);
}

static void a_new_one_gets_its_share(void **state)
{
	struct balance_candidate c[] = { { 0, 100, 0, FULL }, { 1, 24, 0, FULL / 4 } };
	struct balance b = by(BALANCE_LEAST_SESSIONS);
	unsigned in_turn[2] = { 0 }, random[2] = { 0 };

	(void)state;
	assert_int_equal(balance_choose(&b, c, 2), 1);
	c[1].load = 25;
	assert_int_equal(balance_choose(&b, c, 2), 0);
	draw(BALANCE_ROUND_ROBIN, c, 2, in_turn);
	draw(BALANCE_RANDOM, c, 2, random);
	assert_near(in_turn[1], DRAWS / 5);
	assert_near(random[1], DRAWS / 5);
}

static void new_ones_only_are_chosen_all_the_same(void **state)
{
	const struct balance_candidate c[] = { { 0, 0, 0, 1 }, { 1, 0, 0, 1 } };

	(void)state;
	for (int m = 0; m < BALANCE_N_METHODS; m++) {
		struct balance b = by((enum balance_method)m);

		b.random = zero;
		assert_in_range(balance_choose(&b, c, 2), 0, 1);
		b.random = chance;
		assert_in_range(balance_choose(&b, c, 2), 0, 1);
	}
}

static void a_share_grows_linearly(void **state)
{
	(void)state;
	assert_int_equal(balance_share(0, 0), FULL);
	assert_int_equal(balance_share(0, 1000), 1);
	assert_int_equal(balance_share(250, 1000), FULL / 4);
	assert_int_equal(balance_share(500, 1000), FULL / 2);
	assert_int_equal(balance_share(1000, 1000), FULL);
	assert_int_equal(balance_share(UINT64_MAX, 86400000), FULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_is_always_chosen),
		cmocka_unit_test(the_least_loaded_and_ties_in_turn),
		cmocka_unit_test(lag_counts_in_steps),
		cmocka_unit_test(the_better_of_two),
		cmocka_unit_test(in_turn_whatever_the_load),
		cmocka_unit_test(anyone),
		cmocka_unit_test(a_new_one_gets_its_share),
		cmocka_unit_test(new_ones_only_are_chosen_all_the_same),
		cmocka_unit_test(a_share_grows_linearly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
