/* Cookies and hashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "router/backend/choose.h"
#include "router/backend/context.h"

enum { KEYS = 30000, SLOTS = 10 };

static void assert_cookie(const char *field, const char *expected)
{
	struct str got = cookie_get(str_of(field), STR("sioinit"));

	assert_int_equal(got.n, strlen(expected));
	assert_memory_equal(got.p ? got.p : "", expected, got.n);
}

static void finds_the_cookie(void **state)
{
	(void)state;
	assert_cookie("sioinit=1", "1");
	assert_cookie("a=b; sioinit=12; c=d", "12");
	assert_cookie("asioinit=1;sioinit=2", "2");
	assert_cookie("sioinit", "");
	assert_cookie("sioinit=", "");
	assert_cookie("sioinits=3", "");
	assert_cookie(";;  ;", "");
	assert_cookie("", "");
}

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
	static const struct router_conf conf = { .sticky = STICKY_COOKIE, .sticky_cookie = "s" };
	struct backend b = { .conf = &conf, .shared = scoreboard_private() };
	char one[STICKY_COOKIE_MAX], again[STICKY_COOKIE_MAX];
	struct str cookie;

	(void)state;
	cookie = sticky_cookie(&b, 1, (struct str){ 0 }, one);
	assert_true(str_has_prefix(cookie, STR("s=")));
	assert_non_null(memmem(cookie.p, cookie.n, STR("; Path=/; HttpOnly; SameSite=Lax").p, 32));
	assert_int_equal(sticky_cookie(&b, 1, (struct str){ cookie.p + 2, 16 }, again).n, 0);
	assert_int_not_equal(sticky_cookie(&b, 2, (struct str){ cookie.p + 2, 16 }, again).n, 0);
	counter_set(&b.shared->started_ms, 5);
	assert_int_not_equal(sticky_cookie(&b, 1, (struct str){ cookie.p + 2, 16 }, again).n, 0);
	scoreboard_unmap(b.shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_cookie),
		cmocka_unit_test(a_lost_slot_moves_only_its_own),
		cmocka_unit_test(a_cookie_names_one_worker_of_one_sioinit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
