/* Reports of a board: what is read of the processes, and boards that somebody has written over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "ipc/control.h"
#include "ipc/report.h"
#include "ipc/worker_end.h"

enum { OUT_MAX = 1 << 20, SCRIBBLES = 4 };

static struct scoreboard *board;
static struct buf out;

static int set_up(void **state)
{
	(void)state;
	board = scoreboard_private();
	assert_non_null(board);
	out = BUF_INIT(OUT_MAX);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	buf_free(&out);
	scoreboard_unmap(board);
	return 0;
}

static const char *metrics(void)
{
	out.len = 0;
	assert_int_equal(report_metrics(board, METRICS_TEXT, REPORT_PROCESS, &out), 0);
	assert_int_equal(buf_append(&out, "", 1), 0);
	return out.p;
}

static double value_of(const char *name)
{
	const char *at = strstr(metrics(), name);

	assert_non_null(at);
	return strtod(at + strlen(name), NULL);
}

static void put_ourselves(unsigned slot)
{
	counter_set(&board->wanted, slot + 1);
	counter_set(&board->rows[slot].pid, (uint64_t)getpid());
	counter_set(&board->rows[slot].state, WORKER_READY);
}

static double resident_bytes(void)
{
	unsigned long size, resident;
	FILE *f = fopen("/proc/self/statm", "re");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu %lu", &size, &resident), 2);
	(void)fclose(f);
	return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

/* Any name is one: Node's process.title sets it. */
static void memory_is_found_whatever_the_name_of_the_process(void **state)
{
	static const char *const names[] = { "node",        "api (1)", "a) R 1 (b",
					     ") S 1 2 3 4", "(((",     "\n) R\n" };

	(void)state;
	put_ourselves(0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		double said, is;

		assert_int_equal(prctl(PR_SET_NAME, names[i]), 0);
		said = value_of("sioinit_worker_resident_memory_bytes{worker=\"0\"} ");
		is = resident_bytes();
		assert_true(said > is / 2 && said < is * 2);
	}
}

static void a_process_that_is_gone_has_no_memory(void **state)
{
	(void)state;
	put_ourselves(0);
	counter_set(&board->rows[0].pid, UINT64_MAX);
	assert_true(value_of("sioinit_worker_resident_memory_bytes{worker=\"0\"} ") == 0);
	assert_true(value_of("sioinit_worker_ready{worker=\"0\"} ") == 1);
}

static void sidecars_have_rows(void **state)
{
	struct scoreboard_sidecar *row = &board->sidecars[0];

	(void)state;
	assert_null(strstr(metrics(), "sioinit_sidecar_"));
	(void)snprintf(row->name, sizeof(row->name), "shipper");
	counter_set(&row->pid, (uint64_t)getpid());
	counter_set(&row->state, SIDECAR_RUNNING);
	counter_set(&row->starts, 3);
	counter_set(&board->n_sidecars, 1);
	assert_true(value_of("sioinit_sidecar_running{sidecar=\"shipper\"} ") == 1);
	assert_true(value_of("sioinit_sidecar_starts_total{sidecar=\"shipper\"} ") == 3);
	assert_true(value_of("sioinit_sidecar_resident_memory_bytes{sidecar=\"shipper\"} ") > 0);
	out.len = 0;
	assert_int_equal(report_json(board, &out), 0);
	assert_int_equal(report_table(board, &out), 0);
	assert_int_equal(buf_append(&out, "", 1), 0);
	assert_non_null(strstr(out.p, "\"sidecars\":[{\"name\":\"shipper\",\"pid\":"));
	assert_non_null(strstr(out.p, "\nshipper "));
}

/* Not the names of workers alone: a host has any bytes, and a board that is written over any. */
static void assert_json_is_whole(void)
{
	json_error_t err;
	json_t *json;

	out.len = 0;
	assert_int_equal(report_json(board, &out), 0);
	json = json_loadb(out.p, out.len, JSON_DECODE_INT_AS_REAL, &err);
	if (!json)
		fail_msg("%s at %d", err.text, err.position);
	assert_true(json_is_array(json_object_get(json, "workers")));
	json_decref(json);
}

