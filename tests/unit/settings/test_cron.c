/* Cron expressions: what croner 4 takes, when the next time is, and clocks that are put forward and
 * back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/macros.h"
#include "settings/cron.h"

static void set_zone(const char *zone)
{
	assert_int_equal(setenv("TZ", zone, 1), 0);
	tzset();
}

/* Of "2026-03-29 01:59:59" in the zone; of an hour that comes twice, the first. */
static int64_t at(const char *text)
{
	struct tm tm = { .tm_isdst = -1 };
	time_t t;

	assert_non_null(strptime(text, "%Y-%m-%d %H:%M:%S", &tm));
	t = mktime(&tm);
	return t;
}

static void assert_next(const char *cron, const char *after, const char *wanted)
{
	struct cron c;
	const char *why = cron_parse(cron, &c);
	char got[32] = "never";
	struct tm tm;
	time_t next;

	if (why)
		fail_msg("%s: %s", cron, why);
	next = (time_t)cron_next(&c, at(after));
	if (next >= 0)
		(void)strftime(got, sizeof(got), "%Y-%m-%d %H:%M:%S", localtime_r(&next, &tm));
	if (strcmp(got, wanted) != 0)
		fail_msg("%s after %s: %s, not %s", cron, after, got, wanted);
}

/* Each was asked of croner 4.1.97, which pm2 7 has. */
static void comes_when_croner_says(void **state)
{
	static const struct {
		const char *cron, *after, *next;
	} cases[] = {
		{ "0 3 * * *", "2026-01-10 12:00:00", "2026-01-11 03:00:00" },
		{ "0 3 * * *", "2026-01-10 02:59:59", "2026-01-10 03:00:00" },
		{ "0 3 * * *", "2026-01-10 03:00:00", "2026-01-11 03:00:00" },
		{ "*/15 * * * *", "2026-01-10 12:01:00", "2026-01-10 12:15:00" },
		{ "10 20 4 * * *", "2026-01-10 12:01:00", "2026-01-11 04:20:10" },
		{ "* * * * * *", "2026-12-31 23:59:59", "2027-01-01 00:00:00" },
		{ "0 0 1 jan *", "2026-01-10 12:00:00", "2027-01-01 00:00:00" },
		{ "0 0 L * *", "2026-02-10 12:00:00", "2026-02-28 00:00:00" },
		{ "0 0 l 2 *", "2026-03-10 12:00:00", "2027-02-28 00:00:00" },
		{ "0 0 29 2 *", "2026-01-01 00:00:00", "2028-02-29 00:00:00" },
		{ "0 0 13 * FRI", "2026-03-14 00:00:00", "2026-11-13 00:00:00" },
		{ "0 0 * * 7", "2026-01-10 12:00:00", "2026-01-11 00:00:00" },
		{ "0 0 * * mon-fri", "2026-01-10 12:00:00", "2026-01-12 00:00:00" },
		{ "5,10,15 8-18/5 * * *", "2026-01-10 13:10:00", "2026-01-10 13:15:00" },
		{ "5,10,15 8-18/5 * * *", "2026-01-10 13:15:00", "2026-01-10 18:05:00" },
		{ "30/10 1 * * *", "2026-01-10 01:35:00", "2026-01-10 01:40:00" },
	};

	(void)state;
	set_zone("UTC");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_next(cases[i].cron, cases[i].after, cases[i].next);
}

static void has_lists_of_ranges_as_crontab(void **state)
{
	(void)state;
	set_zone("UTC");
	assert_next("0 1-2,22-23/1 * * *", "2026-01-10 02:00:00", "2026-01-10 22:00:00");
}

