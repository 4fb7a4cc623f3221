/* Deadlines: in order, not before their time, and silent when there is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macros.h"
#include "router/net/deadline.h"
#include "tests/unit/clock.h"

enum { DURATION_MS = 20, N = 4 };

struct thing {
	struct deadline deadline;
	unsigned n_expired;
};

static uv_loop_t loop;
static struct deadline_list list, never;
static struct thing things[N];
static unsigned n_expired, repeats;

static void on_expired(struct deadline *d)
{
	struct thing *t = container_of(d, struct thing, deadline);

	assert_null(d->list);
	t->n_expired++;
	n_expired++;
	if (repeats > 0) {
		repeats--;
		deadline_set(d, &list);
	}
}

static void on_expired_clears_the_next(struct deadline *d)
{
	(void)d;
	n_expired++;
	for (int i = 0; i < N; i++)
		deadline_clear(&things[i].deadline);
}

static int setup(void **state)
{
	(void)state;
	assert_int_equal(uv_loop_init(&loop), 0);
	deadline_list_init(&list, &loop, DURATION_MS, on_expired);
	deadline_list_init(&never, &loop, 0, on_expired);
	for (int i = 0; i < N; i++)
		things[i] = (struct thing){ 0 };
	n_expired = repeats = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	uv_close((uv_handle_t *)&list.timer, NULL);
	uv_close((uv_handle_t *)&never.timer, NULL);
	loop_turn(&loop);
	assert_int_equal(uv_loop_close(&loop), 0);
	return 0;
}

static void set(int i)
{
	deadline_set(&things[i].deadline, &list);
}

static void pass(uint64_t ms)
{
	loop_advance(&loop, ms);
}

static void expire_in_time_and_once(void **state)
{
	(void)state;
	for (int i = 0; i < N; i++)
		set(i);
	pass(DURATION_MS - 1);
	assert_int_equal(n_expired, 0);
	pass(1);
	for (int i = 0; i < N; i++)
		assert_int_equal(things[i].n_expired, 1);
	pass(DURATION_MS * 10);
	assert_int_equal(n_expired, N);
}

static void each_has_its_own_time(void **state)
{
	(void)state;
	set(0);
	pass(5);
	set(1);
	pass(DURATION_MS - 5);
	assert_int_equal(things[0].n_expired, 1);
	assert_int_equal(things[1].n_expired, 0);
	pass(4);
	assert_int_equal(things[1].n_expired, 0);
	pass(1);
	assert_int_equal(things[1].n_expired, 1);
}

static void the_loop_ends_when_all_are_cleared(void **state)
{
	(void)state;
	for (int i = 0; i < N; i++)
		set(i);
	for (int i = 0; i < N; i++)
		deadline_clear(&things[i].deadline);
	deadline_clear(&things[0].deadline);
	pass(DURATION_MS);
	assert_int_equal(n_expired, 0);
	assert_false(uv_loop_alive(&loop));
}

static void setting_again_postpones(void **state)
{
	(void)state;
	set(0);
	set(1);
	pass(DURATION_MS / 2);
	set(0);
	pass(DURATION_MS / 2);
	assert_int_equal(things[0].n_expired, 0);
	assert_int_equal(things[1].n_expired, 1);
	pass(DURATION_MS / 2 - 1);
	assert_int_equal(things[0].n_expired, 0);
	pass(1);
	assert_int_equal(things[0].n_expired, 1);
}

static void renewing_postpones_by_a_sixteenth_at_least(void **state)
{
	(void)state;
	list.duration_ms = 160;
	deadline_renew(&things[0].deadline, &list);
	pass(10);
	deadline_renew(&things[0].deadline, &list); /* so little is not worth it */
	pass(149);
	assert_int_equal(n_expired, 0);
	pass(1);
	assert_int_equal(n_expired, 1);
	deadline_renew(&things[0].deadline, &list);
	pass(11);
	deadline_renew(&things[0].deadline, &list);
	pass(159);
	assert_int_equal(n_expired, 1);
	pass(1);
	assert_int_equal(n_expired, 2);
}

static void renewing_moves_to_another_list(void **state)
{
	(void)state;
	set(0);
	deadline_renew(&things[0].deadline, &never);
	pass(DURATION_MS * 1000);
	assert_int_equal(n_expired, 0);
	deadline_renew(&things[0].deadline, &list);
	pass(DURATION_MS);
	assert_int_equal(n_expired, 1);
}

static void may_be_set_again_when_expired(void **state)
{
	(void)state;
	repeats = 2;
	set(0);
	for (unsigned i = 1; i <= 3; i++) {
		pass(DURATION_MS);
		assert_int_equal(things[0].n_expired, i);
	}
	pass(DURATION_MS);
	assert_int_equal(things[0].n_expired, 3);
}

static void may_clear_others_when_expired(void **state)
{
	(void)state;
	list.on_expired = on_expired_clears_the_next;
	for (int i = 0; i < N; i++)
		set(i);
	pass(DURATION_MS);
	assert_int_equal(n_expired, 1);
}

static void no_duration_is_no_deadline(void **state)
{
	(void)state;
	deadline_set(&things[0].deadline, &never);
	pass(DURATION_MS * 1000);
	assert_int_equal(n_expired, 0);
}

static void moving_to_a_list_without_duration_clears(void **state)
{
	(void)state;
	set(0);
	deadline_set(&things[0].deadline, &never);
	pass(DURATION_MS * 1000);
	assert_int_equal(n_expired, 0);
}

#define DEADLINE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DEADLINE(expire_in_time_and_once),
		DEADLINE(each_has_its_own_time),
		DEADLINE(the_loop_ends_when_all_are_cleared),
		DEADLINE(setting_again_postpones),
		DEADLINE(renewing_postpones_by_a_sixteenth_at_least),
		DEADLINE(renewing_moves_to_another_list),
		DEADLINE(may_be_set_again_when_expired),
		DEADLINE(may_clear_others_when_expired),
		DEADLINE(no_duration_is_no_deadline),
		DEADLINE(moving_to_a_list_without_duration_clears),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
