/* Request ids and trace context: which are kept, what is made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/macros.h"
#include "router/http/head.h"
#include "router/http/trace.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define PARENT "00-" TRACE "-b7ad6b7169203331-01"

static struct http_head head;
static char made[TRACEPARENT_SIZE];
static struct http_field fields[TRACE_FIELDS_MAX];
static struct str id;

static size_t trace_of(const char *lines, enum trace_mode mode, uint64_t n)
{
	static char text[1024];

	(void)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n", lines);
	assert_int_equal(http_parse_request(str_of(text), sizeof(text), &head), HTTP_HEAD_COMPLETE);
	return trace_fields(&head, mode, 42, n, made, fields, &id);
}

static void knows_an_id(void **state)
{
	static const char *const wrong[] = { "",    "a b",      "a\"", "a\\",
					     "a\n", "\xc3\xa4", "<a>", "{a}" };
	char text[REQUEST_ID_MAX + 2];

	(void)state;
	assert_true(request_id_is_sound(STR("Self=1-678;Root=1-67891233-abcdef/+,~|@._:")));
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		if (request_id_is_sound(str_of(wrong[i])))
			fail_msg("taken: %s", wrong[i]);
	assert_false(request_id_is_sound(STR("a\0b")));
	memset(text, 'x', sizeof(text));
	assert_true(request_id_is_sound((struct str){ text, REQUEST_ID_MAX }));
	assert_false(request_id_is_sound((struct str){ text, REQUEST_ID_MAX + 1 }));
}

static void keeps_what_is_valid(void **state)
{
	static const char *const valid[] = {
		"traceparent: " PARENT "\r\ntracestate: a=b\r\n",
		"TraceParent:   00-" TRACE "-b7ad6b7169203331-ff  \r\n",
		"traceparent: cc-" TRACE "-b7ad6b7169203331-01\r\n",
		"traceparent: cc-" TRACE "-b7ad6b7169203331-01-what-comes\r\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(valid); i++)
		for (enum trace_mode mode = TRACE_KEEP; mode <= TRACE_MAKE; mode++) {
			assert_int_equal(trace_of(valid[i], mode, 1), 0);
			assert_true(str_eq(id, STR(TRACE)));
		}
	assert_int_equal(trace_of(valid[0], TRACE_OFF, 1), 0);
	assert_int_equal(id.n, 0);
}

static void drops_what_is_not(void **state)
{
	static const char *const invalid[] = {
		"tracestate: a=b",
		"traceparent:",
		"traceparent: 00-" TRACE "-b7ad6b7169203331-0",
		"traceparent: 00-" TRACE "-b7ad6b7169203331-01-",
		"traceparent: 00-" TRACE "-b7ad6b7169203331-01x",
		"traceparent: cc-" TRACE "-b7ad6b7169203331-01x",
		"traceparent: ff-" TRACE "-b7ad6b7169203331-01",
		"traceparent: 00-00000000000000000000000000000000-b7ad6b7169203331-01",
		"traceparent: 00-" TRACE "-0000000000000000-01",
		"traceparent: 00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"traceparent: 00-" TRACE "-b7ad6b716920333g-01",
		"traceparent: 00-" TRACE "-b7ad6b7169203331-0g",
		"traceparent: 00_" TRACE "-b7ad6b7169203331-01",
		"traceparent: " PARENT "\r\ntraceparent: " PARENT,
	};
	char lines[300];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(invalid); i++) {
		(void)snprintf(lines, sizeof(lines), "%s\r\n", invalid[i]);
		assert_int_equal(trace_of(lines, TRACE_KEEP, 1), 2);
		assert_true(str_eq(fields[0].name, STR("traceparent")));
		if (fields[0].value.n || id.n)
			fail_msg("kept: %s", invalid[i]);
		assert_true(str_eq(fields[1].name, STR("tracestate")));
		assert_int_equal(fields[1].value.n, 0);
	}
}

static void makes_valid_ones(void **state)
{
	char first[TRACEPARENT_SIZE], lines[100];

	(void)state;
	assert_int_equal(trace_of("", TRACE_MAKE, 1), 2);
	memcpy(first, made, sizeof(first));
	assert_true(str_eq(fields[0].value, str_of(first)));
	assert_memory_equal(first + 3, id.p, id.n);
	assert_int_equal(trace_of("", TRACE_MAKE, 2), 2);
	assert_string_not_equal(first, made);
	(void)snprintf(lines, sizeof(lines), "traceparent: %s\r\n", first);
	assert_int_equal(trace_of(lines, TRACE_KEEP, 3), 0);
	assert_int_equal(id.n, TRACE_ID_LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_an_id),
		cmocka_unit_test(keeps_what_is_valid),
		cmocka_unit_test(drops_what_is_not),
		cmocka_unit_test(makes_valid_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
