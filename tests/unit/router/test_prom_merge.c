/* Several workers' metrics as one, and as text. What prom-client itself makes of the same is
 * compared in tests/e2e/app-metrics.test.js. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/admin/prom_merge.h"

static struct prom_merge *merge;
static struct buf out;

static int setup(void **state)
{
	(void)state;
	out = BUF_INIT(1 << 20);
	merge = prom_merge_new();
	return merge ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	prom_merge_free(merge);
	buf_free(&out);
	return 0;
}

static int add(const char *answer)
{
	json_t *tree = json_loads(answer, JSON_ALLOW_NUL, NULL);
	int r;

	assert_non_null(tree);
	r = prom_merge_add(merge, tree);
	json_decref(tree);
	return r;
}

/* A worker with one gauge of this @aggregator and @value. */
static void add_gauge(const char *aggregator, const char *value)
{
	char answer[256];

	(void)snprintf(answer, sizeof(answer),
		       "{\"metrics\":[[{\"name\":\"g\",\"help\":\"h\",\"type\":\"gauge\","
		       "\"aggregator\":\"%s\",\"values\":[{\"value\":%s,\"labels\":{}}]}]]}",
		       aggregator, value);
	assert_int_equal(add(answer), 0);
}

static void assert_text(const char *expected)
{
	out.len = 0;
	assert_int_equal(prom_merge_write(merge, METRICS_TEXT, &out), 0);
	assert_int_equal(buf_append(&out, "", 1), 0);
	assert_string_equal(out.p, expected);
}

/* Of three workers that say 4, 1 and 7. */
static void assert_aggregated(const char *aggregator, const char *expected)
{
	static const char *const values[] = { "4", "1", "7" };

	(void)setup(NULL);
	for (size_t i = 0; i < 3; i++)
		add_gauge(aggregator, values[i]);
	assert_text(expected);
	assert_int_equal(prom_merge_left_out(merge), 0);
	(void)teardown(NULL);
}

#define GAUGE(value) "# HELP g h\n# TYPE g gauge\ng " value "\n"

static void aggregates_as_the_metric_says(void **state)
{
	(void)state;
	assert_aggregated("sum", GAUGE("12"));
	assert_aggregated("first", GAUGE("4"));
	assert_aggregated("min", GAUGE("1"));
	assert_aggregated("max", GAUGE("7"));
	assert_aggregated("average", GAUGE("4"));
	assert_aggregated("omit", "");
}

static void labels_belong_together_in_any_order(void **state)
{
	(void)state;
	assert_int_equal(
	    add("{\"metrics\":[[{\"name\":\"c\",\"help\":\"\",\"type\":\"counter\",\"values\":["
		"{\"value\":1,\"labels\":{\"b\":\"x\",\"a\":1}},"
		"{\"value\":2,\"labels\":{\"a\":2}}]}]]}"),
	    0);
	assert_int_equal(
	    add("{\"metrics\":[[],[{\"name\":\"c\",\"help\":\"other\",\"type\":\"gauge\","
		"\"aggregator\":\"max\",\"values\":[{\"value\":10,\"labels\":{\"a\":\"1\","
		"\"b\":\"x\"}},{\"value\":5}]}]]}"),
	    0);
	assert_text("# HELP c \n# TYPE c counter\nc{a=\"1\",b=\"x\"} 11\nc{a=\"2\"} 2\nc 5\n");
}

static void text_is_escaped(void **state)
{
	(void)state;
	assert_int_equal(
	    add("{\"metrics\":[[{\"name\":\"a:b\",\"help\":\"1\\\\2\\n\\\"3\\\"\",\"type\":"
		"\"gauge\",\"values\":[{\"value\":1,\"labels\":{\"l\":\"\\\\ \\\" \\n \\u0000 "
		"\\u00e9\",\"n\":null,\"t\":true}}]}]]}"),
	    0);
	assert_text("# HELP a:b 1\\\\2\\n\"3\"\n# TYPE a:b gauge\n"
		    "a:b{l=\"\\\\ \\\" \\n \xef\xbf\xbd \xc3\xa9\",n=\"null\",t=\"true\"} 1\n");
}

static void what_is_no_metric_is_left_out(void **state)
{
	(void)state;
	assert_int_equal(
	    add("{\"metrics\":[[5,{\"name\":\"sioinit_x\",\"type\":\"gauge\",\"values\":[]},"
		"{\"name\":\"a b\",\"type\":\"gauge\",\"values\":[]},"
		"{\"name\":\"a\",\"type\":\"thermometer\",\"values\":[]},"
		"{\"name\":\"b\",\"type\":\"gauge\",\"aggregator\":\"median\",\"values\":[]},"
		"{\"name\":\"h\",\"help\":\"h\",\"type\":\"histogram\",\"values\":["
		"{\"metricName\":\"h_bucket\",\"value\":1,\"labels\":{\"le\":\"+Inf\"}},"
		"{\"metricName\":\"other_sum\",\"value\":1,\"labels\":{}},"
		"{\"metricName\":\"h_sum\",\"value\":\"many\",\"labels\":{}},"
		"{\"metricName\":\"h_sum\",\"value\":1,\"labels\":{\"a-b\":1}},"
		"{\"metricName\":\"h_sum\",\"value\":1,\"labels\":{\"a\":[]}}]}]]}"),
	    0);
	assert_text("# HELP h h\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\n");
	assert_int_equal(prom_merge_left_out(merge), 9);
}

