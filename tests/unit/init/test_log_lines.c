/* What becomes of what workers write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "init/logs/log_lines.h"

#define TIME "2026-11-25T04:00:00.123Z"

static char seen[1 << 20];
static size_t seen_len;

static void see(struct log_lines *l, struct str line)
{
	(void)l;
	assert_true(line.n < sizeof(seen) - seen_len);
	memcpy(seen + seen_len, line.p, line.n);
	seen_len += line.n;
	seen[seen_len] = '\0';
}

static struct log_lines lines(enum config_worker_logs format, bool is_stderr)
{
	struct log_lines l;

	log_lines_init(&l, format, 3, is_stderr, see);
	l.pid = 17;
	seen_len = 0;
	seen[0] = '\0';
	return l;
}

/* Fed byte by byte, and whole, it must be the same. */
static void assert_becomes(enum config_worker_logs format, const char *text, const char *wanted)
{
	struct log_lines l = lines(format, false);

	log_lines_feed(&l, str_of(text), TIME);
	log_lines_end(&l, TIME);
	assert_string_equal(seen, wanted);
	l = lines(format, false);
	for (; *text; text++)
		log_lines_feed(&l, (struct str){ text, 1 }, TIME);
	log_lines_end(&l, TIME);
	assert_string_equal(seen, wanted);
}

static void has_a_date_before_it(void **state)
{
	struct log_lines l = lines(WORKER_LOGS_RAW, false);

	(void)state;
	l.date = "10:00";
	log_lines_feed(&l, STR("a\nb"), TIME);
	log_lines_end(&l, TIME);
	assert_string_equal(seen, "10:00: a\n10:00: b\n");
	l = lines(WORKER_LOGS_PREFIX, false);
	l.date = "10:00";
	log_lines_feed(&l, STR("a\n"), TIME);
	log_lines_end(&l, TIME);
	assert_string_equal(seen, "10:00: [3] a\n");
}

static void prefixes_lines(void **state)
{
	(void)state;
	assert_becomes(WORKER_LOGS_PREFIX, "", "");
	assert_becomes(WORKER_LOGS_PREFIX, "a\n\nb\xff\x1b[1m\nend",
		       "[3] a\n[3] \n[3] b\xff\x1b[1m\n[3] end\n");
}

/* The text of [3] and of [10] begins in one column. */
static void aligns_prefixes_for_people(void **state)
{
	struct log_lines l = lines(WORKER_LOGS_PREFIX, false);

	(void)state;
	l.is_aligned = true;
	log_lines_feed(&l, STR("a\n"), TIME);
	l.worker = 10;
	log_lines_feed(&l, STR("b\n"), TIME);
	l.has_colours = true;
	log_lines_feed(&l, STR("c\n"), TIME);
	l.sidecar = "shipper";
	log_lines_feed(&l, STR("d\n"), TIME);
	log_lines_end(&l, TIME);
	assert_string_equal(seen, "[3]  a\n[10] b\n\x1b[34m[10]\x1b[0m c\n[shipper] d\n");
}

#define ADDED "\"worker\":3,\"pid\":17,\"stream\":\"stdout\"}\n"

static void wraps_text(void **state)
{
	(void)state;
	assert_becomes(WORKER_LOGS_JSON, "say \"hi\"\t\xff\n",
		       "{\"time\":\"" TIME
		       "\",\"level\":\"info\",\"msg\":\"say \\\"hi\\\"\\t\xef\xbf\xbd\"," ADDED);
	assert_becomes(WORKER_LOGS_JSON, "\n",
		       "{\"time\":\"" TIME "\",\"level\":\"info\",\"msg\":\"\"," ADDED);
	assert_becomes(WORKER_LOGS_JSON, "[1]\n",
		       "{\"time\":\"" TIME "\",\"level\":\"info\",\"msg\":\"[1]\"," ADDED);
}

static void says_error_for_stderr(void **state)
{
	struct log_lines l = lines(WORKER_LOGS_JSON, true);

	(void)state;
	log_lines_feed(&l, STR("x\n"), TIME);
	log_lines_end(&l, TIME);
	assert_string_equal(seen,
			    "{\"time\":\"" TIME "\",\"level\":\"error\",\"msg\":\"x\",\"worker\":3,"
			    "\"pid\":17,\"stream\":\"stderr\"}\n");
}

