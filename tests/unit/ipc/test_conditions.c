/* Each condition on a board of its own: when it holds, since when, and when it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "ipc/conditions.h"
#include "ipc/control.h"
#include "ipc/worker_end.h"

enum { NOW = 1000000, READY_MS = 20000, HANG_MS = 30000 };

static struct scoreboard *board;
static struct conditions found;

/* Two workers that serve, for a long time. */
static int set_up(void **state)
{
	(void)state;
	board = scoreboard_private();
	assert_non_null(board);
	counter_set(&board->started_ms, 1);
	counter_set(&board->beat_ms, NOW - 500);
	counter_set(&board->phase, PHASE_SERVING);
	counter_set(&board->ready_timeout_ms, READY_MS);
	counter_set(&board->hang_timeout_ms, HANG_MS);
	counter_set(&board->wanted, 2);
	for (unsigned i = 0; i < 2; i++) {
		counter_set(&board->rows[i].pid, 100 + i);
		counter_set(&board->rows[i].state, WORKER_READY);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	scoreboard_unmap(board);
	return 0;
}

static const struct condition *find(const char *id)
{
	conditions_find(board, NOW, &found);
	for (unsigned i = 0; i < found.n; i++)
		if (strcmp(found.list[i].id, id) == 0)
			return &found.list[i];
	return NULL;
}

/* It is the only one. */
static void assert_is(const char *id, enum condition_severity severity, int slot, double since_s)
{
	const struct condition *c = find(id);

	assert_non_null(c);
	assert_int_equal(found.n, 1);
	assert_int_equal(c->severity, severity);
	assert_int_equal(c->slot, slot);
	assert_true(c->since_s == since_s);
	assert_true(strlen(c->text) > 10);
	assert_int_equal(conditions_are_ok(&found), severity == CONDITION_INFO);
}

static void assert_well(void)
{
	conditions_find(board, NOW, &found);
	assert_int_equal(found.n, 0);
	assert_true(conditions_are_ok(&found));
}

static void set_state(unsigned slot, enum worker_state state, uint64_t ago_ms)
{
	counter_set(&board->rows[slot].state, state);
	counter_set(&board->rows[slot].state_since_ms, NOW - ago_ms);
}

static void die(unsigned slot, enum worker_end_reason reason, uint64_t ago_ms)
{
	deaths_add(&board->deaths,
		   &(struct death){ .at_ms = NOW - ago_ms, .slot = slot, .reason = reason });
}

static void all_is_well(void **state)
{
	(void)state;
	assert_well();
}

static void init_is_silent_after_ten_seconds(void **state)
{
	(void)state;
	counter_set(&board->beat_ms, NOW - 10000);
	assert_well();
	counter_set(&board->beat_ms, NOW - 12000);
	assert_is("init-silent", CONDITION_ERROR, -1, 12);
	counter_set(&board->beat_ms, 0); /* a board that nobody has begun */
	assert_well();
}

static void none_is_ready(void **state)
{
	(void)state;
	set_state(0, WORKER_BOOTING, 100);
	assert_well();
	set_state(1, WORKER_DEAD, 100);
	counter_set(&board->unserved_since_ms, NOW - 1500);
	assert_is("no-worker-ready", CONDITION_ERROR, -1, 1.5);
	counter_set(&board->rows[0].done, 1);
	assert_is("no-worker-ready", CONDITION_ERROR, -1, 1.5);
	counter_set(&board->rows[1].done, 1); /* as they should */
	assert_well();
	counter_set(&board->rows[1].done, 0);
	counter_set(&board->phase, PHASE_DRAINING); /* the stop is no fault */
	assert_well();
}

static void some_are_missing_for_longer_than_a_start_may_take(void **state)
{
	(void)state;
	set_state(0, WORKER_BOOTING, 100);
	counter_set(&board->missing_since_ms, NOW - READY_MS);
	assert_well();
	counter_set(&board->missing_since_ms, NOW - READY_MS - 1000);
	assert_is("workers-missing", CONDITION_WARN, -1, 21);
	assert_string_equal(found.list[0].text, "1 of 2 workers are ready");
	counter_set(&board->ready_timeout_ms, 0); /* off: 30 s */
	assert_well();
	counter_set(&board->missing_since_ms, NOW - 31000);
	assert_is("workers-missing", CONDITION_WARN, -1, 31);
	set_state(0, WORKER_SUSPECT, 0); /* late, but there */
	assert_null(find("workers-missing"));
}

static void a_worker_is_suspect_or_hangs(void **state)
{
	(void)state;
	set_state(1, WORKER_SUSPECT, 2500);
	counter_set(&board->rows[1].lag_ms, 2000);
	assert_is("suspect", CONDITION_WARN, 1, 2.5);
	counter_set(&board->rows[1].lag_ms, 10000);
	assert_is("hanging", CONDITION_ERROR, 1, 10);
	counter_set(&board->rows[1].lag_ms, 9000);
	assert_is("suspect", CONDITION_WARN, 1, 2.5);
	counter_set(&board->hang_timeout_ms, 8000); /* then half of it */
	assert_is("hanging", CONDITION_ERROR, 1, 9);
	set_state(1, WORKER_BOOTING, 0);
	assert_well();
}

static void three_ends_in_a_minute_are_flapping(void **state)
{
	(void)state;
	die(1, WORKER_END_EXIT, 61000);
	die(1, WORKER_END_EXIT, 40000);
	die(1, WORKER_END_FORCED, 39000); /* was asked to end */
	die(0, WORKER_END_EXIT, 30000);
	die(1, WORKER_END_SIGNAL, 2000);
	assert_well();
	die(1, WORKER_END_HANG, 1000);
	assert_is("flapping", CONDITION_ERROR, 1, 40);
	assert_string_equal(found.list[0].text, "worker 1 has ended 3 times in the last minute");
}

static void many_that_fail_by_turns_are_flapping(void **state)
{
	(void)state;
	counter_set(&board->wanted, 8);
	for (unsigned i = 0; i < 8; i++) {
		counter_set(&board->rows[i].pid, 100 + i);
		counter_set(&board->rows[i].state, WORKER_READY);
	}
	for (unsigned i = 0; i < DEATHS_MAX; i++)
		die(i % 8, WORKER_END_EXIT, 20000 - i * 1000);
	assert_is("flapping", CONDITION_ERROR, -1, 20);
}

static void memory_is_nearly_used_up(void **state)
{
	(void)state;
	counter_set(&board->memory_used, 899 << 20);
	assert_well(); /* no limit */
	counter_set(&board->memory_limit, 1000 << 20);
	assert_well();
	counter_set(&board->memory_used, 900 << 20);
	counter_set(&board->memory_high_since_ms, NOW - 3000);
	assert_is("memory-high", CONDITION_WARN, -1, 3);
}

static void the_relay_is_behind(void **state)
{
	(void)state;
	counter_set(&board->relay_max, 100);
	counter_set(&board->relay_used, 49);
	counter_set(&board->rows[1].backlog, 30);
	assert_well();
	counter_set(&board->relay_used, 50);
	assert_is("relay-backlog", CONDITION_WARN, 1, -1);
}

static void a_worker_had_to_leave_the_relay(void **state)
{
	(void)state;
	counter_set(&board->rows[0].evicted_ms, NOW - 59000);
	assert_is("relay-evicted", CONDITION_WARN, 0, 59);
	counter_set(&board->rows[0].evicted_ms, NOW - 60000);
	assert_well();
}

static void a_reload_has_failed(void **state)
{
	(void)state;
	counter_set(&board->reload_last, RELOADED_OK);
	assert_well();
	counter_set(&board->reload_last, RELOADED_FAILED);
	counter_set(&board->reload_last_ms, NOW - 7000);
	assert_is("reload-failed", CONDITION_WARN, -1, 7);
}

static void stages_of_the_end(void **state)
{
	(void)state;
	counter_set(&board->drain_since_ms, NOW - 4000);
	counter_set(&board->drain_stage, DRAIN_HELD);
	counter_set(&board->phase, PHASE_LAME_DUCK);
	assert_is("held", CONDITION_WARN, -1, 4);
	for (unsigned stage = DRAIN_LAME_DUCK; stage <= DRAIN_GOODBYE; stage++) {
		counter_set(&board->drain_stage, stage);
		assert_is("lame-duck", CONDITION_INFO, -1, 4);
	}
	counter_set(&board->phase, PHASE_DRAINING);
	for (unsigned stage = DRAIN_DRAINING; stage <= DRAIN_STOPPING; stage++) {
		counter_set(&board->drain_stage, stage);
		assert_is("draining", CONDITION_INFO, -1, 4);
	}
}

static void the_start_is_told(void **state)
{
	(void)state;
	counter_set(&board->phase, PHASE_STARTING);
	set_state(0, WORKER_BOOTING, 0);
	set_state(1, WORKER_SPAWNED, 0);
	counter_set(&board->started_ms, NOW - 1000);
	counter_set(&board->missing_since_ms, NOW - 1000);
	assert_is("starting", CONDITION_INFO, -1, 1);
}

/* @n of both a second, from @begin_ms for @seconds, as init counts them. */
static void count(counter *of, unsigned n, uint64_t begin_ms, unsigned seconds)
{
	for (unsigned s = 0; s < seconds; s++) {
		history_look(board, begin_ms + s * 1000);
		counter_add(of, n);
	}
}

static void requests_are_refused(void **state)
{
	(void)state;
	count(&board->routers[0].no_worker, 0, NOW - 100000, 40);
	count(&board->routers[0].no_worker, 3, NOW - 60000, 5); /* a step that ends 55 s ago */
	count(&board->routers[0].no_worker, 0, NOW - 55000, 56);
	assert_is("no-worker-refusals", CONDITION_ERROR, -1, 60);
	assert_non_null(strstr(found.list[0].text, "take them: 15"));
	count(&board->routers[0].no_worker, 0, NOW + 1000, 10);
	conditions_find(board, NOW + 6000, &found);
	assert_int_equal(found.n, 0);
}

static void a_refusal_is_told_at_once(void **state)
{
	(void)state;
	history_look(board, NOW - 300);
	counter_add(&board->routers[0].no_worker, 1);
	assert_is("no-worker-refusals", CONDITION_ERROR, -1, 0.3);
}

static void who_came_before_the_first_worker_is_no_trouble(void **state)
{
	(void)state;
	history_look(board, NOW - 2000);
	counter_add(&board->routers[0].no_worker, 7);
	counter_set(&board->first_ready_ms, NOW - 1000);
	conditions_find(board, NOW, &found);
	assert_int_equal(found.n, 0);
	history_look(board, NOW + 4000);
	counter_add(&board->routers[0].no_worker, 1);
	conditions_find(board, NOW + 4500, &found);
	assert_string_equal(found.list[0].id, "no-worker-refusals");
}

static void many_sessions_are_unknown(void **state)
{
	struct scoreboard_router *r = &board->routers[0];

	(void)state;
	history_look(board, NOW - 1000);
	counter_add(&r->sid_misses, 19);
	counter_add(&r->requests, 100);
	assert_well();
	counter_add(&r->sid_misses, 1);
	assert_is("session-misses", CONDITION_WARN, -1, 1);
	counter_add(&r->requests, 200); /* few, of so many */
	assert_well();
	counter_add(&r->sid_misses, 100);
	counter_set(&board->started_ms, NOW - 119000); /* they come back after a restart */
	assert_well();
}

static void the_gravest_come_first_and_there_is_an_end(void **state)
{
	(void)state;
	counter_set(&board->wanted, SCOREBOARD_ROWS);
	for (unsigned i = 0; i < SCOREBOARD_ROWS; i++) {
		counter_set(&board->rows[i].pid, 100 + i);
		counter_set(&board->rows[i].state, WORKER_SUSPECT);
	}
	counter_set(&board->drain_stage, DRAIN_HELD);
	counter_set(&board->beat_ms, 1);
	conditions_find(board, NOW, &found);
	assert_int_equal(found.n, CONDITIONS_MAX);
	assert_int_equal(found.left_out, SCOREBOARD_ROWS + 2 - CONDITIONS_MAX);
	assert_string_equal(found.list[0].id, "init-silent");
	for (unsigned i = 1; i < found.n; i++)
		assert_true(found.list[i].severity >= found.list[i - 1].severity);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_is_well),
		TEST(init_is_silent_after_ten_seconds),
		TEST(none_is_ready),
		TEST(some_are_missing_for_longer_than_a_start_may_take),
		TEST(a_worker_is_suspect_or_hangs),
		TEST(three_ends_in_a_minute_are_flapping),
		TEST(many_that_fail_by_turns_are_flapping),
		TEST(memory_is_nearly_used_up),
		TEST(the_relay_is_behind),
		TEST(a_worker_had_to_leave_the_relay),
		TEST(a_reload_has_failed),
		TEST(stages_of_the_end),
		TEST(the_start_is_told),
		TEST(requests_are_refused),
		TEST(a_refusal_is_told_at_once),
		TEST(who_came_before_the_first_worker_is_no_trouble),
		TEST(many_sessions_are_unknown),
		TEST(the_gravest_come_first_and_there_is_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