static void a_worker_may_report_an_error(void **state)
{
	(void)state;
	assert_int_equal(add("{\"error\":\"out of order\",\"requestId\":1}"), -EBADMSG);
	assert_int_equal(add("[1]"), -EBADMSG);
	assert_text("");
}

static void not_finite_numbers_spread(void **state)
{
	(void)state;
	add_gauge("max", "1");
	add_gauge("max", "\"Infinity\"");
	assert_text(GAUGE("+Inf"));
	add_gauge("max", "null");
	add_gauge("max", "3");
	assert_text(GAUGE("NaN"));
}

/* A counter is one only with the name of a counter, which its family has without the ending. */
static void openmetrics_has_other_families_and_the_same_samples(void **state)
{
	(void)state;
	assert_int_equal(
	    add("{\"metrics\":[["
		"{\"name\":\"a_total\",\"help\":\"say \\\"a\\\"\",\"type\":\"counter\","
		"\"values\":[{\"value\":1}]},"
		"{\"name\":\"b\",\"help\":\"b\",\"type\":\"counter\","
		"\"values\":[{\"value\":2}]},"
		"{\"name\":\"c\",\"help\":\"c\",\"type\":\"untyped\","
		"\"values\":[{\"value\":3}]},"
		"{\"name\":\"c_total\",\"help\":\"d\",\"type\":\"counter\","
		"\"values\":[{\"value\":4}]}]]}"),
	    0);
	assert_int_equal(prom_merge_write(merge, METRICS_OPENMETRICS, &out), 0);
	assert_int_equal(buf_append(&out, "", 1), 0);
	assert_string_equal(out.p, "# HELP a say \\\"a\\\"\n# TYPE a counter\na_total 1\n"
				   "# HELP b b\n# TYPE b unknown\nb 2\n"
				   "# HELP c c\n# TYPE c unknown\nc 3\n"
				   "# HELP c_total d\n# TYPE c_total unknown\nc_total 4\n");
}

/* What does not fit is left out whole; the rest is there. */
static void a_full_text_stays_whole(void **state)
{
	struct buf small = BUF_INIT(64);

	(void)state;
	assert_int_equal(
	    add("{\"metrics\":[[{\"name\":\"a\",\"help\":\"\",\"type\":\"gauge\",\"values\":["
		"{\"value\":1}]},{\"name\":\"b\",\"help\":\"much too long for the little room that "
		"there is here\",\"type\":\"gauge\",\"values\":[{\"value\":1}]}]]}"),
	    0);
	assert_int_equal(prom_merge_write(merge, METRICS_TEXT, &small), 0);
	assert_int_equal(small.len, strlen("# HELP a \n# TYPE a gauge\na 1\n"));
	assert_int_equal(prom_merge_left_out(merge), 1);
	buf_free(&small);
}

static void assert_number(double d, const char *expected)
{
	char text[PROM_NUMBER_SIZE];

	prom_number(d, text);
	assert_string_equal(text, expected);
}

/* As String() of Node has them. */
static void numbers_are_spelled_as_in_javascript(void **state)
{
	(void)state;
	assert_number(0, "0");
	assert_number(-0.0, "0");
	assert_number(1, "1");
	assert_number(-2.5, "-2.5");
	assert_number(0.1 + 0.2, "0.30000000000000004");
	assert_number(123456789012345680000.0, "123456789012345680000");
	assert_number(1e21, "1e+21");
	assert_number(1.5e300, "1.5e+300");
	assert_number(0.000001, "0.000001");
	assert_number(0.0000005, "5e-7");
	assert_number(-1.7976931348623157e308, "-1.7976931348623157e+308");
	assert_number(5e-324, "5e-324");
	assert_number(1700000000.123, "1700000000.123");
	assert_number(NAN, "NaN");
	assert_number(INFINITY, "+Inf");
	assert_number(-INFINITY, "-Inf");
}

#define MERGE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(aggregates_as_the_metric_says),
		MERGE_TEST(labels_belong_together_in_any_order),
		MERGE_TEST(text_is_escaped),
		MERGE_TEST(what_is_no_metric_is_left_out),
		MERGE_TEST(a_worker_may_report_an_error),
		MERGE_TEST(not_finite_numbers_spread),
		MERGE_TEST(openmetrics_has_other_families_and_the_same_samples),
		MERGE_TEST(a_full_text_stays_whole),
		cmocka_unit_test(numbers_are_spelled_as_in_javascript),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
