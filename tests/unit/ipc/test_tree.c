/* Trees of whole messages. The advanced ones are what child_process of Node 20 has written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "ipc/app_answers.h"
#include "ipc/tree.h"

static const struct str answer = STR(
    "\377\017o\042\004type\042\031prom-client:getMetricsRes\042\011requestIdI\016\042\007metricsA"
    "\001A\001o\042\004name\042\003a_b\042\004helpc\006h\000="
    "\330\000\336\042\004type\042\007summary"
    "\042\012aggregator\042\003sum\042\006valuesA\006o\042\006labelso\042\004path\042\002/\351c\010"
    ":\004;\004N\004G\004\042\001x{\002\042\005valueN\000\000\000\000\000\000\370?"
    "\042\012metricName"
    "\042\007a_b_sum{\003o\042\006labels^\006\042\005valueN\000\000\000\000\000\000\000@\042\012"
    "metricName\042\011a_b_count{\003o\042\006labelso\042\010quantileN\000\000\000\000\000\000\340?"
    "{\001\042\005valueN\000\000\000\000\000\000\370\177{\002o\042\006labelso{\000\042\005valueN"
    "\000\000\000\000\000\000\360\377\042\010exemplar_{\003o\042\006labelso{\000\042\005valueI\005"
    "{\002o\042\006labelso{\000\042\005valueN\000\000\000\000\000\000\360\177{\002$\000\006{\005$"
    "\000\001$\000\001{\003");

static const struct str of_all_kinds = STR(
    "\377\017oI\012I\014\042\001aa\003I\000I\002I\004I\006@\002\003\042\001bD\000\000\000\000\000"
    "\000\024@\042\001c\134\000\012\002xy\042\001dT\042\001e0\042\001f_\042\001gZ\020\322\012\037"
    "\353\214\251T\253\042\001hc\010c\000u\000t\000=\330\042\001i\042\004nul\000\042\001jn\000\000"
    "\000\000\000\000\020@\042\001kA\001_$\000\001\042\001lA\001I\002\042\001xI\004$\001\001{\015");

static int read_tree(enum serialization mode, struct str payload, json_t **ret)
{
	char *copy = malloc(payload.n + 1);
	int r;

	assert_non_null(copy);
	memcpy(copy, payload.p, payload.n);
	r = tree_read(mode, copy, payload.n, ret);
	free(copy);
	return r;
}

static void assert_tree(enum serialization mode, struct str payload, const char *expected)
{
	json_t *tree;
	char *text;

	assert_int_equal(read_tree(mode, payload, &tree), 0);
	text = json_dumps(tree, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
	json_decref(tree);
}

static void assert_refused(enum serialization mode, struct str payload, int err)
{
	json_t *tree;

	assert_int_equal(read_tree(mode, payload, &tree), err);
}

static void reads_what_node_writes(void **state)
{
	(void)state;
	assert_tree(
	    SERIAL_ADVANCED, answer,
	    "{\"type\":\"prom-client:getMetricsRes\",\"requestId\":7.0,\"metrics\":[[{\"name\":"
	    "\"a_b\",\"help\":\"h\\uD83D\\uDE00\",\"type\":\"summary\",\"aggregator\":\"sum\","
	    "\"values\":[{\"labels\":{\"path\":\"/\\u00E9\",\"\\u043A\\u043B\\u044E\\u0447\":\"x\"}"
	    ",\"value\":1.5,\"metricName\":\"a_b_sum\"},{\"labels\":{\"path\":\"/\\u00E9\","
	    "\"\\u043A\\u043B\\u044E\\u0447\":\"x\"},\"value\":2.0,\"metricName\":\"a_b_count\"},"
	    "{\"labels\":{\"quantile\":0.5},\"value\":\"NaN\"},{\"labels\":{},\"value\":"
	    "\"-Infinity\"},{\"labels\":{},\"value\":-3.0},{\"labels\":{},\"value\":\"Infinity\"}]"
	    "}]]}");
	assert_tree(SERIAL_ADVANCED, of_all_kinds,
		    "{\"5\":6.0,\"a\":[1.0,3.0],\"b\":5.0,\"c\":null,\"d\":true,\"e\":null,"
		    "\"g\":null,\"h\":\"cut\\uFFFD\",\"i\":\"nul\\u0000\",\"j\":4.0,\"k\":[null],"
		    "\"l\":[1.0]}");
	assert_tree(SERIAL_ADVANCED, STR("\377\017\042\002hi"), "\"hi\"");
}

static void reads_json(void **state)
{
	(void)state;
	assert_tree(SERIAL_JSON, STR("{\"a\":[1,\"x\\u0000\\ud83d\\ude00\"],\"b\":null}"),
		    "{\"a\":[1.0,\"x\\u0000\\uD83D\\uDE00\"],\"b\":null}");
}

/* An app's cut strings may end with half a character: that spoils nothing but the character. */
static void lone_surrogates_are_replaced(void **state)
{
	(void)state;
	assert_tree(SERIAL_JSON,
		    STR("[\"a\\ud83d\",\"\\ude00b\",\"\\\\ud83d\",\"\\ud83d\\ud83d\\ude00\"]"),
		    "[\"a\\uFFFD\",\"\\uFFFDb\",\"\\\\ud83d\",\"\\uFFFD\\uD83D\\uDE00\"]");
	assert_refused(SERIAL_JSON, STR("\"\\ud83d"), -EBADMSG);
	assert_refused(SERIAL_JSON, STR("\"\\"), -EBADMSG);
}

