/* The rings of the scoreboard: what is read while init writes, and what is left of long runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "ipc/scoreboard.h"

enum { BEGIN = 50000, RACES = 200000 };

static struct scoreboard *board;

static int set_up(void **state)
{
	(void)state;
	board = scoreboard_private();
	assert_non_null(board);
	counter_set(&board->wanted, 2);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	scoreboard_unmap(board);
	return 0;
}

static uint64_t beat(uint64_t now_ms)
{
	history_look(board, now_ms);
	return now_ms + 1000;
}

static void a_step_has_what_was_counted_in_it(void **state)
{
	uint64_t now_ms = BEGIN;
	struct history_step s;

	(void)state;
	counter_set(&board->relay_messages, 7); /* before */
	for (unsigned i = 0; i < 5; i++) {
		now_ms = beat(now_ms);
		counter_add(&board->relay_messages, 2);
		counter_add(&board->routers[0].responses[5], 1);
	}
	assert_int_equal(history_span(board).count, 0);
	s = history_current(board, now_ms);
	assert_int_equal(s.counted[HISTORY_BROADCASTS], 10);
	(void)beat(now_ms);
	assert_int_equal(history_span(board).count, 1);
	s = history_step(board, history_span(board).first);
	assert_int_equal(s.took_ms, 5000);
	assert_int_equal(s.end_ms, BEGIN + 5000);
	assert_int_equal(s.counted[HISTORY_BROADCASTS], 10);
	assert_int_equal(s.counted[HISTORY_ERRORS], 5);
	assert_int_equal(s.counted[HISTORY_REQUESTS], 0);
}

/* An init that slept has a longer step, not more of it a second. */
static void a_late_beat_makes_a_longer_step(void **state)
{
	struct history_step s;

	(void)state;
	(void)beat(BEGIN);
	counter_add(&board->relay_messages, 60);
	(void)beat(BEGIN + 60000);
	s = history_step(board, history_span(board).first);
	assert_int_equal(s.took_ms, 60000);
	assert_int_equal(s.counted[HISTORY_BROADCASTS], 60);
}

static void of_lag_the_largest_is_kept(void **state)
{
	static const unsigned lags[] = { 3, 900, 4, 5, 6 };
	uint64_t now_ms = BEGIN;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		counter_set(&board->rows[1].lag_ms, lags[i]);
		now_ms = beat(now_ms);
	}
	counter_set(&board->rows[1].lag_ms, 2);
	for (unsigned i = 0; i < 6; i++)
		now_ms = beat(now_ms);
	assert_int_equal(history_span(board).count, 2);
	assert_int_equal(history_lag_ms(board, 0, 0), 0);
	assert_int_equal(history_lag_ms(board, 1, 0), 900);
	assert_int_equal(history_lag_ms(board, 1, 1), 2);
}

/* The row of a worker that is not there any more, and then is again, has nothing of long ago. */
static void a_slot_that_comes_back_has_no_old_lag(void **state)
{
	uint64_t now_ms = BEGIN;

	(void)state;
	counter_set(&board->rows[1].lag_ms, 900);
	for (unsigned i = 0; i < 5 * HISTORY_PLACES; i++)
		now_ms = beat(now_ms);
	counter_set(&board->wanted, 1);
	for (unsigned i = 0; i < 5 * HISTORY_PLACES; i++)
		now_ms = beat(now_ms);
	for (unsigned i = 0; i < HISTORY_STEPS; i++)
		assert_int_equal(history_lag_ms(board, 1, history_span(board).first + i), 0);
}

static void sixty_steps_are_kept(void **state)
{
	uint64_t now_ms = BEGIN;
	struct history_span span;

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		counter_add(&board->routers[0].requests, i / 5); /* in step i / 5 */
		now_ms = beat(now_ms);
	}
	span = history_span(board);
	assert_int_equal(span.count, HISTORY_STEPS);
	assert_int_equal(span.first, 999 - HISTORY_STEPS);
	for (unsigned i = 1; i < span.count; i++)
		assert_int_equal(
		    history_step(board, span.first + i).counted[HISTORY_REQUESTS] -
			history_step(board, span.first + i - 1).counted[HISTORY_REQUESTS],
		    5);
}

static struct death death_of(uint64_t i)
{
	struct death d;
	uint64_t numbers[DEATH_NUMBERS];

	for (unsigned k = 0; k < DEATH_NUMBERS; k++)
		numbers[k] = i;
	memcpy(&d, numbers, sizeof(d));
	return d;
}

static void the_last_deaths_are_kept_newest_first(void **state)
{
	struct death read[DEATHS_MAX];

	(void)state;
	assert_int_equal(deaths_read(&board->deaths, read), 0);
	for (uint64_t i = 1; i <= 100; i++) {
		struct death d = death_of(i);

		deaths_add(&board->deaths, &d);
		assert_int_equal(deaths_read(&board->deaths, read),
				 i < DEATHS_MAX ? i : DEATHS_MAX);
		assert_int_equal(read[0].pid, i);
	}
	for (unsigned i = 0; i < DEATHS_MAX; i++)
		assert_int_equal(read[i].signal, 100 - i);
}

static _Atomic bool is_over;

static void *write_deaths(void *arg)
{
	(void)arg;
	for (uint64_t i = 1; i <= RACES; i++) {
		struct death d = death_of(i);

		deaths_add(&board->deaths, &d);
	}
	is_over = true;
	return NULL;
}

/* Each has the same number in all of its fields, and they follow each other. */
static void assert_whole(const struct death *read, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct death whole = death_of(read[0].at_ms - i);

		assert_memory_equal(&read[i], &whole, sizeof(whole));
	}
}

static void no_death_is_read_in_part(void **state)
{
	struct death read[DEATHS_MAX];
	pthread_t writer;

	(void)state;
	is_over = false;
	assert_int_equal(pthread_create(&writer, NULL, write_deaths, NULL), 0);
	while (!is_over)
		assert_whole(read, deaths_read(&board->deaths, read));
	assert_int_equal(pthread_join(writer, NULL), 0);
	assert_whole(read, deaths_read(&board->deaths, read));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_step_has_what_was_counted_in_it),
		TEST(a_late_beat_makes_a_longer_step),
		TEST(of_lag_the_largest_is_kept),
		TEST(a_slot_that_comes_back_has_no_old_lag),
		TEST(sixty_steps_are_kept),
		TEST(the_last_deaths_are_kept_newest_first),
		TEST(no_death_is_read_in_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
