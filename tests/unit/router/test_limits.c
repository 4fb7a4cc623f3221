/* Visitors and tokens of router/client/limits.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "router/client/limits.h"

static struct visitor *enter(struct visitors *l, const char *text, uint32_t max)
{
	struct ip ip;

	assert_int_equal(ip_parse(str_of(text), &ip), 0);
	return visitor_enter(l, &ip, max);
}

static void counts_by_address(void **state)
{
	struct visitors l = { 0 };
	struct visitor *a = enter(&l, "1.2.3.4", 2), *b = enter(&l, "1.2.3.4", 2), *other, *none;

	(void)state;
	assert_non_null(a);
	assert_ptr_equal(a, b);
	none = enter(&l, "1.2.3.4", 2);
	assert_null(none);
	visitor_leave(&l, &none);
	other = enter(&l, "1.2.3.5", 2);
	assert_non_null(other);
	visitor_leave(&l, &a);
	assert_null(a);
	a = enter(&l, "1.2.3.4", 2);
	assert_non_null(a);
	visitor_leave(&l, &a);
	visitor_leave(&l, &b);
	visitor_leave(&l, &other);
	assert_null(l.by_key);
}

static void counts_ipv6_by_network(void **state)
{
	struct visitors l = { 0 };
	struct visitor *a = enter(&l, "2001:db8::1", 1), *b = enter(&l, "2001:db8:0:1::1", 1);

	(void)state;
	assert_non_null(a);
	assert_null(enter(&l, "2001:db8::ffff", 1));
	assert_non_null(b);
	visitor_leave(&l, &a);
	visitor_leave(&l, &b);
}

enum { OTHER_ROUTERS = 2 };

static struct scoreboard *board_of_all(void)
{
	struct scoreboard *b = scoreboard_map(scoreboard_create());

	assert_non_null(b);
	counter_set(&b->n_routers, 1 + OTHER_ROUTERS);
	return b;
}

static struct visitors router_of(struct scoreboard *b, unsigned router)
{
	struct visitors vs = { 0 };

	visitors_share(&vs, b, router);
	return vs;
}

static void counts_at_all_routers(void **state)
{
	struct scoreboard *b = board_of_all();
	struct visitors here = router_of(b, 0), there = router_of(b, 1);
	struct visitor *a = enter(&here, "1.2.3.4", 2), *c = enter(&there, "1.2.3.4", 2), *other;

	(void)state;
	assert_non_null(a);
	assert_non_null(c);
	assert_null(enter(&here, "1.2.3.4", 2));
	assert_null(enter(&there, "1.2.3.4", 2));
	other = enter(&there, "::102:304:0:0:0:1", 1);
	assert_non_null(other);
	visitor_leave(&here, &a);
	assert_null(here.by_key);
	a = enter(&there, "1.2.3.4", 2);
	assert_ptr_equal(a, c);
	assert_null(enter(&here, "1.2.3.4", 2));
	assert_null(here.by_key);
	visitor_leave(&there, &a);
	visitor_leave(&there, &c);
	visitor_leave(&there, &other);
	scoreboard_unmap(b);
}

static void a_router_that_is_alone_writes_nothing(void **state)
{
	struct scoreboard *b = board_of_all();
	struct visitors vs = { 0 };
	struct visitor *a;

	(void)state;
	counter_set(&b->n_routers, 1);
	visitors_share(&vs, b, 0);
	a = enter(&vs, "1.2.3.4", 1);
	assert_null(a->cell);
	assert_null(enter(&vs, "1.2.3.4", 1));
	visitor_leave(&vs, &a);
	scoreboard_unmap(b);
}

static void killed_with_two_visitors(struct scoreboard *b)
{
	struct visitors vs = router_of(b, 1);

	if (enter(&vs, "1.2.3.4", 3) && enter(&vs, "1.2.3.4", 3))
		(void)raise(SIGKILL);
	_exit(1);
}

static void a_killed_routers_part_is_freed(void **state)
{
	struct scoreboard *b = board_of_all();
	struct visitors here = router_of(b, 0), next;
	struct visitor *a, *c;
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		killed_with_two_visitors(b);
	assert_int_equal(wait(&status), pid);
	assert_true(WIFSIGNALED(status));
	assert_null(enter(&here, "1.2.3.4", 2));
	scoreboard_router_ended(b, 1);
	next = router_of(b, 1);
	a = enter(&here, "1.2.3.4", 2);
	c = enter(&next, "1.2.3.4", 2);
	assert_non_null(a);
	assert_non_null(c);
	assert_null(enter(&here, "1.2.3.4", 2));
	visitor_leave(&here, &a);
	visitor_leave(&next, &c);
	scoreboard_unmap(b);
}

enum { CROWD = 2 * TALLY_SETS * TALLY_WAYS };

static struct ip nth(uint32_t i)
{
	uint32_t net = htonl(0x0a000000 + i);

	return ip_of_v4(&net);
}

/* More addresses than the table has cells: those that found no room are limited by each router. */
static void a_full_table_refuses_nobody(void **state)
{
	static struct visitor *held[CROWD];
	struct scoreboard *b = board_of_all();
	struct visitors here = router_of(b, 0), there = router_of(b, 1);
	unsigned seen = 0;

	(void)state;
	for (uint32_t i = 0; i < CROWD; i++) {
		struct ip ip = nth(i);

		held[i] = visitor_enter(&here, &ip, 1);
		assert_non_null(held[i]);
		assert_null(visitor_enter(&here, &ip, 1));
	}
	for (uint32_t i = 0; i < CROWD; i++) {
		struct ip ip = nth(i);
		struct visitor *v = visitor_enter(&there, &ip, 1);

		assert_int_equal(!v, held[i]->cell != NULL);
		seen += !v;
		visitor_leave(&there, &v);
	}
	assert_in_range(seen, CROWD / 4, CROWD / 2);
	for (uint32_t i = 0; i < CROWD; i++)
		visitor_leave(&here, &held[i]);
	assert_null(here.by_key);
	held[0] = enter(&there, "10.0.0.1", 1);
	assert_non_null(held[0]);
	visitor_leave(&there, &held[0]);
	scoreboard_unmap(b);
}

