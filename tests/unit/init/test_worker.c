/* A worker whose channel ends while its process lives on: the sockets on their way to it go back,
 * and the others do not wait for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "init/worker/worker.h"
#include "tests/unit/init/owner.h"

enum { WORKERS = 3, TURNS = 1000 };

static const struct config config;
static uv_loop_t loop;
static struct hub hub;
static struct worker *workers[WORKERS];
static int peers[WORKERS];
static unsigned n_handbacks;
static struct control_msg handback;

static void on_handback(struct worker *w, const struct control_msg *m, int fd)
{
	(void)w;
	assert_true(fcntl(fd, F_GETFD) >= 0);
	fd_close(&fd);
	handback = *m;
	n_handbacks++;
}

static const struct worker_ops ops = OWNER_OPS(on_handback);

static int setup(void **state)
{
	(void)state;
	n_handbacks = 0;
	assert_int_equal(uv_loop_init(&loop), 0);
	hub_init(&hub, SERIAL_JSON, 64 << 20, 0);
	for (uint32_t i = 0; i < WORKERS; i++) {
		int sv[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
		assert_int_equal(fd_set_nonblock(sv[1]), 0);
		peers[i] = sv[1];
		workers[i] = calloc(1, sizeof(*workers[i]));
		assert_non_null(workers[i]);
		*workers[i] =
		    (struct worker){ .ops = &ops, .config = &config, .id = i + 1, .slot = i };
		assert_int_equal(worker_init(workers[i], &loop, sv[0], &hub, false), 0);
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < WORKERS; i++) {
		if (workers[i])
			worker_close(workers[i]);
		fd_close(&peers[i]);
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	return 0;
}

static void turns(void)
{
	for (int i = 0; i < 10; i++)
		(void)uv_run(&loop, UV_RUN_NOWAIT);
}

static ssize_t say(int from, const char *text)
{
	return write(peers[from], text, strlen(text));
}

/* Reads what @who was sent; true when @text is in the last of it. */
static bool hears(int who, const char *text)
{
	static char got[256 << 10];
	ssize_t n = read(peers[who], got, sizeof(got));

	return n > 0 && memmem(got, (size_t)n, text, strlen(text));
}

static void hand_off(int to, uint64_t token)
{
	struct control_msg m = { .type = CONTROL_HANDOFF, .token = token };

	worker_hand_off(workers[to], &m, memfd_create("client", 0));
}

static void open_hand_offs_go_back(void **state)
{
	(void)state;
	hand_off(0, 5);
	turns();
	assert_int_equal(n_handbacks, 0);
	fd_close(&peers[0]);
	for (int i = 0; i < TURNS && n_handbacks == 0; i++)
		turns();
	assert_int_equal(n_handbacks, 1);
	assert_int_equal(handback.type, CONTROL_HANDBACK);
	assert_int_equal(handback.token, 5);
}

/* Node would give the descriptor to the ping. */
static void no_hand_off_overtakes_a_ping(void **state)
{
	(void)state;
	workers[0]->answers_pings = true;
	worker_ping(workers[0]);
	hand_off(0, 7);
	turns();
	assert_true(hears(0, "NODE_HANDLE"));
	assert_false(hears(0, "sticky:connection"));
	assert_true(say(0, "{\"cmd\":\"NODE_HANDLE_NACK\"}\n") > 0);
	turns();
	assert_true(hears(0, "sticky:connection"));
	assert_int_equal(n_handbacks, 0);
}

static void later_hand_offs_go_back_at_once(void **state)
{
	(void)state;
	fd_close(&peers[0]);
	turns();
	hand_off(0, 6);
	assert_int_equal(n_handbacks, 1);
	assert_int_equal(handback.token, 6);
}

/* Their adapters speak: from now on they hear each other. */
static void take_part(void)
{
	for (int i = 0; i < WORKERS; i++) {
		char frame[128];

		(void)snprintf(
		    frame, sizeof(frame),
		    "{\"source\":\"_sio_adapter\",\"uid\":\"u%d\",\"nsp\":\"/\",\"type\":1}\n", i);
		assert_true(say(i, frame) > 0);
		turns();
	}
}

static void broadcast_until_somebody_is_behind(int from)
{
	static char frame[8 << 10]; /* small enough to be written whole or not at all */
	int n =
	    snprintf(frame, sizeof(frame),
		     "{\"source\":\"_sio_adapter\",\"uid\":\"u%d\",\"nsp\":\"/\",\"p\":\"", from);

	memset(frame + n, 'x', sizeof(frame) - (size_t)n);
	memcpy(frame + sizeof(frame) - 4, "\"}\n", 4);
	for (int i = 0; i < TURNS; i++) {
		(void)say(from, frame);
		turns();
		(void)hears(2, "");
	}
}

