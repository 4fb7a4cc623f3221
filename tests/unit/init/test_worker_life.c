/* The times of a worker's life, with a real process and a clock that is moved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "init/frontend.h"
#include "init/worker.h"
#include "tests/unit/init/clock.h"
#include "tests/unit/init/owner.h"

enum { READY_MS = 30000, DRAIN_MS = 5000, STOP_MS = 20000, DISCONNECT_MS = 500, SLACK_MS = 100 };

static const struct config config = { .ready_timeout_ms = READY_MS,
				      .drain_time_ms = DRAIN_MS,
				      .stop_timeout_ms = STOP_MS,
				      .stop_signal = SIGTERM };
static const struct frontend frontend = { .admin = -1 };
static uv_loop_t loop;
static struct hub hub;
static struct worker *worker;
static int peer;

static const struct worker_ops ops = OWNER_OPS(owner_on_handback);

/* A process in a group of its own that lives until a signal ends it; @deaf: only SIGKILL does. */
static pid_t process(bool deaf)
{
	pid_t pid;

	(void)signal(SIGTERM, deaf ? SIG_IGN : SIG_DFL); /* inherited */
	pid = fork();
	if (pid == 0)
		for (;;)
			(void)pause();
	(void)signal(SIGTERM, SIG_DFL);
	assert_true(pid > 0);
	(void)setpgid(pid, pid);
	return pid;
}

static void begin(pid_t pid)
{
	int sv[2];

	assert_int_equal(uv_loop_init(&loop), 0);
	hub_init(&hub, SERIAL_JSON);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	assert_int_equal(fd_set_nonblock(sv[1]), 0);
	peer = sv[1];
	worker = calloc(1, sizeof(*worker));
	assert_non_null(worker);
	*worker = (struct worker){ .ops = &ops,
				   .config = &config,
				   .frontend = &frontend,
				   .has_deadline = true,
				   .has_channel = true,
				   .answers_pings = true,
				   .id = 1,
				   .pid = pid };
	assert_int_equal(worker_init(worker, &loop, sv[0], &hub, false), 0);
}

static int setup(void **state)
{
	(void)state;
	begin(process(false));
	return 0;
}

static int setup_deaf(void **state)
{
	(void)state;
	begin(process(true));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)kill(-worker->pid, SIGKILL);
	(void)waitpid(worker->pid, NULL, 0);
	worker_close(worker);
	fd_close(&peer);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	return 0;
}

static void say(const char *text)
{
	assert_int_equal(write(peer, text, strlen(text)), strlen(text));
	clock_advance(&loop, 0);
}

static bool hears(const char *text)
{
	static char got[64 << 10];
	ssize_t n = read(peer, got, sizeof(got));

	return n > 0 && memmem(got, (size_t)n, text, strlen(text));
}

static void get_ready(void)
{
	say("{\"cmd\":\"NODE_CLUSTER\",\"act\":\"online\"}\n");
	say("{\"cmd\":\"NODE_HANDLE_NACK\"}\n");
	say("\"ready\"\n");
	assert_int_equal(worker->state, WORKER_READY);
}

static bool lives(void)
{
	return waitpid(worker->pid, NULL, WNOHANG) == 0;
}

/* Waits for its end; the signal that was it. */
static int ended_by(void)
{
	int status;

	assert_int_equal(waitpid(worker->pid, &status, 0), worker->pid);
	assert_true(WIFSIGNALED(status));
	return WTERMSIG(status);
}

static void not_ready_in_time_is_killed(void **state)
{
	(void)state;
	clock_advance(&loop, READY_MS - SLACK_MS);
	assert_true(lives());
	clock_advance(&loop, 2 * SLACK_MS);
	assert_int_equal(ended_by(), SIGKILL);
}

static void ready_in_time_lives(void **state)
{
	(void)state;
	clock_advance(&loop, READY_MS - SLACK_MS);
	get_ready();
	clock_advance(&loop, READY_MS);
	assert_true(lives());
}

