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

#define CALLER "b7ad6b7169203331"

static struct http_head head;
static char made[TRACEPARENT_SIZE];
static struct http_field fields[TRACE_FIELDS_MAX];
static struct trace trace;

static void read_trace(const char *lines, enum trace_mode mode, uint32_t sample, uint64_t n)
{
	const struct trace_rule rule = { mode, sample };
	static char text[1024];

	(void)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n", lines);
	assert_int_equal(http_parse_request(str_of(text), sizeof(text), &head), HTTP_HEAD_COMPLETE);
	trace_of(&head, &rule, 42, n, &trace);
}

/* Without a span of our own but where the trace begins. */
static size_t fields_for(const char *lines, enum trace_mode mode, uint64_t n)
{
	read_trace(lines, mode, TRACE_ALL, n);
	return trace_fields(&trace, trace.origin == TRACE_MADE ? trace_span_id(42, n) : 0, made,
			    fields);
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
			assert_int_equal(fields_for(valid[i], mode, 1), 0);
			assert_int_equal(trace.origin, TRACE_KEPT);
			assert_string_equal(trace.id, TRACE);
			assert_string_equal(trace.parent, CALLER);
		}
	assert_int_equal(fields_for(valid[0], TRACE_OFF, 1), 0);
	assert_string_equal(trace.id, "");
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
		assert_int_equal(fields_for(lines, TRACE_KEEP, 1), 2);
		assert_true(str_eq(fields[0].name, STR("traceparent")));
		if (fields[0].value.n || trace.id[0])
			fail_msg("kept: %s", invalid[i]);
		assert_true(str_eq(fields[1].name, STR("tracestate")));
		assert_int_equal(fields[1].value.n, 0);
	}
}

static void makes_valid_ones(void **state)
{
	char first[TRACEPARENT_SIZE], lines[100];

	(void)state;
	assert_int_equal(fields_for("", TRACE_MAKE, 1), 2);
	memcpy(first, made, sizeof(first));
	assert_true(str_eq(fields[0].value, str_of(first)));
	assert_memory_equal(first + 3, trace.id, TRACE_ID_LEN);
	assert_string_equal(first + 52, "-01");
	assert_string_equal(trace.parent, "");
	assert_int_equal(fields_for("", TRACE_MAKE, 2), 2);
	assert_string_not_equal(first, made);
	(void)snprintf(lines, sizeof(lines), "traceparent: %s\r\n", first);
	assert_int_equal(fields_for(lines, TRACE_KEEP, 3), 0);
	assert_int_equal(strlen(trace.id), TRACE_ID_LEN);
}

/* What is not known of the flags and of versions to come does not go on in our name. */
static void puts_its_own_span_between(void **state)
{
	static const struct {
		const char *flags, *next;
	} rows[] = { { "00-" TRACE "-" CALLER "-01", "-01" },
		     { "00-" TRACE "-" CALLER "-03", "-03" },
		     { "cc-" TRACE "-" CALLER "-ff-more", "-03" } };
	char lines[200];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)snprintf(lines, sizeof(lines), "traceparent: %s\r\ntracestate: a=b\r\n",
			       rows[i].flags);
		read_trace(lines, TRACE_KEEP, 0, 1);
		assert_true(trace.flags & TRACE_SAMPLED);
		assert_int_equal(trace_fields(&trace, 0xabc, made, fields), 1);
		assert_memory_equal(made, "00-" TRACE "-0000000000000abc", 52);
		assert_string_equal(made + 52, rows[i].next);
		assert_true(str_eq(fields[0].value, str_of(made)));
	}
}

/* Made by @opentelemetry/sdk-trace-base 2.0.1: the first id of each row is sampled at that ratio,
 * the second is not. */
static void samples_as_the_apps_do(void **state)
{
	static const struct {
		uint32_t sample;
		const char *in, *out;
	} rows[] = {
		{ 1, "f66022bd804909ee248e8e0352a7b595", "527bad1434a19d500367ad9f65bd8d1d" },
		{ 1000, "69bb91c8188fa7ef155f949e642a2b8f", "fe9e5637f3424d944b0bf75d469665c9" },
		{ 250000, "3bdccdefd22f80dc635d1850b551aa9d", "dae728e2061af372c2c53aa321c71ecc" },
		{ 333333, "1194cec209bb799db3205672fe5aae91", "0d8ebad37fdb73775ea8343a79a8b223" },
		{ 500000, "dcf8c947be51543cca0c9fd5d75afd50", "4a1426a4bce2381e15bb1bfa9cb2fabf" },
		{ 999999, "cd950e1be45b764f77874552a1b6d231", "6c6f578cc4d6fd600f319ed45877db00" },
	};
	unsigned n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_true(trace_is_sampled(rows[i].in, rows[i].sample));
		assert_false(trace_is_sampled(rows[i].out, rows[i].sample));
	}
	assert_true(trace_is_sampled("ffffffff000000000000000000000000", TRACE_ALL));
	assert_false(trace_is_sampled(TRACE, 0));
	for (uint64_t i = 0; i < 10000; i++) {
		read_trace("", TRACE_MAKE, TRACE_ALL / 4, i);
		n += trace.flags;
		assert_int_equal(trace.flags, trace_is_sampled(trace.id, TRACE_ALL / 4));
	}
	assert_in_range(n, 2300, 2700);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_an_id),
		cmocka_unit_test(keeps_what_is_valid),
		cmocka_unit_test(drops_what_is_not),
		cmocka_unit_test(makes_valid_ones),
		cmocka_unit_test(puts_its_own_span_between),
		cmocka_unit_test(samples_as_the_apps_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
