/* Sockets that a worker has, counted by client until they end, however they end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "init/supervisor/websockets.h"

enum { A = 7, B = 8 };

static uv_loop_t loop;
static struct scoreboard *board;
static struct websockets ws;
static int listener;
static struct sockaddr_in addr = { .sin_family = AF_INET };

static int set_up(void **state)
{
	socklen_t len = sizeof(addr);

	(void)state;
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	addr.sin_port = 0;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(listener, 64), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&addr, &len), 0);
	assert_int_equal(uv_loop_init(&loop), 0);
	board = scoreboard_private();
	websockets_init(&ws, &loop, board);
	assert_true(ws.on);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	websockets_close(&ws);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	scoreboard_unmap(board);
	fd_close(&listener);
	return 0;
}

static uint32_t count(uint64_t visitor)
{
	return tally_get(scoreboard_websockets(board, visitor), visitor);
}

static void turn(void)
{
	(void)uv_run(&loop, UV_RUN_NOWAIT);
}

/* Every set is read. */
static void recount(void)
{
	websockets_recount(&ws);
	while (ws.unread)
		turn();
}

struct connection {
	int client, worker; /* our descriptor is closed, as init's is */
};

static void give(uint64_t visitor, struct connection *c)
{
	int fd;

	c->client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(c->client, (struct sockaddr *)&addr, sizeof(addr)), 0);
	fd = accept(listener, NULL, NULL);
	c->worker = dup(fd);
	assert_true(c->worker >= 0);
	assert_int_equal(websockets_on_their_way(&ws, 0, visitor), visitor);
	websockets_taken(&ws, visitor, fd);
	fd_close(&fd);
}

static void end(struct connection *c)
{
	fd_close(&c->client);
	fd_close(&c->worker);
}

static void both_ends_said_goodbye(void **state)
{
	struct connection a, b;

	(void)state;
	give(A, &a);
	give(B, &b);
	assert_int_equal(count(A), 1);
	assert_int_equal(shutdown(a.client, SHUT_WR), 0);
	turn();
	assert_int_equal(count(A), 1); /* it may still listen */
	assert_int_equal(shutdown(a.worker, SHUT_WR), 0);
	turn();
	assert_int_equal(count(A), 0);
	assert_int_equal(count(B), 1);
	recount();
	assert_int_equal(count(A), 0); /* though the worker has not closed it */
	end(&a);
	end(&b);
}