static void a_worker_has(struct scoreboard *b, const char *text, uint32_t n)
{
	uint64_t key;
	struct ip ip;

	assert_int_equal(ip_parse(str_of(text), &ip), 0);
	key = visitor_key(&ip);
	while (n--)
		assert_true(tally_add_one(scoreboard_websockets(b, key), key));
}

static void websockets_at_workers_count(void **state)
{
	struct scoreboard *b = board_of_all();
	struct visitors vs = router_of(b, 0);
	struct visitor *v;

	(void)state;
	counter_set(&b->n_routers, 1);
	visitors_share(&vs, b, 0);
	a_worker_has(b, "1.2.3.4", 2);
	assert_null(enter(&vs, "1.2.3.4", 2));
	assert_int_equal(counter_get(&b->routers[0].visitors_refused), 1);
	v = enter(&vs, "1.2.3.4", 3);
	assert_non_null(v);
	visitor_leave(&vs, &v);
	v = enter(&vs, "1.2.3.5", 1);
	assert_non_null(v);
	visitor_leave(&vs, &v);
	scoreboard_unmap(b);
}

/* Between the router, which has sent it, and init, which has not read that. */
static void one_on_its_way_to_init_counts_once(void **state)
{
	struct scoreboard *b = board_of_all();
	struct visitors vs = router_of(b, 0);
	struct visitor *v;

	(void)state;
	for (int i = 0; i < 3; i++) {
		v = enter(&vs, "1.2.3.4", 3);
		assert_non_null(v);
		visitor_hand_over(&vs, &v);
		assert_null(v);
	}
	assert_null(enter(&vs, "1.2.3.4", 3));
	for (uint32_t received = 1; received <= 3; received++) {
		a_worker_has(b, "1.2.3.4", 1);
		counter_set(&b->websockets_received[0], received);
		assert_null(enter(&vs, "1.2.3.4", 3));
		v = enter(&vs, "1.2.3.4", 4);
		assert_non_null(v);
		visitor_leave(&vs, &v);
	}
	assert_null(vs.by_key);
	visitor_hand_over(&vs, &v); /* one that does not count */
	assert_int_equal(vs.n_handed_over, 3);
	scoreboard_unmap(b);
}

/* Its predecessor's that init has not received it never will. */
static void the_next_router_begins_where_init_is(void **state)
{
	struct scoreboard *b = board_of_all();
	struct visitors first = router_of(b, 0), next;
	struct visitor *v = enter(&first, "1.2.3.4", 1);

	(void)state;
	visitor_hand_over(&first, &v);
	assert_non_null(first.by_key);
	visitors_close(&first);
	assert_null(first.by_key);
	next = router_of(b, 0);
	v = enter(&next, "1.2.3.4", 1);
	assert_non_null(v);
	visitor_hand_over(&next, &v);
	counter_set(&b->websockets_received[0], 1);
	v = enter(&next, "1.2.3.4", 1);
	assert_non_null(v);
	visitor_leave(&next, &v);
	assert_null(next.by_key);
	scoreboard_unmap(b);
}

static void who_returns_counts_whatever_the_limit(void **state)
{
	struct visitors vs = { 0 };
	struct visitor *a = enter(&vs, "1.2.3.4", 1), *again = visitor_return(&vs, a->key);

	(void)state;
	assert_ptr_equal(a, again);
	assert_int_equal(a->n, 2);
	assert_null(visitor_return(&vs, 0));
	visitor_leave(&vs, &a);
	visitor_leave(&vs, &again);
	assert_null(vs.by_key);
}

