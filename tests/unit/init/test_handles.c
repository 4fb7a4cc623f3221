/* What becomes of a socket on its way to a worker: taken, refused, or one too many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "init/worker/handles.h"
#include "ipc/node.h"

static uv_loop_t loop;
static struct channel channel;
static int peer;
static counter pending;
static unsigned n_back, n_taken, n_pongs;
static struct control_msg back, given;

static void on_back(struct handles *hs, const struct control_msg *m, int fd)
{
	(void)hs;
	assert_true(fcntl(fd, F_GETFD) >= 0);
	fd_close(&fd);
	back = *m;
	n_back++;
}

static void on_taken(struct handles *hs, const struct control_msg *m, int fd)
{
	(void)hs;
	assert_true(fcntl(fd, F_GETFD) >= 0);
	given = *m;
	n_taken++;
}

static void on_pong(struct handles *hs)
{
	(void)hs;
	n_pongs++;
}

static const struct handles_ops ops = { on_back, on_taken, on_pong };
static struct handles hs;

static void on_frame(struct channel *ch, const struct channel_frame *f)
{
	(void)ch;
	(void)f;
}

static void on_read_end(struct channel *ch)
{
	(void)ch;
}

static void on_no_room(struct channel *ch, size_t n)
{
	(void)ch;
	(void)n;
}

static void on_end(struct channel *ch, int err)
{
	(void)ch;
	(void)err;
}

static const struct channel_ops channel_ops = { on_frame, on_read_end, on_no_room, on_end };
static struct quota quota = { .max = 1 << 20 };

static int setup(void **state)
{
	int sv[2];

	(void)state;
	n_back = n_taken = n_pongs = 0;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	peer = sv[1];
	assert_int_equal(channel_init(&channel, &loop, sv[0], SERIAL_JSON, &channel_ops, &quota),
			 0);
	hs = (struct handles){ .channel = &channel, .ops = &ops, .pending = &pending };
	return 0;
}

static void on_closed(struct channel *ch)
{
	(void)ch;
}

static int teardown(void **state)
{
	(void)state;
	channel_close(&channel, on_closed);
	handles_close(&hs);
	assert_int_equal(counter_get(&pending), 0);
	fd_close(&peer);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	return 0;
}

static void give(uint64_t token, int64_t seq, struct blob *frame)
{
	struct control_msg m = { .type = CONTROL_HANDOFF, .token = token, .kind = HANDOFF_CLIENT };

	handles_give(&hs, &m, memfd_create("client", 0), seq, frame);
}

static void give_sticky(uint64_t token)
{
	give(token, HANDLES_NO_SEQ, node_sticky_connection(SERIAL_JSON));
}

static void give_newconn(uint64_t token, uint32_t seq)
{
	struct wire_writer begin;

	node_newconn_begin(&begin, SERIAL_JSON, "k1");
	give(token, seq, node_newconn(&begin, seq));
	wire_drop(&begin);
}

/* The loop turns, so that what is queued is written; then the worker answers. */
static bool answer(bool taken)
{
	(void)uv_run(&loop, UV_RUN_NOWAIT);
	return handles_answered(&hs, taken);
}

static void assert_back(unsigned n, uint64_t token)
{
	assert_int_equal(n_back, n);
	assert_int_equal(back.type, CONTROL_HANDBACK);
	assert_int_equal(back.token, token);
}

static void one_that_is_taken_is_gone(void **state)
{
	(void)state;
	give_sticky(1);
	assert_int_equal(counter_get(&pending), 1);
	assert_true(answer(true));
	assert_int_equal(counter_get(&pending), 0);
	assert_int_equal(n_taken, 1);
	assert_int_equal(given.token, 1);
	handles_close(&hs);
	assert_int_equal(n_back, 0);
}

static void one_that_is_refused_comes_back(void **state)
{
	(void)state;
	give_sticky(1);
	give_sticky(2);
	assert_true(answer(false));
	assert_back(1, 1);
	assert_int_equal(counter_get(&pending), 1);
}

