/* Accept and Accept-Encoding: what is taken from a list, whatever stands in it. */
#include "router/http/accept.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct accept_range last;

static unsigned take_all(const char *text)
{
	struct str list = { text, strlen(text) };
	unsigned n = 0;

	while (list.n) {
		accept_take(&list, &last);
		n++;
	}
	return n;
}

static void takes_what_prometheus_sends(void **state)
{
	(void)state;
	assert_int_equal(take_all("text/plain;version=0.0.4;q=0.5"), 1);
	assert_true(str_eq(last.value, STR("text/plain")));
	assert_true(str_eq(last.version, STR("0.0.4")));
	assert_int_equal(last.quality, 500);
	assert_int_equal(
	    take_all("application/openmetrics-text ; version=1.0.0 ; q=0.75,*/*;q=0.1"), 2);
	assert_true(str_eq(last.value, STR("*/*")));
	assert_int_equal(last.version.n, 0);
	assert_int_equal(last.quality, 100);
}

static void knows_what_is_not_wanted(void **state)
{
	static const struct {
		const char *text;
		unsigned quality;
	} rows[] = { { "gzip", 1000 },          { "gzip;q=0", 0 },     { "gzip; q=0.000", 0 },
		     { "gzip;q=0.", 0 },        { "gzip;q=0.001", 1 }, { "gzip;q=1.000", 1000 },
		     { "gzip;q=0.12345", 123 }, { "gzip;Q=0.5", 500 }, { "gzip;q=", 1000 },
		     { "gzip;q=none", 1000 },   { "gzip;q", 1000 },    { "gzip;x=0", 1000 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(take_all(rows[i].text), 1);
		assert_true(str_eq(last.value, STR("gzip")));
		assert_int_equal(last.quality, rows[i].quality);
	}
}

static void ends_with_anything(void **state)
{
	(void)state;
	assert_int_equal(take_all(""), 0);
	assert_int_equal(take_all(",,"), 2);
	assert_int_equal(take_all(" , ;;;=,q=0"), 3);
	assert_true(str_eq(last.value, STR("q=0")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_what_prometheus_sends),
		cmocka_unit_test(knows_what_is_not_wanted),
		cmocka_unit_test(ends_with_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