static void keeps_objects(void **state)
{
	(void)state;
	assert_becomes(WORKER_LOGS_JSON, "{\"level\":30,\"msg\":\"x\"}\n",
		       "{\"level\":30,\"msg\":\"x\"," ADDED);
	assert_becomes(WORKER_LOGS_JSON, " {\"a\":{\"pid\":1}} \r\n", "{\"a\":{\"pid\":1}," ADDED);
	assert_becomes(WORKER_LOGS_JSON, "{ }\n", "{ " ADDED);
	assert_becomes(WORKER_LOGS_JSON, "{\"pid\":1,\"stream\":0}\n",
		       "{\"pid\":1,\"stream\":0,\"worker\":3}\n");
	assert_becomes(WORKER_LOGS_JSON, "{\"worker\":1,\"pid\":1,\"stream\":0}\n",
		       "{\"worker\":1,\"pid\":1,\"stream\":0}\n");
}

static void embeds_what_only_looks_like_one(void **state)
{
	static const char *const texts[] = { "{", "{]}", "{\"a\":1} x", "{\"a\":\"\xff\"}",
					     "{a:1}" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct log_lines l = lines(WORKER_LOGS_JSON, false);

		log_lines_feed(&l, str_of(texts[i]), TIME);
		log_lines_end(&l, TIME);
		assert_memory_equal(seen, "{\"time\":", 8);
	}
}

static void cuts_long_lines_between_characters(void **state)
{
	size_t n = LOG_LINE_MAX * 2;
	char *text = malloc(n + 1), *second;
	struct log_lines l = lines(WORKER_LOGS_PREFIX, false);

	(void)state;
	assert_non_null(text);
	text[0] = 'x';
	for (size_t i = 1; i + 1 < n; i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	text[n - 1] = 'y';
	text[n] = '\n';
	log_lines_feed(&l, (struct str){ text, n + 1 }, TIME);
	second = strchr(seen, '\n');
	assert_int_equal(second - seen, 4 + LOG_LINE_MAX - 1);
	assert_memory_equal(second + 1, "[3] \xc3\xa9", 6);
	assert_memory_equal(seen + seen_len - 6, "[3] y\n", 6);
	log_lines_end(&l, TIME);

	l = lines(WORKER_LOGS_JSON, false);
	log_lines_feed(&l, (struct str){ text, n + 1 }, TIME);
	log_lines_feed(&l, STR("{}\n"), TIME);
	log_lines_end(&l, TIME);
	assert_non_null(strstr(seen, "\"stream\":\"stdout\",\"partial\":true}\n{"));
	assert_null(strstr(strstr(seen, "\"msg\":\"y\""), "partial"));
	assert_string_equal(seen + seen_len - strlen("{" ADDED), "{" ADDED);
	free(text);
}

static void a_sidecar_has_its_name(void **state)
{
	static const char text[] = "one\n{\"a\":1}\n{\"worker\":7,\"sidecar\":8}\n";
	struct log_lines l = lines(WORKER_LOGS_PREFIX, false);

	(void)state;
	l.sidecar = "shipper";
	log_lines_feed(&l, (struct str){ text, 4 }, TIME);
	assert_string_equal(seen, "[shipper] one\n");
	log_lines_end(&l, TIME);
	l = lines(WORKER_LOGS_JSON, true);
	l.sidecar = "shipper";
	log_lines_feed(&l, str_of(text), TIME);
	assert_string_equal(seen,
			    "{\"time\":\"" TIME
			    "\",\"level\":\"error\",\"msg\":\"one\",\"sidecar\":\"shipper\","
			    "\"pid\":17,\"stream\":\"stderr\"}\n"
			    "{\"a\":1,\"sidecar\":\"shipper\",\"pid\":17,\"stream\":\"stderr\"}\n"
			    "{\"worker\":7,\"sidecar\":8,\"pid\":17,\"stream\":\"stderr\"}\n");
	log_lines_end(&l, TIME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sidecar_has_its_name),
		cmocka_unit_test(prefixes_lines),
		cmocka_unit_test(aligns_prefixes_for_people),
		cmocka_unit_test(has_a_date_before_it),
		cmocka_unit_test(wraps_text),
		cmocka_unit_test(says_error_for_stderr),
		cmocka_unit_test(keeps_objects),
		cmocka_unit_test(embeds_what_only_looks_like_one),
		cmocka_unit_test(cuts_long_lines_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
