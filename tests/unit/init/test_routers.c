/* Routers that went wrong: each is this program once more (spawn_self), doing what its name,
 * argv[0], says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macros.h"
#include "init/supervisor/core.h"
#include "init/supervisor/switchboard.h"
#include "ipc/session_memory.h"

enum { PATIENCE_MS = 20000, POLL_MS = 5 };
enum { ALL_SEALED = 42, NOT_SEALED = 43 }; /* exit codes */

/* A router */

static void say_with(int link, const struct control_msg *m, int fd)
{
	uint8_t packet[CONTROL_PACKET_MAX];
	int n = control_encode(m, packet, sizeof(packet));
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { packet, (size_t)n };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		struct cmsghdr *c;

		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_LEN(sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	(void)sendmsg(link, &msg, MSG_NOSIGNAL);
}

static void say(int link, enum control_type type)
{
	say_with(link, &(struct control_msg){ .type = type }, -1);
}

static int connection(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* The next descriptor that init sends. */
static int receive_fd(int link)
{
	char packet[CONTROL_PACKET_MAX];
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { packet, sizeof(packet) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };
	int fd;

	if (recvmsg(link, &m, 0) <= 0 || !CMSG_FIRSTHDR(&m))
		_exit(NOT_SEALED);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

static void resize_what_is_shared(int link)
{
	say(link, CONTROL_UP);
	for (int i = 0; i < 2; i++) {
		int fd = receive_fd(link);

		if (ftruncate(fd, 0) == 0 || errno != EPERM || ftruncate(fd, 1 << 30) == 0)
			_exit(NOT_SEALED);
	}
	_exit(ALL_SEALED);
}

static void ask_twice(int link)
{
	say(link, CONTROL_UP);
	say(link, CONTROL_UP);
}

static void hand_over_before_up(int link)
{
	say_with(link, &(struct control_msg){ .type = CONTROL_HANDOFF, .worker = 1 }, connection());
}

static void hand_over_to_nobody(int link)
{
	say(link, CONTROL_UP);
	say_with(link, &(struct control_msg){ .type = CONTROL_HANDOFF, .worker = 77 },
		 connection());
}

static void speak_as_init(int link)
{
	say(link, CONTROL_UP);
	say(link, CONTROL_PHASE);
}

static void babble(int link)
{
	say(link, CONTROL_UP);
	(void)send(link, "\xc1", 1, MSG_NOSIGNAL);
}

static void leave_the_channel(int link)
{
	say(link, CONTROL_UP);
	(void)close(link);
}

static void read_nothing(int link)
{
	say(link, CONTROL_UP);
}

static const struct {
	const char *name;
	void (*act)(int link);
} actors[] = {
	{ "resize_what_is_shared", resize_what_is_shared },
	{ "ask_twice", ask_twice },
	{ "hand_over_before_up", hand_over_before_up },
	{ "hand_over_to_nobody", hand_over_to_nobody },
	{ "speak_as_init", speak_as_init },
	{ "babble", babble },
	{ "leave_the_channel", leave_the_channel },
	{ "read_nothing", read_nothing },
};

/* Ends by a signal alone. */
static _Noreturn void be_router(const char *name, int link)
{
	for (size_t i = 0; i < ARRAY_LEN(actors); i++)
		if (strcmp(actors[i].name, name) == 0)
			actors[i].act(link);
	for (;;)
		(void)pause();
}

/* init */

static struct init *in;
static char actor[32];

static int set_up(void **state)
{
	static struct config config;
	(void)state;
	in = calloc(1, sizeof(*in));
	assert_non_null(in);
	in->config = &config;
	in->frontend.admin = -1;
	assert_int_equal(uv_loop_init(&in->loop), 0);
	in->sessions_fd = session_memory_create(16);
	in->board_fd = scoreboard_create();
	assert_true(in->sessions_fd >= 0 && in->board_fd >= 0);
	in->board = scoreboard_map(dup(in->board_fd));
	assert_non_null(in->board);
	lent_polls_init(&in->lent_polls, in->board);
	in->context = (struct worker_context){ .loop = &in->loop, .board = in->board };
	in->pool.context = &in->context;
	in->routers = (struct routers){ .n = 1,
					.role = { "router", actor },
					.loop = &in->loop,
					.config = &config,
					.credentials = &in->credentials,
					.board = in->board,
					.ops = &switchboard_routers_ops,
					.owner = in };
	routers_init(&in->routers);
	return 0;
}

static struct router_process *router(void)
{
	return &in->routers.list[0];
}

static void on_time(uv_timer_t *t)
{
	(void)t;
}

/* How @pid has ended; init goes on meanwhile. */
static int wait_for_end(pid_t pid)
{
	uint64_t until = uv_hrtime() / 1000000 + PATIENCE_MS;
	int status = 0;
	uv_timer_t tick;

	(void)uv_timer_init(&in->loop, &tick);
	(void)uv_timer_start(&tick, on_time, POLL_MS, POLL_MS);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		assert_true(uv_hrtime() / 1000000 < until);
		(void)uv_run(&in->loop, UV_RUN_ONCE);
	}
	uv_close((uv_handle_t *)&tick, NULL);
	(void)uv_run(&in->loop, UV_RUN_NOWAIT);
	return status;
}

static int tear_down(void **state)
{
	pid_t pid = router()->pid;

	(void)state;
	routers_close(&in->routers);
	if (pid > 0) {
		(void)kill(pid, SIGKILL);
		assert_true(routers_ended(&in->routers, pid, wait_for_end(pid)));
	}
	uv_close((uv_handle_t *)&router()->retry, NULL);
	(void)uv_run(&in->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&in->loop), 0);
	scoreboard_unmap(in->board);
	fd_close(&in->board_fd);
	fd_close(&in->sessions_fd);
	free(in);
	return 0;
}

static pid_t start(const char *name)
{
	(void)snprintf(actor, sizeof(actor), "%s", name);
	routers_start(&in->routers);
	assert_true(router()->pid > 0);
	return router()->pid;
}

static int lowest_free(void)
{
	int fd = dup(0);

	(void)close(fd);
	return fd;
}

/* @name's router is killed, nothing is left of it, and another is started. */
static void assert_replaced(const char *name)
{
	int free_before = lowest_free(), status;
	pid_t pid = start(name);

	status = wait_for_end(pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_null(router()->channel);
	assert_int_equal(lowest_free(), free_before);
	assert_true(routers_ended(&in->routers, pid, status));
	(void)snprintf(actor, sizeof(actor), "read_nothing");
	while (!router()->up)
		(void)uv_run(&in->loop, UV_RUN_ONCE);
	assert_int_not_equal(router()->pid, pid);
	assert_int_equal(counter_get(&in->board->router_starts), 2);
}

#define REPLACED(name)                                                                             \
	static void name##_is_its_end(void **state)                                                \
	{                                                                                          \
		(void)state;                                                                       \
		assert_replaced(#name);                                                            \
	}

REPLACED(ask_twice)
REPLACED(hand_over_before_up)
REPLACED(hand_over_to_nobody)
REPLACED(speak_as_init)
REPLACED(babble)
REPLACED(leave_the_channel)

static void what_is_shared_cannot_be_resized(void **state)
{
	int status = wait_for_end(start("resize_what_is_shared"));

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), ALL_SEALED);
	counter_add(&in->board->reloads, 1); /* no SIGBUS */
	assert_true(routers_ended(&in->routers, router()->pid, status));
}

/* Until its queue is full. */
static void one_that_reads_nothing_is_replaced(void **state)
{
	pid_t pid = start("read_nothing");
	int status;

	(void)state;
	while (!router()->up)
		(void)uv_run(&in->loop, UV_RUN_ONCE);
	for (int i = 0; i < 2 * CONTROL_QUEUE_MAX && router()->channel; i++)
		shutdown_hold(in, i % 2);
	assert_null(router()->channel);
	status = wait_for_end(pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_true(routers_ended(&in->routers, pid, status));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(ask_twice_is_its_end),
		TEST(hand_over_before_up_is_its_end),
		TEST(hand_over_to_nobody_is_its_end),
		TEST(speak_as_init_is_its_end),
		TEST(babble_is_its_end),
		TEST(leave_the_channel_is_its_end),
		TEST(what_is_shared_cannot_be_resized),
		TEST(one_that_reads_nothing_is_replaced),
	};
	const char *link = getenv(ROLE_FD);

	(void)argc;
	if (link)
		be_router(argv[0], atoi(link));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
