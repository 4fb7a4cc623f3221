/* Text in quotes, and the UTF-8 under it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/escape.h"
#include "base/utf8.h"

static const char *json(const char *text)
{
	static char out[256];
	size_t n = escape_json(str_of(text), out, sizeof(out) - 1);

	out[n] = '\0';
	return out;
}

static void json_is_always_utf8(void **state)
{
	(void)state;
	assert_string_equal(json("a\"b\\c\n\t\x1b[1m\x7f"), "a\\\"b\\\\c\\n\\t\\u001b[1m\\u007f");
	assert_string_equal(json("\xc3\xa9\xf0\x9f\x98\x80"), "\xc3\xa9\xf0\x9f\x98\x80");
	assert_string_equal(
	    json("\xff\xc0\x80\xed\xa0\x80"),
	    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	assert_string_equal(json("\xe2\x82"), "\xef\xbf\xbd\xef\xbf\xbd");
}

static void characters_are_whole_or_not_there(void **state)
{
	char out[8];

	(void)state;
	assert_int_equal(escape_json(STR("ab\n"), out, 3), 2);
	assert_int_equal(escape_json(STR("ab\xc3\xa9"), out, 3), 2);
	assert_int_equal(escape_json(STR("ab\x01"), out, 7), 2);
	assert_int_equal(escape_logfmt(STR("abc"), out, 2), 2);
}

static void a_terminal_gets_text_alone(void **state)
{
	char out[128];
	size_t n;

	(void)state;
	n = escape_terminal(
	    STR("\"a\" \\ \xc3\xa9\x1b[1m\r\n\x7f\xc2\x9b\xe2\x80\xae\xe2\x81\xa9\xff"), out,
	    sizeof(out) - 1);
	out[n] = '\0';
	assert_string_equal(
	    out, "\"a\" \\\\ \xc3\xa9\\x1b[1m\\x0d\\x0a\\x7f\\x9b\\u202e\\u2069\xef\xbf\xbd");
}

static void logfmt_leaves_other_bytes_alone(void **state)
{
	char out[64];
	size_t n = escape_logfmt(STR("\"\\\n\xff"), out, sizeof(out));

	(void)state;
	assert_int_equal(n, 9);
	assert_memory_equal(out, "\\\"\\\\\\x0a\xff", n);
}

static void tells_valid_from_malformed(void **state)
{
	(void)state;
	assert_true(utf8_is_valid(STR("")));
	assert_true(utf8_is_valid(STR("a\xc3\xa9\xef\xbf\xbd")));
	assert_false(utf8_is_valid(STR("a\xc3")));
	assert_false(utf8_is_valid(STR("\xf4\x90\x80\x80")));
}

static void cuts_between_characters(void **state)
{
	(void)state;
	assert_int_equal(utf8_whole(STR("")), 0);
	assert_int_equal(utf8_whole(STR("abc")), 3);
	assert_int_equal(utf8_whole(STR("ab\xc3")), 2);
	assert_int_equal(utf8_whole(STR("ab\xc3\xa9")), 4);
	assert_int_equal(utf8_whole(STR("\xf0\x9f\x98")), 0);
	assert_int_equal(utf8_whole(STR("a\x80\x80\x80\x80")), 5);
	assert_int_equal(utf8_whole(STR("\xff")), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_is_always_utf8),
		cmocka_unit_test(characters_are_whole_or_not_there),
		cmocka_unit_test(a_terminal_gets_text_alone),
		cmocka_unit_test(logfmt_leaves_other_bytes_alone),
		cmocka_unit_test(tells_valid_from_malformed),
		cmocka_unit_test(cuts_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