static void any_bytes_in_names_are_json(void **state)
{
	(void)state;
	put_ourselves(0);
	memcpy(board->host, "a\"b\\\n\xff\xc3", 8);
	memcpy(board->sidecars[0].name, "\"}\x80", 4);
	counter_set(&board->n_sidecars, 1);
	assert_json_is_whole();
	memset(board->host, 0xff, sizeof(board->host));
	memset(board->sidecars[0].name, 0x1f, sizeof(board->sidecars[0].name));
	assert_json_is_whole();
}

static void deaths_are_told_in_words(void **state)
{
	static const struct {
		struct death death;
		const char *text;
	} told[] = {
		{ { .reason = WORKER_END_EXIT, .code = 1, .lived_ms = 3000, .was_ready = 1 },
		  "exit code 1 after 3s" },
		{ { .reason = WORKER_END_EXIT, .code = 1, .lived_ms = 200000 },
		  "exit code 1 after 3m, not ready yet" },
		{ { .reason = WORKER_END_SIGNAL, .signal = 11, .lived_ms = 4000, .was_ready = 1 },
		  "SIGSEGV after 4s" },
		{ { .reason = WORKER_END_HANG,
		    .signal = 9,
		    .lived_ms = 60000,
		    .silent_ms = 30000,
		    .was_ready = 1 },
		  "killed: event loop silent for 30s, after 60s" },
		{ { .reason = WORKER_END_OOM, .signal = 9, .lived_ms = 7200000, .was_ready = 1 },
		  "out of memory (cgroup) after 2h" },
		{ { .reason = 77, .signal = 1u << 31, .lived_ms = 1, .was_ready = 1 },
		  "SIG648 after 0s" },
	};
	char text[REPORT_DEATH_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		report_death_text(&told[i].death, text);
		assert_string_equal(text, told[i].text);
	}
}

static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static void scribble(uint64_t seed)
{
	uint64_t *words = (uint64_t *)(void *)board;

	for (size_t i = 0; i < sizeof(*board) / sizeof(*words); i++)
		words[i] = next_random(&seed);
}

static int text(const struct scoreboard *b, struct buf *to)
{
	return report_metrics(b, METRICS_TEXT, 0, to);
}

static int openmetrics(const struct scoreboard *b, struct buf *to)
{
	return report_metrics(b, METRICS_OPENMETRICS, REPORT_PROCESS | REPORT_END, to);
}

static void read_all(void)
{
	int (*const reports[])(const struct scoreboard *,
			       struct buf *) = { report_table, report_json, text, openmetrics };

	for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++) {
		out.len = 0;
		assert_int_equal(reports[i](board, &out), 0);
		assert_true(out.len > 0);
	}
	assert_json_is_whole();
	for (unsigned slot = 0; slot < SCOREBOARD_ROWS; slot++) {
		(void)scoreboard_has_clients(board, slot, slot);
		(void)scoreboard_claim_base(board, slot, slot, 7);
	}
	for (uint64_t key = 0; key < 1000; key++)
		(void)tally_get(&board->routers[key % ROUTERS_MAX].visitors, key);
	for (unsigned router = 0; router < ROUTERS_MAX; router++)
		scoreboard_router_ended(board, router);
}

static void a_board_that_is_written_over_gives_wrong_numbers_at_worst(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SCRIBBLES; seed++) {
		scribble(seed * 0x9e3779b97f4a7c15u);
		read_all();
	}
	memset((void *)board, 0xff, sizeof(*board));
	read_all();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(memory_is_found_whatever_the_name_of_the_process),
		TEST(a_process_that_is_gone_has_no_memory),
		TEST(sidecars_have_rows),
		TEST(any_bytes_in_names_are_json),
		TEST(deaths_are_told_in_words),
		TEST(a_board_that_is_written_over_gives_wrong_numbers_at_worst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
