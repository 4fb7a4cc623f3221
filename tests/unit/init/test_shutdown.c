/* The stages of the end, with a clock that is moved. */
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
#include <utlist.h>

#include "base/fd.h"
#include "base/log.h"
#include "init/core.h"
#include "init/worker.h"
#include "tests/unit/init/clock.h"
#include "tests/unit/init/owner.h"

enum { DELAY_MS = 5000, DRAIN_MS = 10000, STOP_MS = 20000, SLACK_MS = 100, CODE = 7 };

static const struct config config = { .shutdown_delay_ms = DELAY_MS,
				      .drain_time_ms = DRAIN_MS,
				      .stop_timeout_ms = STOP_MS,
				      .stop_signal = SIGTERM };
static const struct worker_ops ops = OWNER_OPS(owner_on_handback);
static struct init in;
static struct worker *worker;
static int peer;

static pid_t process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			(void)pause();
	assert_true(pid > 0);
	(void)setpgid(pid, pid);
	return pid;
}

static void say(const char *text)
{
	assert_int_equal(write(peer, text, strlen(text)), strlen(text));
	clock_advance(&in.loop, 0);
}

static int setup(void **state)
{
	int sv[2];

	(void)state;
	in = (struct init){ .config = &config, .board = scoreboard_private() };
	assert_non_null(in.board);
	assert_int_equal(uv_loop_init(&in.loop), 0);
	hub_init(&in.hub, SERIAL_JSON);
	shutdown_init(&in);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	peer = sv[1];
	worker = calloc(1, sizeof(*worker));
	assert_non_null(worker);
	*worker = (struct worker){ .ops = &ops,
				   .owner = &in,
				   .config = &config,
				   .frontend = &in.frontend,
				   .has_channel = true,
				   .id = 1,
				   .pid = process() };
	assert_int_equal(worker_init(worker, &in.loop, sv[0], &in.hub, false), 0);
	DL_APPEND(in.pool.workers, worker);
	in.pool.n_workers = 1;
	say("{\"cmd\":\"NODE_CLUSTER\",\"act\":\"online\"}\n");
	say("\"ready\"\n");
	assert_int_equal(worker->state, WORKER_READY);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)kill(-worker->pid, SIGKILL);
	(void)waitpid(worker->pid, NULL, 0);
	worker_close(worker);
	fd_close(&peer);
	uv_close((uv_handle_t *)&in.shutdown.delay, NULL);
	(void)uv_run(&in.loop, UV_RUN_NOWAIT); /* takes back what uv_stop() has set */
	(void)uv_run(&in.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&in.loop), 0);
	scoreboard_unmap(in.board);
	return 0;
}

static int ended_by(void)
{
	int status;

	assert_int_equal(waitpid(worker->pid, &status, 0), worker->pid);
	return WTERMSIG(status);
}

static void serves_on_for_the_delay_then_drains(void **state)
{
	(void)state;
	shutdown_begin(&in, CODE, SHUTDOWN_GENTLE);
	assert_int_equal(shutdown_phase(&in), PHASE_LAME_DUCK);
	clock_advance(&in.loop, DELAY_MS - SLACK_MS);
	assert_int_equal(worker->state, WORKER_READY);
	clock_advance(&in.loop, 2 * SLACK_MS);
	assert_int_equal(shutdown_phase(&in), PHASE_DRAINING);
	assert_int_equal(worker->state, WORKER_DRAINING);
	assert_false(shutdown_is_over(&in));
	clock_advance(&in.loop, DRAIN_MS + SLACK_MS);
	assert_int_equal(ended_by(), SIGTERM);
}

static void a_second_wish_skips_the_delay(void **state)
{
	(void)state;
	shutdown_begin(&in, CODE, SHUTDOWN_GENTLE);
	shutdown_begin(&in, 0, SHUTDOWN_GENTLE);
	assert_int_equal(worker->state, WORKER_STOPPING);
	assert_int_equal(ended_by(), SIGTERM);
	assert_int_equal(in.shutdown.exit_code, CODE);
}

static void a_third_one_kills(void **state)
{
	(void)state;
	shutdown_begin(&in, CODE, SHUTDOWN_GENTLE);
	shutdown_begin(&in, 0, SHUTDOWN_GENTLE);
	(void)ended_by();
	assert_false(worker->killed);
	shutdown_begin(&in, 0, SHUTDOWN_GENTLE);
	assert_true(worker->killed);
}

static void who_was_forced_makes_the_exit_code(void **state)
{
	(void)state;
	shutdown_begin(&in, CODE, SHUTDOWN_FAST);
	in.pool.n_workers = 0;
	shutdown_worker_ended(&in, true);
	assert_int_equal(in.shutdown.exit_code, EXIT_FORCED);
	assert_true(shutdown_is_over(&in));
}

static void held_is_not_ready_and_nothing_ends(void **state)
{
	(void)state;
	shutdown_hold(&in, true);
	assert_int_equal(shutdown_phase(&in), PHASE_LAME_DUCK);
	clock_advance(&in.loop, DELAY_MS * 2);
	assert_int_equal(worker->state, WORKER_READY);
	shutdown_hold(&in, false);
	assert_int_equal(shutdown_phase(&in), PHASE_SERVING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define END(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
		END(serves_on_for_the_delay_then_drains),
		END(a_second_wish_skips_the_delay),
		END(a_third_one_kills),
		END(who_was_forced_makes_the_exit_code),
		END(held_is_not_ready_and_nothing_ends),
#undef END
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