static void nobody_waits_for_it(void **state)
{
	static const char marker[] = "{\"source\":\"_sio_adapter\",\"uid\":\"u1\",\"nsp\":\"/\","
				     "\"p\":\"marker\"}\n";
	bool heard = false;

	(void)state;
	take_part();
	broadcast_until_somebody_is_behind(1);
	fd_close(&peers[0]);
	for (int i = 0; i < TURNS && !heard; i++) {
		(void)say(1, marker);
		turns();
		heard = hears(2, "marker");
	}
	assert_true(heard);
}

static void what_cannot_be_read_is_passed_over(void **state)
{
	(void)state;
	take_part();
	(void)hears(1, "");
	(void)say(
	    0, "garbage\n\n{\"source\":\"_sio_adapter\",\"uid\":\"u0\",\"nsp\":\"/\",\"p\":1}\n");
	turns();
	assert_true(hears(1, "\"p\":1"));
	assert_int_equal(hub.passed_over.n[HUB_UNREADABLE], 2);
	assert_false(workers[0]->killed);
}

static void ends(int who)
{
	worker_close(workers[who]);
	workers[who] = NULL;
}

/* What a worker had written when it died counts, acknowledgements among it. */
static void the_last_words_are_heard(void **state)
{
	(void)state;
	take_part();
	(void)hears(1, "");
	hand_off(0, 8);
	turns();
	(void)say(0, "{\"cmd\":\"NODE_HANDLE_ACK\"}\n"
		     "{\"source\":\"_sio_adapter\",\"uid\":\"u0\",\"nsp\":\"/\",\"p\":\"last\"}\n");
	worker_read_last_words(workers[0]);
	ends(0);
	turns();
	assert_int_equal(n_handbacks, 0);
	assert_true(hears(1, "\"p\":\"last\"}\n{\"type\":13,\"uid\":\"u0\""));
}

static void one_that_acknowledges_what_it_was_not_sent_is_killed(void **state)
{
	(void)state;
	hand_off(0, 9);
	hand_off(1, 10);
	(void)say(0, "{\"cmd\":\"NODE_HANDLE_ACK\"}\n");
	worker_read_last_words(workers[0]); /* read before anything is written */
	assert_true(workers[0]->killed);
	assert_int_equal(n_handbacks, 0);
	ends(0);
	assert_int_equal(n_handbacks, 1);
	assert_int_equal(handback.token, 9);
}

static void one_that_does_not_read_its_answers_is_killed(void **state)
{
	(void)state;
	for (int i = 0; i < 20000 && !workers[0]->killed; i++) {
		(void)say(0, "{\"cmd\":\"NODE_HANDLE\"}\n");
		(void)uv_run(&loop, UV_RUN_NOWAIT);
	}
	assert_true(workers[0]->killed);
	assert_false(workers[1]->killed);
}

static void one_that_leaves_is_sent_nothing_after_the_answer(void **state)
{
	static char got[4096];
	ssize_t n;

	(void)state;
	take_part();
	(void)hears(2, "");
	workers[0]->answers_pings = true;
	worker_ping(workers[0]);
	hand_off(0, 8); /* waits for the ping's answer */
	turns();
	(void)hears(0, "");
	(void)say(0, "{\"cmd\":\"NODE_CLUSTER\",\"act\":\"exitedAfterDisconnect\",\"seq\":3}\n");
	turns();
	assert_int_equal(n_handbacks, 1);
	assert_int_equal(handback.token, 8);
	(void)say(0, "{\"cmd\":\"NODE_HANDLE_NACK\"}\n");
	(void)say(1, "{\"source\":\"_sio_adapter\",\"uid\":\"u1\",\"nsp\":\"/\",\"p\":1}\n");
	hand_off(0, 9);
	worker_ping(workers[0]);
	turns();
	assert_int_equal(n_handbacks, 2);
	n = read(peers[0], got, sizeof(got) - 1);
	assert_true(n > 0);
	assert_non_null(strstr(got, "\"ack\":3"));
	assert_ptr_equal(memchr(got, '\n', (size_t)n), got + n - 1);
	assert_true(hears(2, "_sio_adapter"));
}

#define WORKER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORKER(open_hand_offs_go_back),
		WORKER(no_hand_off_overtakes_a_ping),
		WORKER(later_hand_offs_go_back_at_once),
		WORKER(nobody_waits_for_it),
		WORKER(what_cannot_be_read_is_passed_over),
		WORKER(the_last_words_are_heard),
		WORKER(one_that_acknowledges_what_it_was_not_sent_is_killed),
		WORKER(one_that_does_not_read_its_answers_is_killed),
		WORKER(one_that_leaves_is_sent_nothing_after_the_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
