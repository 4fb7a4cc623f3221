/* Reports of a board: what is read of the processes, and boards that somebody has written over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "ipc/control.h"
#include "ipc/report.h"

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
		TEST(a_board_that_is_written_over_gives_wrong_numbers_at_worst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