static void a_newconn_waits_for_the_apps_word(void **state)
{
	(void)state;
	give_newconn(1, 0);
	give_newconn(2, 1);
	assert_true(answer(true));
	assert_true(answer(true));
	assert_int_equal(counter_get(&pending), 2);
	assert_true(handles_accepted(&hs, 1, false));
	assert_back(1, 2);
	assert_int_equal(n_taken, 0);
	assert_true(handles_accepted(&hs, 0, true));
	assert_int_equal(n_taken, 1);
	assert_int_equal(given.token, 1);
	assert_int_equal(counter_get(&pending), 0);
	assert_int_equal(n_back, 1);
}

static void answers_to_nothing_are_ignored(void **state)
{
	(void)state;
	assert_true(answer(true));
	assert_true(answer(false));
	assert_true(handles_accepted(&hs, 7, true));
	give_sticky(1);
	assert_true(handles_accepted(&hs, HANDLES_NO_SEQ, true));
	assert_int_equal(counter_get(&pending), 1);
}

static void one_too_many_comes_back_at_once(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < HANDLES_MAX; i++)
		give_sticky(i);
	assert_int_equal(n_back, 0);
	give_sticky(HANDLES_MAX);
	assert_back(1, HANDLES_MAX);
}

static void one_without_a_message_comes_back_at_once(void **state)
{
	(void)state;
	give(1, HANDLES_NO_SEQ, NULL);
	assert_back(1, 1);
	assert_int_equal(handles_share(&hs, 0, NULL), -EMFILE);
	assert_int_equal(handles_ping(&hs, NULL), -EMFILE);
}

static void the_end_of_the_channel_gives_back_what_was_not_read(void **state)
{
	(void)state;
	give_newconn(1, 0);
	assert_true(answer(true));
	give_newconn(2, 1);
	handles_cut(&hs);
	assert_back(1, 2);
	give_sticky(3);
	assert_back(2, 3);
}

static void a_ping_goes_before_what_came_later(void **state)
{
	static char got[4096];
	ssize_t n;

	(void)state;
	assert_int_equal(handles_ping(&hs, node_ping(SERIAL_JSON)), 0);
	give_sticky(1);
	(void)uv_run(&loop, UV_RUN_NOWAIT);
	n = recv(peer, got, sizeof(got), MSG_DONTWAIT);
	assert_true(n > 0);
	assert_null(memmem(got, (size_t)n, "sticky:connection", 17));
	assert_true(answer(false));
	assert_int_equal(n_pongs, 1);
	(void)uv_run(&loop, UV_RUN_NOWAIT);
	n = recv(peer, got, sizeof(got), MSG_DONTWAIT);
	assert_true(n > 0);
	assert_non_null(memmem(got, (size_t)n, "sticky:connection", 17));
}

static void an_answer_to_what_was_not_sent_changes_nothing(void **state)
{
	(void)state;
	give_newconn(1, 0);
	assert_false(handles_answered(&hs, true));
	assert_false(handles_accepted(&hs, 0, true));
	assert_int_equal(counter_get(&pending), 1);
	assert_true(answer(true));
	assert_true(handles_accepted(&hs, 0, true));
	assert_int_equal(counter_get(&pending), 0);

	assert_int_equal(handles_ping(&hs, node_ping(SERIAL_JSON)), 0);
	give_sticky(2); /* held back for the ping */
	assert_true(answer(false));
	assert_false(handles_answered(&hs, true));
	assert_int_equal(counter_get(&pending), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_that_is_taken_is_gone),
		TEST(one_that_is_refused_comes_back),
		TEST(a_newconn_waits_for_the_apps_word),
		TEST(answers_to_nothing_are_ignored),
		TEST(one_too_many_comes_back_at_once),
		TEST(one_without_a_message_comes_back_at_once),
		TEST(the_end_of_the_channel_gives_back_what_was_not_read),
		TEST(an_answer_to_what_was_not_sent_changes_nothing),
		TEST(a_ping_goes_before_what_came_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