static void without_clients_it_stops_at_once(void **state)
{
	(void)state;
	get_ready();
	worker_drain(worker);
	assert_int_equal(worker->state, WORKER_DRAINING);
	worker_requests_done(worker);
	assert_int_equal(worker->state, WORKER_STOPPING);
	assert_int_equal(ended_by(), SIGTERM);
}

static void requests_have_the_drain_time(void **state)
{
	(void)state;
	get_ready();
	worker_drain(worker);
	clock_advance(&loop, DRAIN_MS - SLACK_MS);
	assert_int_equal(worker->state, WORKER_DRAINING);
	assert_true(lives());
	clock_advance(&loop, 2 * SLACK_MS);
	assert_int_equal(worker->state, WORKER_STOPPING);
	assert_int_equal(ended_by(), SIGTERM);
}

static void who_does_not_end_is_asked_again_and_killed(void **state)
{
	(void)state;
	get_ready();
	(void)hears("");
	worker_stop(worker);
	clock_advance(&loop, DISCONNECT_MS - SLACK_MS);
	assert_false(hears("disconnect"));
	clock_advance(&loop, 2 * SLACK_MS);
	assert_true(hears("disconnect"));
	clock_advance(&loop, STOP_MS - DISCONNECT_MS - 2 * SLACK_MS);
	assert_true(lives());
	clock_advance(&loop, 2 * SLACK_MS);
	assert_int_equal(ended_by(), SIGKILL);
}

static void the_drain_is_part_of_the_stop_timeout(void **state)
{
	(void)state;
	get_ready();
	worker_drain(worker);
	clock_advance(&loop, DRAIN_MS + SLACK_MS);
	clock_advance(&loop, STOP_MS - DRAIN_MS - 2 * SLACK_MS);
	assert_true(lives());
	clock_advance(&loop, 2 * SLACK_MS);
	assert_int_equal(ended_by(), SIGKILL);
}

static void who_leaves_the_channel_is_drained(void **state)
{
	(void)state;
	get_ready();
	fd_close(&peer);
	clock_advance(&loop, 0);
	assert_int_equal(worker->state, WORKER_READY);
	clock_advance(&loop, 200);
	assert_true(worker->state == WORKER_DRAINING || worker->state == WORKER_STOPPING);
}

static void who_has_none_leaves_none(void **state)
{
	(void)state;
	worker->has_channel = false;
	worker_answered(worker, WORKER_STYLE_PORT);
	assert_int_equal(worker->state, WORKER_READY);
	fd_close(&peer);
	clock_advance(&loop, 1000);
	assert_int_equal(worker->state, WORKER_READY);
}

static void lag_is_what_an_answer_takes(void **state)
{
	(void)state;
	get_ready();
	worker_ping(worker);
	clock_advance(&loop, 700);
	assert_in_range(worker_silence_ms(worker), 700, 700 + SLACK_MS);
	say("{\"cmd\":\"NODE_HANDLE_NACK\"}\n");
	assert_in_range(worker->lag_ms, 700, 700 + SLACK_MS);
	assert_int_equal(worker_silence_ms(worker), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(not_ready_in_time_is_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(ready_in_time_lives, setup, teardown),
		cmocka_unit_test_setup_teardown(without_clients_it_stops_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(requests_have_the_drain_time, setup, teardown),
		cmocka_unit_test_setup_teardown(who_does_not_end_is_asked_again_and_killed,
						setup_deaf, teardown),
		cmocka_unit_test_setup_teardown(the_drain_is_part_of_the_stop_timeout, setup_deaf,
						teardown),
		cmocka_unit_test_setup_teardown(who_leaves_the_channel_is_drained, setup, teardown),
		cmocka_unit_test_setup_teardown(who_has_none_leaves_none, setup, teardown),
		cmocka_unit_test_setup_teardown(lag_is_what_an_answer_takes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
