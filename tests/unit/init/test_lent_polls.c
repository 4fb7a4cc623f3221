/* Polls that wait, and which router gets them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "init/supervisor/core.h"

enum { ROUTERS = 2, TOKEN = 7 };

static struct init *in;

static void on_message(struct control *c, const struct control_msg *m, int fd)
{
	(void)c;
	(void)m;
	fd_close(&fd);
}

static void on_end(struct control *c, int err)
{
	(void)c;
	(void)err;
}

static const struct control_ops ops = { on_message, on_end };

static int set_up(void **state)
{
	(void)state;
	in = calloc(1, sizeof(*in));
	assert_non_null(in);
	assert_int_equal(uv_loop_init(&in->loop), 0);
	in->board = scoreboard_private();
	in->routers.n = ROUTERS;
	for (unsigned i = 0; i < ROUTERS; i++)
		in->routers.list[i] =
		    (struct router_process){ .routers = &in->routers, .index = i };
	lent_polls_init(&in->lent_polls, in->board);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)uv_run(&in->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&in->loop), 0);
	scoreboard_unmap(in->board);
	free(in);
	return 0;
}

/* The far ends of both connections. */
static void park(unsigned router, uint32_t worker, int ret_far[PARK_N])
{
	for (uint32_t side = 0; side < PARK_N; side++) {
		struct control_msg m = { .type = CONTROL_PARK,
					 .token = TOKEN,
					 .worker = worker,
					 .kind = side,
					 .visitor = worker + 10,
					 .address = { worker + 20, worker + 30 },
					 .tls = 1 };
		int sv[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
		ret_far[side] = sv[1];
		lent_polls_take(&in->lent_polls, router, &m, sv[0]);
	}
}

static bool is_open(int far)
{
	char c;

	return recv(far, &c, 1, MSG_DONTWAIT) < 0;
}

static void close_both(int fds[PARK_N])
{
	for (int side = 0; side < PARK_N; side++)
		fd_close(&fds[side]);
}

static uint64_t n_parked(void)
{
	return counter_get(&in->board->parked);
}

static bool give(struct router_process *r, const struct control_msg *m, int fd)
{
	assert_int_equal(control_send(r->channel, m, fd), 0);
	return true;
}

/* What a router that is up is given, as told to it. */
static unsigned given_to(unsigned router, uint32_t ret_workers[2 * PARK_N])
{
	struct router_process *r = &in->routers.list[router];
	struct control channel;
	char packet[CONTROL_PACKET_MAX];
	struct control_msg m;
	unsigned n = 0;
	ssize_t size;
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(control_init(&channel, &in->loop, sv[0], &ops), 0);
	r->channel = &channel;
	lent_polls_give(&in->lent_polls, router, r, give);
	control_flush(&channel);
	while ((size = recv(sv[1], packet, sizeof(packet), MSG_DONTWAIT)) > 0) {
		assert_int_equal(control_decode((struct str){ packet, (size_t)size }, &m), 0);
		assert_int_equal(m.type, CONTROL_ADOPT);
		assert_int_equal(m.kind, n % PARK_N);
		assert_int_equal(m.visitor, m.worker + 10);
		assert_int_equal(m.address[0], m.worker + 20);
		assert_int_equal(m.address[1], m.worker + 30);
		assert_int_equal(m.tls, 1);
		ret_workers[n++] = m.worker;
	}
	r->channel = NULL;
	control_close(&channel, NULL);
	(void)uv_run(&in->loop, UV_RUN_DEFAULT);
	fd_close(&sv[1]);
	return n;
}

static void routers_that_count_alike_are_kept_apart(void **state)
{
	int first[PARK_N], second[PARK_N];

	(void)state;
	park(0, 1, first);
	park(1, 2, second);
	assert_int_equal(n_parked(), 2);
	assert_true(is_open(first[PARK_CLIENT]) && is_open(first[PARK_UPSTREAM]));
	lent_polls_drop(&in->lent_polls, 1, TOKEN);
	assert_int_equal(n_parked(), 1);
	assert_true(is_open(first[PARK_CLIENT]) && is_open(first[PARK_UPSTREAM]));
	assert_false(is_open(second[PARK_CLIENT]) || is_open(second[PARK_UPSTREAM]));
	lent_polls_drop(&in->lent_polls, 0, TOKEN);
	assert_int_equal(n_parked(), 0);
	close_both(first);
	close_both(second);
}

static void each_is_given_once_to_the_next_in_its_place(void **state)
{
	int first[PARK_N], second[PARK_N];
	uint32_t workers[2 * PARK_N];

	(void)state;
	park(0, 1, first);
	park(1, 2, second);
	assert_int_equal(given_to(1, workers), PARK_N);
	assert_int_equal(workers[PARK_CLIENT], 2);
	assert_int_equal(workers[PARK_UPSTREAM], 2);
	assert_int_equal(n_parked(), 1);
	assert_int_equal(given_to(1, workers), 0);
	assert_int_equal(given_to(0, workers), PARK_N);
	assert_int_equal(workers[PARK_CLIENT], 1);
	assert_int_equal(n_parked(), 0);
	close_both(first);
	close_both(second);
}

/* A router was killed between its two messages. */
static void half_a_poll_is_given_to_nobody(void **state)
{
	struct control_msg m = { .type = CONTROL_PARK, .token = TOKEN, .kind = PARK_CLIENT };
	uint32_t workers[2 * PARK_N];
	int sv[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	lent_polls_take(&in->lent_polls, 0, &m, sv[0]);
	assert_int_equal(given_to(0, workers), 0);
	assert_int_equal(n_parked(), 0);
	assert_false(is_open(sv[1]));
	fd_close(&sv[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(routers_that_count_alike_are_kept_apart),
		TEST(each_is_given_once_to_the_next_in_its_place),
		TEST(half_a_poll_is_given_to_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