static void is_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"0 3 * *",
		"0 0 3 * * * *",
		"60 3 * * *",
		"0 24 * * *",
		"0 3 0 * *",
		"0 3 32 * *",
		"0 3 * 0 *",
		"0 3 * 13 *",
		"0 3 * * 8",
		"@daily",
		"a b c d e",
		"5-1 * * * *",
		"*/0 * * * *",
		"*/61 * * * *",
		"1,,2 3 * * *",
		"1, 3 * * *",
		"-1 3 * * *",
		"1- 3 * * *",
		"/5 3 * * *",
		"5/ 3 * * *",
		"0 3 ? * *",
		"0 3 L,1 * *",
		"0 3 * * 5L",
		"0 3 * foo *",
		"0 3 30 2 *",
		"0 3 31 4,6,9 *",
		"*-5 3 * * *",
		"1-2-3 * * * *",
		"* 1/2/3 * * *",
	};
	struct cron c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (!cron_parse(cases[i], &c))
			fail_msg("taken: %s", cases[i]);
}

#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"

static void an_hour_that_is_left_out_is_at_its_end(void **state)
{
	(void)state;
	set_zone(BERLIN);
	assert_next("30 2 * * *", "2026-03-28 02:30:00", "2026-03-29 03:00:00");
	assert_next("30 2 * * *", "2026-03-29 03:00:00", "2026-03-30 02:30:00");
	assert_next("0 3 * * *", "2026-03-29 01:59:59", "2026-03-29 03:00:00");
	assert_next("0 4 * * *", "2026-03-29 01:59:59", "2026-03-29 04:00:00");
	assert_next("*/10 * * * *", "2026-03-29 01:50:00", "2026-03-29 03:00:00");
}

static void an_hour_that_comes_twice_is_once(void **state)
{
	struct cron c;
	int64_t first, second;

	(void)state;
	set_zone(BERLIN);
	assert_null(cron_parse("30 2 * * *", &c));
	first = cron_next(&c, at("2026-10-24 12:00:00"));
	second = cron_next(&c, first);
	assert_int_equal(first, 1792888200); /* 00:30 UTC: in summer time */
	assert_int_equal(second - first, 25 * 3600);
	assert_null(cron_parse("*/30 * * * *", &c));
	for (int64_t t = first; t < first + 4 * 3600; t += 1800)
		assert_int_equal(cron_next(&c, t), t + 1800);
}

static void a_day_without_midnight_has_its_first_hour(void **state)
{
	(void)state;
	set_zone("BRT3BRST,M10.3.0/0,M2.3.0/0"); /* Brazil until 2019: 00:00 became 01:00 */
	assert_next("0 0 * * *", "2018-10-20 12:00:00", "2018-10-21 01:00:00");
}

static void a_clock_is_due_once(void **state)
{
	struct cron_clock k;
	struct cron c;

	(void)state;
	set_zone("UTC");
	assert_null(cron_parse("0 3 * * *", &c));
	cron_clock_start(&k, &c, at("2026-01-10 02:59:58"));
	assert_false(cron_clock_is_due(&k, at("2026-01-10 02:59:59")));
	assert_true(cron_clock_is_due(&k, at("2026-01-10 03:00:00")));
	assert_false(cron_clock_is_due(&k, at("2026-01-10 03:00:00")));
	assert_false(cron_clock_is_due(&k, at("2026-01-10 02:59:59"))); /* put right */
	assert_false(cron_clock_is_due(&k, at("2026-01-10 03:00:01")));
	assert_true(cron_clock_is_due(&k, at("2026-01-14 17:00:00"))); /* it has slept */
	assert_false(cron_clock_is_due(&k, at("2026-01-14 17:00:01")));
	assert_false(cron_clock_is_due(&k, at("2026-01-02 10:00:00"))); /* the date was wrong */
	assert_true(cron_clock_is_due(&k, at("2026-01-03 03:00:00")));
	k = (struct cron_clock){ 0 };
	assert_false(cron_clock_is_due(&k, at("2026-01-03 03:00:00")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_when_croner_says),
		cmocka_unit_test(has_lists_of_ranges_as_crontab),
		cmocka_unit_test(is_refused),
		cmocka_unit_test(an_hour_that_is_left_out_is_at_its_end),
		cmocka_unit_test(an_hour_that_comes_twice_is_once),
		cmocka_unit_test(a_day_without_midnight_has_its_first_hour),
		cmocka_unit_test(a_clock_is_due_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
