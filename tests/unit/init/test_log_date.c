/* Dates before lines, as day.js writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "init/logs/log_date.h"

/* 2026-03-01 15:04:05.007 in India */
static const struct timespec now = { .tv_sec = 1772357645, .tv_nsec = 7000000 };

static void is_what_dayjs_says(void **state)
{
	static const struct {
		const char *format, *text;
	} cases[] = {
		{ "YYYY-MM-DDTHH:mm:ss", "2026-03-01T15:04:05" },
		{ "YYYY-MM-DD HH:mm:ss.SSS Z", "2026-03-01 15:04:05.007 +05:30" },
		{ "DD/MM/YY h:m:s A ZZ", "01/03/26 3:4:5 PM +0530" },
		{ "dddd, MMMM D hh a", "Sunday, March 1 03 pm" },
		{ "ddd dd d MMM M H", "Sun Su 0 Mar 3 15" },
		{ "[YYYY at] HH[h]", "YYYY at 15h" },
		{ "x [", "x [" },
		{ "", "" },
	};
	char text[LOG_DATE_SIZE];

	(void)state;
	assert_int_equal(setenv("TZ", "IST-5:30", 1), 0);
	tzset();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		log_date_print(cases[i].format, &now, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void is_cut_where_there_is_no_room(void **state)
{
	char format[LOG_DATE_SIZE * 2], text[LOG_DATE_SIZE];

	(void)state;
	memset(format, 'd', sizeof(format) - 1);
	format[sizeof(format) - 1] = '\0';
	log_date_print(format, &now, text);
	assert_int_equal(strlen(text), LOG_DATE_SIZE - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_what_dayjs_says),
		cmocka_unit_test(is_cut_where_there_is_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