static void refuses_what_is_no_tree(void **state)
{
	(void)state;
	assert_refused(SERIAL_ADVANCED, STR("\377\017o\042\001a^\000{\001"), -EBADMSG);
	assert_refused(SERIAL_ADVANCED, STR("\377\017o\042\001m;I\002I\004:\002{\001"), -EBADMSG);
	assert_refused(SERIAL_JSON, STR("{\"a\":1"), -EBADMSG);
	for (size_t n = 0; n < answer.n; n++)
		assert_refused(SERIAL_ADVANCED, (struct str){ answer.p, n }, -EBADMSG);
}

/* @n arrays, each in the one before. */
static struct buf nested(unsigned n)
{
	struct buf b = BUF_INIT(1 << 20);

	assert_int_equal(buf_append(&b, "\377\017", 2), 0);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(buf_append(&b, "A\001", 2), 0);
	assert_int_equal(buf_append(&b, "0", 1), 0);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(buf_append(&b, "$\000\001", 3), 0);
	return b;
}

static void depth_is_limited(void **state)
{
	struct buf fits = nested(TREE_DEPTH_MAX), deep = nested(TREE_DEPTH_MAX + 1);
	json_t *tree;

	(void)state;
	assert_int_equal(read_tree(SERIAL_ADVANCED, buf_str(&fits), &tree), 0);
	json_decref(tree);
	assert_refused(SERIAL_ADVANCED, buf_str(&deep), -EMSGSIZE);
	assert_refused(SERIAL_JSON,
		       STR("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"deep\"]]]]]]]]]]]]]]]]]"
			   "]]]]]]]]]]]]]]]]"),
		       -EMSGSIZE);
	assert_int_equal(read_tree(SERIAL_JSON,
				   STR("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"[[[\"]]]]]]]]]]]]]]]]]"
				       "]]]]]]]]]]]]]]]"),
				   &tree),
			 0);
	json_decref(tree);
	buf_free(&fits);
	buf_free(&deep);
}

/* [ [], [the one before], [that], ... ]: flat on the wire, as deep as there are elements. */
static void mentions_do_not_make_it_deeper(void **state)
{
	struct buf b = BUF_INIT(1 << 20);
	char n = 100;

	(void)state;
	assert_int_equal(buf_append(&b, "\377\017A", 3), 0);
	assert_int_equal(buf_append(&b, &n, 1), 0);
	assert_int_equal(buf_append(&b, "A\000$\000\000", 5), 0);
	for (char id = 1; id < n; id++) {
		assert_int_equal(buf_append(&b, "A\001^", 3), 0);
		assert_int_equal(buf_append(&b, &id, 1), 0);
		assert_int_equal(buf_append(&b, "$\000\001", 3), 0);
	}
	assert_int_equal(buf_append(&b, "$\000d", 3), 0);
	assert_refused(SERIAL_ADVANCED, buf_str(&b), -EMSGSIZE);
	buf_free(&b);
}

static void values_are_counted(void **state)
{
	struct buf b = BUF_INIT(4 << 20);

	(void)state;
	for (unsigned i = 0; i <= TREE_VALUES_MAX; i++)
		assert_int_equal(buf_append(&b, i ? ",0" : "[0", 2), 0);
	assert_int_equal(buf_append(&b, "]", 1), 0);
	assert_refused(SERIAL_JSON, buf_str(&b), -EMSGSIZE);
	b.len = 0;
	assert_int_equal(buf_append(&b, "\377\017A\377\377\177", 6), 0);
	for (unsigned i = 0; i <= TREE_VALUES_MAX; i++)
		assert_int_equal(buf_append(&b, "0", 1), 0);
	assert_refused(SERIAL_ADVANCED, buf_str(&b), -EMSGSIZE);
	buf_free(&b);
}

static void answers_come_in_the_order_of_slots(void **state)
{
	static struct app_answer list[APP_ANSWERS_MAX];
	struct buf b = BUF_INIT(1024);
	const struct app_answer_head heads[] = { { 2, 3 }, { 0, 1 }, { 2, 0 }, { 1, 9 } };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(buf_append(&b, &heads[i], sizeof(heads[i])), 0);
		assert_int_equal(buf_append(&b, "xyz", i < 2 ? heads[i].n : 0), 0);
	}
	assert_int_equal(app_answers_find(b.p, b.len, list), 3);
	assert_int_equal(list[0].slot, 0);
	assert_int_equal(list[0].n, 1);
	assert_int_equal(b.p[list[0].at], 'x');
	assert_int_equal(list[1].n, 3);
	assert_int_equal(list[2].n, 0);
	assert_int_equal(app_answers_find(NULL, 0, list), 0);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_node_writes),
		cmocka_unit_test(reads_json),
		cmocka_unit_test(lone_surrogates_are_replaced),
		cmocka_unit_test(refuses_what_is_no_tree),
		cmocka_unit_test(depth_is_limited),
		cmocka_unit_test(mentions_do_not_make_it_deeper),
		cmocka_unit_test(values_are_counted),
		cmocka_unit_test(answers_come_in_the_order_of_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
