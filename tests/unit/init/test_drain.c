/* The pace at which a worker's client sockets are closed. This process is the worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>

#include "base/fd.h"
#include "init/listen/frontend.h"
#include "init/worker/drain.h"
#include "tests/unit/clock.h"

enum { CLIENTS_MAX = 100, TICK_MS = 20, TICK_OF_A_SECOND = 1000 / TICK_MS };

static uv_loop_t loop;
static struct drain drain;
static struct frontend frontend;
static int listener;
static int clients[CLIENTS_MAX], accepted[CLIENTS_MAX];
static unsigned n_clients, n_done;

static int listen_somewhere(struct sockaddr_storage *ret)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(*ret);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, CLIENTS_MAX), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)ret, &len), 0);
	return fd;
}

static int connect_to(int fd, int *ret_accepted)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	int client = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&a, len), 0);
	*ret_accepted = accept(fd, NULL, NULL);
	assert_true(*ret_accepted >= 0);
	return client;
}

static int setup(void **state)
{
	(void)state;
	n_clients = n_done = 0;
	assert_int_equal(uv_loop_init(&loop), 0);
	drain_init(&drain, &loop);
	frontend = (struct frontend){ .n_http = 1, .admin = -1 };
	listener = listen_somewhere(&frontend.http[0].at);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	drain_stop(&drain);
	for (unsigned i = 0; i < n_clients; i++) {
		fd_close(&clients[i]);
		fd_close(&accepted[i]);
	}
	fd_close(&listener);
	uv_close((uv_handle_t *)&drain.timer, NULL);
	loop_turn(&loop);
	return uv_loop_close(&loop);
}

static void connect_clients(unsigned n)
{
	for (; n_clients < n; n_clients++)
		clients[n_clients] = connect_to(listener, &accepted[n_clients]);
}

static bool is_open(int client)
{
	struct pollfd p = { .fd = client, .events = POLLRDHUP };

	return poll(&p, 1, 0) == 0;
}

static unsigned n_open(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < n_clients; i++)
		n += is_open(clients[i]);
	return n;
}

static void on_done(struct drain *d)
{
	(void)d;
	n_done++;
}

static void start(size_t most, uint32_t ms)
{
	drain_start(&drain, getpid(), &frontend, most, ms, on_done);
	loop_turn(&loop);
}

static void evenly_over_the_time(void **state)
{
	unsigned per_tick = CLIENTS_MAX / TICK_OF_A_SECOND;

	(void)state;
	connect_clients(CLIENTS_MAX);
	start(SIZE_MAX, 1000);
	for (unsigned gone = per_tick; gone < CLIENTS_MAX; gone += per_tick) {
		assert_int_equal(n_open(), CLIENTS_MAX - gone);
		assert_int_equal(n_done, 0);
		loop_advance(&loop, TICK_MS);
	}
	assert_int_equal(n_open(), 0);
	assert_int_equal(n_done, 1);
	loop_advance(&loop, 10000);
	assert_int_equal(n_done, 1);
}

static void few_are_not_spread(void **state)
{
	(void)state;
	connect_clients(3);
	start(SIZE_MAX, 60000);
	for (unsigned left = 2; left > 0; left--) {
		assert_int_equal(n_open(), left);
		loop_advance(&loop, TICK_MS);
	}
	assert_int_equal(n_done, 1);
}

static void without_time_all_at_once(void **state)
{
	(void)state;
	connect_clients(CLIENTS_MAX);
	start(SIZE_MAX, 0);
	assert_int_equal(n_open(), 0);
	assert_int_equal(n_done, 1);
}

static void no_more_than_asked_for(void **state)
{
	(void)state;
	connect_clients(CLIENTS_MAX);
	start(10, 1000);
	loop_advance(&loop, 1000);
	for (int i = 0; i < TICK_OF_A_SECOND; i++)
		loop_advance(&loop, TICK_MS);
	assert_int_equal(n_open(), CLIENTS_MAX - 10);
	assert_int_equal(n_done, 1);
}

static void what_is_not_a_clients_stays(void **state)
{
	struct sockaddr_storage at;
	int elsewhere, near, far;

	(void)state;
	elsewhere = listen_somewhere(&at);
	near = connect_to(elsewhere, &far);
	connect_clients(1);
	start(SIZE_MAX, 0);
	assert_int_equal(n_open(), 0);
	assert_true(is_open(near));
	fd_close(&near);
	fd_close(&far);
	fd_close(&elsewhere);
}

static void nobody_to_wait_for(void **state)
{
	(void)state;
	drain_start(&drain, getpid(), &frontend, SIZE_MAX, 1000, on_done);
	assert_int_equal(n_done, 1);
}

static void a_stop_in_the_middle_closes_no_more(void **state)
{
	(void)state;
	connect_clients(CLIENTS_MAX);
	start(SIZE_MAX, 1000);
	drain_stop(&drain);
	loop_advance(&loop, 1000);
	assert_int_equal(n_open(), CLIENTS_MAX - 2);
	assert_int_equal(n_done, 0);
}

static void hold(uint32_t ms)
{
	connect_clients(CLIENTS_MAX);
	drain_hold(&drain, getpid(), &frontend, NULL, ms);
	for (unsigned i = 0; i < n_clients; i++)
		fd_close(&accepted[i]);
}

static void what_is_held_outlives_the_worker(void **state)
{
	(void)state;
	hold(1000);
	assert_int_equal(n_open(), CLIENTS_MAX);
	drain_held(&drain, 1000, on_done);
	loop_turn(&loop);
	assert_in_range(n_open(), CLIENTS_MAX - 3, CLIENTS_MAX - 1);
	assert_int_equal(n_done, 0);
	for (unsigned i = 0; i < TICK_OF_A_SECOND; i++)
		loop_advance(&loop, TICK_MS);
	assert_int_equal(n_open(), 0);
	assert_int_equal(n_done, 1);
}

static void what_is_held_is_let_go(void **state)
{
	(void)state;
	hold(1000);
	loop_advance(&loop, 999);
	assert_int_equal(n_open(), CLIENTS_MAX);
	loop_advance(&loop, 1);
	assert_int_equal(n_open(), 0);
}

static void they_are_counted(void **state)
{
	(void)state;
	connect_clients(CLIENTS_MAX);
	assert_int_equal(drain_count(getpid(), &frontend), CLIENTS_MAX);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(evenly_over_the_time),
		TEST(few_are_not_spread),
		TEST(without_time_all_at_once),
		TEST(no_more_than_asked_for),
		TEST(what_is_not_a_clients_stays),
		TEST(nobody_to_wait_for),
		TEST(a_stop_in_the_middle_closes_no_more),
		TEST(what_is_held_outlives_the_worker),
		TEST(what_is_held_is_let_go),
		TEST(they_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
