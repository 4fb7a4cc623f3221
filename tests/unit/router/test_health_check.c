/* Health checks of a worker that serves, as the router makes them and tells init of them. The
 * worker is this test: a listener, or the far end of a pair. Time is the test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "ipc/session_memory.h"
#include "router/backend/lifecycle.h"
#include "router/backend/load.h"
#include "router/backend/upstream.h"
#include "router/backend/workers.h"
#include "router/session/table.h"
#include "tests/unit/clock.h"

enum { INTERVAL_MS = 5000, LOOK_MS = 250, LONG_MS = 3600000, SESSIONS = 10, TURNS = 10 };

#define GOOD "HTTP/1.1 204 No Content\r\n\r\n"
#define UNAVAILABLE "HTTP/1.1 503 Service Unavailable\r\n\r\n"

static struct router_conf conf;
static uv_loop_t uv;
static struct loop loop;
static struct backend backend;
static struct control router_side;
static struct control init_side;
static struct control_msg told; /* the last CONTROL_HEALTH */
static unsigned n_told;
static int far_end;     /* of the last pair handed over, or -1 */
static uv_idle_t awake; /* so that a turn does not wait for a timer */
static int listener;
static char path[64];

static void on_message(struct control *c, const struct control_msg *m, int fd)
{
	(void)c;
	fd_close(&far_end);
	far_end = fd;
	if (m->type != CONTROL_HEALTH)
		return;
	told = *m;
	n_told++;
}

static void on_end(struct control *c, int err)
{
	(void)c;
	(void)err;
}

static const struct control_ops ops = { on_message, on_end };

static void on_awake(uv_idle_t *h)
{
	(void)h;
}

static void one_turn_only(void *ctx)
{
	loop_stop(ctx);
}

static void turn(void)
{
	for (int i = 0; i < TURNS; i++) {
		loop.stopped = false;
		loop_run(&loop, one_turn_only, &loop);
	}
}

static void pass(uint64_t ms)
{
	clock_advance(ms);
	turn();
}

static void worker_is(enum worker_state state, enum worker_style style)
{
	struct control_msg m = { .type = CONTROL_WORKER,
				 .worker = 7,
				 .pid = 0,
				 .text = str_of(style == WORKER_STYLE_UNIX ? path : ""),
				 .style = style,
				 .state = state };

	workers_update(&backend, &m);
	turn();
}

/* A unix socket: what one side does the other sees at once. */
static void listen_with(int backlog)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	(void)snprintf(path, sizeof(path), "/tmp/sioinit-health-%d", (int)getpid());
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listener, backlog), 0);
}

static int setup(void **state)
{
	int sv[2];

	(void)state;
	conf = (struct router_conf){ .health_path = "/well",
				     .health_interval_ms = INTERVAL_MS,
				     .upstream = UPSTREAM_UNIX };
	backend = (struct backend){ .loop = &loop,
				    .conf = &conf,
				    .init = &router_side,
				    .shared = scoreboard_private(),
				    .pair_listener = -1,
				    .own_network = { .maker = -1 } };
	backend.board = backend.shared->routers;
	n_told = 0;
	listener = far_end = -1;
	assert_int_equal(uv_loop_init(&uv), 0);
	assert_int_equal(loop_init(&loop, &uv), 0);
	load_init(&backend);
	upstreams_init(&backend);
	assert_int_equal(
	    sessions_open(session_memory_create(SESSIONS), SESSIONS, &backend.sessions), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv), 0);
	assert_int_equal(control_init(&router_side, &uv, sv[0], &ops), 0);
	assert_int_equal(control_init(&init_side, &uv, sv[1], &ops), 0);
	(void)uv_idle_init(&uv, &awake);
	(void)uv_idle_start(&awake, on_awake);
	listen_with(8);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	workers_free_all(&backend);
	load_deinit(&backend);
	upstreams_deinit(&backend);
	control_close(&router_side, NULL);
	control_close(&init_side, NULL);
	uv_close((uv_handle_t *)&awake, NULL);
	turn();
	loop_deinit(&loop);
	assert_int_equal(uv_loop_close(&uv), 0);
	sessions_close(backend.sessions);
	scoreboard_unmap(backend.shared);
	(void)unlink(path);
	fd_close(&listener);
	fd_close(&far_end);
	return 0;
}

