/* Visitors and tokens of router/limits.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "router/limits.h"

static struct visitor *enter(struct limits *l, const char *text, uint32_t max)
{
	struct ip ip;

	assert_int_equal(ip_parse(str_of(text), &ip), 0);
	return visitor_enter(l, &ip, max);
}

static void counts_by_address(void **state)
{
	struct limits l = { 0 };
	struct visitor *a = enter(&l, "1.2.3.4", 2), *b = enter(&l, "1.2.3.4", 2), *other, *none;

	(void)state;
	assert_non_null(a);
	assert_ptr_equal(a, b);
	none = enter(&l, "1.2.3.4", 2);
	assert_null(none);
	visitor_leave(&l, &none);
	other = enter(&l, "1.2.3.5", 2);
	assert_non_null(other);
	visitor_leave(&l, &a);
	assert_null(a);
	a = enter(&l, "1.2.3.4", 2);
	assert_non_null(a);
	visitor_leave(&l, &a);
	visitor_leave(&l, &b);
	visitor_leave(&l, &other);
	assert_null(l.visitors);
}

static void counts_ipv6_by_network(void **state)
{
	struct limits l = { 0 };
	struct visitor *a = enter(&l, "2001:db8::1", 1), *b = enter(&l, "2001:db8:0:1::1", 1);

	(void)state;
	assert_non_null(a);
	assert_null(enter(&l, "2001:db8::ffff", 1));
	assert_non_null(b);
	visitor_leave(&l, &a);
	visitor_leave(&l, &b);
}

static unsigned take(struct limits *l, uint32_t rate, uint32_t burst, uint64_t now)
{
	unsigned n = 0;

	while (n < 1000 && limits_take_token(l, rate, burst, now))
		n++;
	return n;
}

static void fills_the_bucket(void **state)
{
	struct limits l = { 0 }, slow = { 0 }, none = { 0 }, even = { 0 };
	unsigned n = 0;

	(void)state;
	assert_int_equal(take(&l, 10, 25, 5000), 25);
	assert_int_equal(take(&l, 10, 25, 5000), 0);
	assert_int_equal(take(&l, 10, 25, 5099), 0);
	assert_int_equal(take(&l, 10, 25, 5100), 1);
	assert_int_equal(take(&l, 10, 25, 6100), 10);
	assert_int_equal(take(&l, 10, 25, UINT64_MAX / 2), 25);
	assert_int_equal(take(&slow, 3, 0, 0), 3);
	assert_int_equal(take(&slow, 3, 0, 1), 0);
	assert_int_equal(take(&none, 0, 0, 1), 1000);
	for (uint64_t now = 1; now <= 10001; now++)
		n += limits_take_token(&even, 50, 1, now);
	assert_int_equal(n, 501);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_by_address),
		cmocka_unit_test(counts_ipv6_by_network),
		cmocka_unit_test(fills_the_bucket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
