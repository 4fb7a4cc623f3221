/* What a cookie says of the worker, and hashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "router/backend/choose.h"
#include "router/backend/context.h"

enum { KEYS = 30000, SLOTS = 10 };

static unsigned owner(unsigned key, unsigned lost)
{
	char text[32];
	uint64_t most = 0;
	unsigned best = SLOTS;

	(void)snprintf(text, sizeof(text), "10.0.%u.%u", key / 256, key % 256);
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		uint64_t weight = sticky_weight(sticky_key(str_of(text)), slot);

		if (slot != lost && (best == SLOTS || weight > most)) {
			most = weight;
			best = slot;
		}
	}
	return best;
}

static void a_lost_slot_moves_only_its_own(void **state)
{
	unsigned before[SLOTS] = { 0 }, moved[SLOTS] = { 0 };

	(void)state;
	for (unsigned key = 0; key < KEYS; key++) {
		unsigned at = owner(key, SLOTS), then = owner(key, 3);

		before[at]++;
		assert_true(at == 3 || then == at);
		if (at == 3)
			moved[then]++;
	}
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		assert_in_range(before[slot], KEYS / SLOTS * 9 / 10, KEYS / SLOTS * 11 / 10);
		if (slot != 3)
			assert_in_range(moved[slot], before[3] / 9 * 7 / 10,
					before[3] / 9 * 13 / 10);
	}
}

static void a_cookie_names_one_worker_of_one_sioinit(void **state)
{
	static const struct router_conf conf = { .sticky = STICKY_COOKIE,
						 .sticky_cookie = "s",
						 .sticky_cookie_attributes = "Path=/" };
	struct backend b = { .conf = &conf, .shared = scoreboard_private() };
	char one[STICKY_VALUE_SIZE], again[STICKY_VALUE_SIZE];
	struct cookie cookie;

	(void)state;
	cookie = sticky_cookie(&b, 1, (struct str){ 0 }, one);
	assert_true(str_eq(cookie.name, STR("s")));
	assert_int_equal(cookie.value.n, 16);
	assert_true(str_eq(cookie.attributes, STR("Path=/")));
	assert_int_equal(sticky_cookie(&b, 1, cookie.value, again).name.n, 0);
	assert_int_not_equal(sticky_cookie(&b, 2, cookie.value, again).name.n, 0);
	counter_set(&b.shared->started_ms, 5);
	assert_int_not_equal(sticky_cookie(&b, 1, cookie.value, again).name.n, 0);
	scoreboard_unmap(b.shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lost_slot_moves_only_its_own),
		cmocka_unit_test(a_cookie_names_one_worker_of_one_sioinit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