static void a_reset_is_an_end(void **state)
{
	struct linger at_once = { 1, 0 };
	struct connection a;

	(void)state;
	give(A, &a);
	assert_int_equal(setsockopt(a.client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
	fd_close(&a.client);
	turn();
	assert_int_equal(count(A), 0);
	end(&a);
}

static void what_the_worker_closed_is_seen_by_a_recount(void **state)
{
	struct connection a[3], b;

	(void)state;
	for (int i = 0; i < 3; i++)
		give(A, &a[i]);
	give(B, &b);
	fd_close(&a[1].worker);
	turn();
	assert_int_equal(count(A), 3);
	recount();
	assert_int_equal(count(A), 2);
	assert_int_equal(count(B), 1);
	fd_close(&a[0].worker);
	fd_close(&b.worker);
	recount();
	assert_int_equal(count(A), 1);
	assert_int_equal(count(B), 0);
	for (int i = 0; i < 3; i++)
		end(&a[i]);
	end(&b);
}

static void a_recount_waits_for_somebody_who_is_refused(void **state)
{
	struct connection a;

	(void)state;
	give(A, &a);
	fd_close(&a.worker);
	websockets_look(&ws);
	assert_int_equal(ws.unread, 0);
	counter_add(&board->routers[0].visitors_refused, 1);
	websockets_look(&ws);
	while (ws.unread)
		turn();
	assert_int_equal(count(A), 0);
	websockets_look(&ws);
	assert_int_equal(ws.unread, 0);
	end(&a);
}

static void one_that_comes_back_counts_no_more(void **state)
{
	(void)state;
	assert_int_equal(websockets_on_their_way(&ws, 3, A), A);
	assert_int_equal(count(A), 1);
	assert_int_equal(counter_get(&board->websockets_received[3]), 1);
	websockets_returned(&ws, A);
	assert_int_equal(count(A), 0);
	assert_int_equal(counter_get(&board->websockets_received[3]), 1);
}

static void nobody_is_counted_nowhere(void **state)
{
	(void)state;
	assert_int_equal(websockets_on_their_way(&ws, 0, 0), 0);
	websockets_taken(&ws, 0, -1);
	websockets_returned(&ws, 0);
	assert_int_equal(counter_get(&board->websockets_received[0]), 0);
}

static void what_cannot_be_registered_is_not_counted(void **state)
{
	(void)state;
	assert_int_equal(websockets_on_their_way(&ws, 0, A), A);
	websockets_taken(&ws, A, -1);
	assert_int_equal(count(A), 0);
	assert_true(ws.told);
}

/* The descriptors' numbers come again, for other sockets. */
static void numbers_may_be_used_again(void **state)
{
	struct connection c[8];

	(void)state;
	for (int i = 0; i < 8; i++)
		give(A, &c[i]);
	assert_int_equal(count(A), 8);
	for (int i = 0; i < 8; i++)
		end(&c[i]);
	recount();
	assert_int_equal(count(A), 0);
}

enum { MANY = 3 * WEBSOCKET_SET_MAX };

static void many_have_sets_enough_and_no_more(void **state)
{
	static struct connection c[MANY];

	(void)state;
	for (unsigned i = 0; i < MANY; i++)
		give(i % 3 + 1, &c[i]);
	assert_int_equal(ws.n_sets, 3);
	for (uint64_t visitor = 1; visitor <= 3; visitor++)
		assert_int_equal(count(visitor), WEBSOCKET_SET_MAX);
	for (unsigned i = 0; i < MANY; i++)
		if (i % 3 == 1)
			end(&c[i]);
	recount();
	assert_int_equal(count(1), WEBSOCKET_SET_MAX);
	assert_int_equal(count(2), 0);
	for (unsigned i = 0; i < MANY; i++)
		if (i % 3 != 1)
			end(&c[i]);
	recount();
	for (uint64_t visitor = 1; visitor <= 3; visitor++)
		assert_int_equal(count(visitor), 0);
}

/* Nobody is refused, no worker ends: a full set makes room by itself. */
static void those_that_come_and_go_need_one_set(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8 * WEBSOCKET_SET_MAX; i++) {
		struct connection c;

		give(A, &c);
		fd_close(&c.worker);
		fd_close(&c.client);
	}
	assert_int_equal(ws.n_sets, 1);
	assert_in_range(count(A), 1, WEBSOCKET_SET_MAX);
	recount();
	assert_int_equal(count(A), 0);
}

static void a_router_is_told_even_when_nothing_is_counted(void **state)
{
	(void)state;
	websockets_close(&ws);
	assert_int_equal(websockets_on_their_way(&ws, 0, A), 0);
	assert_int_equal(counter_get(&board->websockets_received[0]), 1);
	assert_int_equal(count(A), 0);
}

static void without_descriptors_nothing_is_counted(void **state)
{
	struct rlimit before, none;
	struct websockets other;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ 0, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	websockets_init(&other, &loop, board);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_false(other.on);
	turn();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(both_ends_said_goodbye),
		TEST(a_reset_is_an_end),
		TEST(what_the_worker_closed_is_seen_by_a_recount),
		TEST(a_recount_waits_for_somebody_who_is_refused),
		TEST(one_that_comes_back_counts_no_more),
		TEST(nobody_is_counted_nowhere),
		TEST(what_cannot_be_registered_is_not_counted),
		TEST(numbers_may_be_used_again),
		TEST(many_have_sets_enough_and_no_more),
		TEST(those_that_come_and_go_need_one_set),
		TEST(a_router_is_told_even_when_nothing_is_counted),
		TEST(without_descriptors_nothing_is_counted),
	};

	(void)fd_raise_limit();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