static void every_address_has_a_key(void **state)
{
	struct ip none = { 0 }, loopback = none, v4;

	(void)state;
	loopback.byte[15] = 1;
	assert_int_equal(ip_parse(STR("0.0.0.0"), &v4), 0);
	assert_true(visitor_key(&none) != 0);
	assert_int_equal(visitor_key(&none), visitor_key(&loopback));
	assert_true(visitor_key(&v4) != visitor_key(&none));
}

static unsigned begin(struct visitors *vs, const char *text, uint64_t now)
{
	unsigned n = 0;
	struct ip ip;

	assert_int_equal(ip_parse(str_of(text), &ip), 0);
	while (n < 1000 && visitor_may_begin(vs, &ip, 10, 25, now))
		n++;
	return n;
}

static void each_address_begins_at_its_rate_at_all_routers(void **state)
{
	struct scoreboard *b = board_of_all();
	struct visitors here = router_of(b, 0), there = router_of(b, 1), alone = { 0 };
	struct ip ip = { 0 };

	(void)state;
	assert_int_equal(begin(&here, "1.2.3.4", 5000), 25);
	assert_int_equal(begin(&there, "1.2.3.4", 5000), 0);
	assert_true(there.told_rate);
	assert_int_equal(begin(&there, "1.2.3.5", 5000), 25);
	assert_int_equal(begin(&there, "1.2.3.4", 6000), 10);
	assert_int_equal(begin(&here, "2001:db8::1", 5000), 25);
	assert_int_equal(begin(&here, "2001:db8::2", 5000), 0);
	assert_true(visitor_may_begin(&here, &ip, 0, 0, 0));
	assert_int_equal(begin(&alone, "1.2.3.4", 5000), 1000);
	scoreboard_unmap(b);
}

/* Ten times as many addresses as there is room for: none is refused for what others did. */
static void a_full_table_of_rates_refuses_nobody(void **state)
{
	struct scoreboard *b = board_of_all();
	struct visitors vs = router_of(b, 0);

	(void)state;
	for (uint32_t i = 0; i < 10 * RATE_SETS * RATE_WAYS; i++) {
		struct ip ip = nth(i);

		assert_true(visitor_may_begin(&vs, &ip, 1, 1, 1000));
		assert_false(visitor_may_begin(&vs, &ip, 1, 1, 1000));
	}
	scoreboard_unmap(b);
}

static unsigned take(counter *bucket, uint32_t rate, uint32_t burst, uint64_t now)
{
	unsigned n = 0;

	while (n < 1000 && limits_take_token(bucket, rate, burst, now))
		n++;
	return n;
}

static void fills_the_bucket(void **state)
{
	counter b = 0, slow = 0, none = 0, even = 0, most = 0;
	const uint64_t years = 1ull << 40;
	unsigned n = 0;

	(void)state;
	assert_int_equal(take(&b, 10, 25, 5000), 25);
	assert_int_equal(take(&b, 10, 25, 5000), 0);
	assert_int_equal(take(&b, 10, 25, 5099), 0);
	assert_int_equal(take(&b, 10, 25, 5100), 1);
	assert_int_equal(take(&b, 10, 25, 6100), 10);
	assert_int_equal(take(&b, 10, 25, 6099), 0); /* another router's clock is behind */
	assert_int_equal(take(&b, 10, 25, years), 25);
	counter_set(&b, UINT64_MAX); /* a router that writes anything */
	assert_int_equal(take(&b, 10, 25, years), 25);
	assert_int_equal(take(&b, 10, 25, years), 0);
	assert_int_equal(take(&slow, 3, 0, 0), 3);
	assert_int_equal(take(&slow, 3, 0, 1), 0);
	assert_int_equal(take(&none, 0, 0, 1), 1000);
	assert_int_equal(take(&most, UINT32_MAX, 1, 1), 1000);
	assert_int_equal(take(&most, 1, UINT32_MAX, years), 1000);
	for (uint64_t now = 1; now <= 10001; now++)
		n += limits_take_token(&even, 50, 1, now);
	assert_int_equal(n, 501);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_by_address),
		cmocka_unit_test(counts_ipv6_by_network),
		cmocka_unit_test(counts_at_all_routers),
		cmocka_unit_test(a_router_that_is_alone_writes_nothing),
		cmocka_unit_test(a_killed_routers_part_is_freed),
		cmocka_unit_test(a_full_table_refuses_nobody),
		cmocka_unit_test(websockets_at_workers_count),
		cmocka_unit_test(one_on_its_way_to_init_counts_once),
		cmocka_unit_test(the_next_router_begins_where_init_is),
		cmocka_unit_test(who_returns_counts_whatever_the_limit),
		cmocka_unit_test(every_address_has_a_key),
		cmocka_unit_test(each_address_begins_at_its_rate_at_all_routers),
		cmocka_unit_test(a_full_table_of_rates_refuses_nobody),
		cmocka_unit_test(fills_the_bucket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