/* The next question, or -1: nobody asks. */
static int take_question(void)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	turn();
	return fd;
}

static void assert_asked(int fd)
{
	char request[256] = "";

	assert_true(fd >= 0);
	assert_true(read(fd, request, sizeof(request) - 1) > 0);
	assert_string_equal(request,
			    "GET /well HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
}

static void say(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	turn();
}

static void answer(const char *text)
{
	auto_fd int fd = take_question();

	assert_asked(fd);
	say(fd, text);
}

static void assert_told(enum health_answer a, uint32_t status, uint32_t waited_ms)
{
	assert_true(n_told > 0);
	assert_int_equal(told.worker, 7);
	assert_int_equal(told.state, a);
	assert_int_equal(told.kind, status);
	assert_int_equal(told.waited_ms, waited_ms);
}

static void one_that_serves_is_asked_at_once_and_every_interval(void **state)
{
	(void)state;
	worker_is(WORKER_READY, WORKER_STYLE_UNIX);
	answer(GOOD);
	assert_told(HEALTH_GOOD, 204, 0);
	pass(INTERVAL_MS - 1);
	assert_int_equal(take_question(), -1);
	assert_int_equal(n_told, 1);
	pass(1);
	answer(UNAVAILABLE);
	assert_told(HEALTH_BAD, 503, 0);
	worker_is(WORKER_SUSPECT, WORKER_STYLE_UNIX);
	pass(INTERVAL_MS);
	answer(GOOD);
	assert_told(HEALTH_GOOD, 204, 0);
	assert_int_equal(n_told, 3);
}

static void what_an_open_question_has_waited_is_told_again_and_again(void **state)
{
	auto_fd int fd = -1;

	(void)state;
	worker_is(WORKER_READY, WORKER_STYLE_UNIX);
	fd = take_question();
	assert_asked(fd);
	assert_int_equal(n_told, 0);
	for (uint32_t i = 1; i <= 100; i++) { /* for longer than the interval */
		pass(LOOK_MS);
		assert_int_equal(n_told, i);
		assert_told(HEALTH_OPEN, 0, i * LOOK_MS);
	}
	assert_int_equal(take_question(), -1); /* one at a time */
	pass(100);
	say(fd, GOOD);
	assert_told(HEALTH_GOOD, 204, 100 * LOOK_MS + 100);
	turn(); /* late already */
	answer(GOOD);
	assert_told(HEALTH_GOOD, 204, 0);
}

static void time_that_the_router_slept_does_not_count(void **state)
{
	auto_fd int fd = -1;

	(void)state;
	worker_is(WORKER_READY, WORKER_STYLE_UNIX);
	fd = take_question();
	pass(LONG_MS);
	assert_told(HEALTH_OPEN, 0, 2 * LOOK_MS);
	clock_advance(LONG_MS);
	say(fd, GOOD);
	assert_in_range(told.waited_ms, 2 * LOOK_MS, 4 * LOOK_MS);
}

static void nobody_there_and_no_answer_are_bad(void **state)
{
	static const char *const nonsense[] = { "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 2x0 OK\r\n" };
	int fd;

	(void)state;
	worker_is(WORKER_READY, WORKER_STYLE_UNIX);
	fd = take_question();
	assert_asked(fd);
	fd_close(&fd);
	turn();
	assert_told(HEALTH_BAD, 0, 0);
	for (size_t i = 0; i < 2; i++) {
		n_told = 0;
		pass(INTERVAL_MS);
		answer(nonsense[i]);
		assert_told(HEALTH_BAD, 0, 0);
	}
	n_told = 0;
	fd_close(&listener);
	pass(INTERVAL_MS);
	assert_told(HEALTH_BAD, 0, 0);
	assert_int_equal(n_told, 1);
}

static void half_a_status_line_and_a_reset_are_bad(void **state)
{
	int fd;

	(void)state;
	worker_is(WORKER_READY, WORKER_STYLE_UNIX);
	fd = take_question();
	assert_int_equal(write(fd, GOOD, 10), 10);
	fd_close(&fd); /* with the question unread: a reset */
	turn();
	assert_told(HEALTH_BAD, 0, 0);
}

/* So that the worker sees no reset. */
static void the_rest_of_the_answer_is_read(void **state)
{
	enum { REST = 1 << 20 };
	static const char rest[REST];
	size_t left = REST;
	auto_fd int fd = -1;
	ssize_t n;
	char byte;

	(void)state;
	worker_is(WORKER_READY, WORKER_STYLE_UNIX);
	fd = take_question();
	assert_asked(fd);
	say(fd, GOOD);
	while (left) {
		n = write(fd, rest, left);
		assert_true(n > 0);
		left -= (size_t)n;
		turn();
	}
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	pass(INTERVAL_MS); /* the next question: the last one is closed */
	assert_int_equal(read(fd, &byte, 1), 0);
	assert_int_equal(n_told, 1);
}

static void a_full_backlog_is_silence(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	auto_fd int first = socket(AF_UNIX, SOCK_STREAM, 0), fd = -1;

	(void)state;
	fd_close(&listener);
	(void)unlink(path);
	listen_with(0);
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	assert_int_equal(connect(first, (struct sockaddr *)&a, sizeof(a)), 0);
	worker_is(WORKER_READY, WORKER_STYLE_UNIX);
	assert_int_equal(n_told, 0);
	pass(LOOK_MS);
	assert_told(HEALTH_OPEN, 0, LOOK_MS);
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(fd >= 0);
	pass(LOOK_MS);
	assert_told(HEALTH_OPEN, 0, 2 * LOOK_MS);
	answer(GOOD);
	assert_told(HEALTH_GOOD, 204, 2 * LOOK_MS);
	(void)unlink(path);
	pass(INTERVAL_MS);
	assert_told(HEALTH_BAD, 0, 0);
}

static void one_that_has_no_port_gets_an_end_of_a_pair(void **state)
{
	(void)state;
	worker_is(WORKER_READY, WORKER_STYLE_LISTEN);
	assert_asked(far_end);
	say(far_end, UNAVAILABLE);
	assert_told(HEALTH_BAD, 503, 0);
}

static void one_that_drains_is_not_asked(void **state)
{
	auto_fd int fd = -1;
	char byte;

	(void)state;
	worker_is(WORKER_SPAWNED, WORKER_STYLE_UNKNOWN);
	assert_int_equal(far_end, -1);
	worker_is(WORKER_READY, WORKER_STYLE_UNIX);
	fd = take_question();
	assert_asked(fd);
	worker_is(WORKER_DRAINING, WORKER_STYLE_UNIX);
	assert_int_equal(read(fd, &byte, 1), 0);
	pass(10 * INTERVAL_MS);
	assert_int_equal(take_question(), -1);
	assert_int_equal(n_told, 0);
}

static void nobody_asks_without_path_or_interval_or_in_other_routers(void **state)
{
	(void)state;
	conf.health_interval_ms = 0;
	worker_is(WORKER_READY, WORKER_STYLE_UNIX);
	conf = (struct router_conf){ .health_interval_ms = INTERVAL_MS };
	worker_is(WORKER_SUSPECT, WORKER_STYLE_UNIX);
	conf.health_path = "/well";
	backend.index = 1;
	worker_is(WORKER_READY, WORKER_STYLE_UNIX);
	pass(INTERVAL_MS);
	assert_int_equal(take_question(), -1);
	assert_int_equal(n_told, 0);
}

#define CHECK(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CHECK(one_that_serves_is_asked_at_once_and_every_interval),
		CHECK(what_an_open_question_has_waited_is_told_again_and_again),
		CHECK(time_that_the_router_slept_does_not_count),
		CHECK(nobody_there_and_no_answer_are_bad),
		CHECK(half_a_status_line_and_a_reset_are_bad),
		CHECK(the_rest_of_the_answer_is_read),
		CHECK(a_full_backlog_is_silence),
		CHECK(one_that_has_no_port_gets_an_end_of_a_pair),
		CHECK(one_that_drains_is_not_asked),
		CHECK(nobody_asks_without_path_or_interval_or_in_other_routers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
