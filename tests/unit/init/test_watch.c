/* Looking after a worker, with a clock that is moved: slow, hung, old, and a late look. */
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
#include "init/core.h"
#include "init/worker.h"
#include "tests/unit/init/clock.h"
#include "tests/unit/init/owner.h"

enum { TICK_MS = 1000, LAG_MS = 1000, HANG_MS = 5000, AGE_MS = 60000 };

static struct config config;
static struct init in;
static struct slot slot, other;
static struct worker *worker;
static int peer;

static const struct worker_ops ops = OWNER_OPS(owner_on_handback);

static void say(const char *text)
{
	assert_int_equal(write(peer, text, strlen(text)), strlen(text));
	clock_advance(&in.loop, 0);
}

static pid_t process(void)
{
	pid_t pid;

	(void)signal(SIGUSR2, SIG_IGN); /* inherited */
	pid = fork();
	if (pid == 0)
		for (;;)
			(void)pause();
	assert_true(pid > 0);
	(void)setpgid(pid, pid);
	return pid;
}

/* One ready worker. A reload that never ends keeps what is asked for from being done. */
static int setup(void **state)
{
	int sv[2];

	(void)state;
	config = (struct config){ .workers = { WORKERS_FIXED, 1 },
				  .ping_interval_ms = TICK_MS,
				  .lag_warn_ms = LAG_MS,
				  .hang_timeout_ms = HANG_MS };
	in = (struct init){ .config = &config, .board = scoreboard_private() };
	assert_non_null(in.board);
	assert_int_equal(uv_loop_init(&in.loop), 0);
	hub_init(&in.hub, SERIAL_JSON);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	assert_int_equal(fd_set_nonblock(sv[1]), 0);
	peer = sv[1];
	worker = calloc(1, sizeof(*worker));
	assert_non_null(worker);
	*worker = (struct worker){ .ops = &ops,
				   .owner = &in,
				   .config = &config,
				   .has_channel = true,
				   .answers_pings = true,
				   .id = 12, /* its limits are as they are set: see spread() */
				   .pid = process(),
				   .started_ms = uv_now(&in.loop) };
	assert_int_equal(worker_init(worker, &in.loop, sv[0], &in.hub, false), 0);
	slot = (struct slot){ .init = &in, .worker = worker };
	in.pool.slots[0] = &slot;
	in.pool.wanted = 1;
	in.reload.slot = &other;
	DL_APPEND(in.pool.workers, worker);
	say("{\"cmd\":\"NODE_CLUSTER\",\"act\":\"online\"}\n");
	say("{\"cmd\":\"NODE_HANDLE_NACK\"}\n");
	say("\"ready\"\n");
	assert_int_equal(worker->state, WORKER_READY);
	watch_start(&in);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)kill(-worker->pid, SIGKILL);
	(void)waitpid(worker->pid, NULL, 0);
	worker_close(worker);
	fd_close(&peer);
	uv_close((uv_handle_t *)&in.watch.tick, NULL);
	(void)uv_run(&in.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&in.loop), 0);
	scoreboard_unmap(in.board);
	return 0;
}

static void ticks(unsigned n)
{
	while (n--)
		clock_advance(&in.loop, TICK_MS);
}

static void answer(void)
{
	say("{\"cmd\":\"NODE_HANDLE_NACK\"}\n");
}

static bool lives(void)
{
	return waitpid(worker->pid, NULL, WNOHANG) == 0;
}

static void a_slow_one_is_suspected_and_forgiven(void **state)
{
	(void)state;
	ticks(2); /* the ping, then no answer for as long as lag-warn */
	assert_int_equal(worker->state, WORKER_SUSPECT);
	answer();
	ticks(1); /* that one was slow; the next ping */
	answer();
	ticks(1);
	assert_int_equal(worker->state, WORKER_READY);
}

static void a_hung_one_is_killed(void **state)
{
	int status;

	(void)state;
	ticks(1 + HANG_MS / TICK_MS - 1);
	assert_true(lives());
	ticks(1);
	assert_int_equal(waitpid(worker->pid, &status, 0), worker->pid);
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_int_equal(counter_get(&in.board->hangs), 1);
}

static void a_diagnosis_comes_one_tick_before(void **state)
{
	(void)state;
	config.hang_signal = SIGUSR2;
	ticks(1 + HANG_MS / TICK_MS);
	assert_true(worker->asked_to_diagnose);
	assert_true(lives());
	ticks(1);
	assert_true(worker->killed);
}

static void nobody_is_judged_by_a_late_look(void **state)
{
	(void)state;
	ticks(1);
	clock_advance(&in.loop, HANG_MS * 2);
	assert_int_equal(worker->state, WORKER_READY);
	assert_true(lives());
}

static void an_old_one_is_to_be_replaced(void **state)
{
	(void)state;
	config.max_age_ms = AGE_MS;
	for (int i = 0; i < AGE_MS / TICK_MS - 1; i++) {
		ticks(1);
		answer();
	}
	assert_null(slot.replace_why);
	ticks(1);
	assert_string_equal(slot.replace_why, "older than SIOINIT_MAX_AGE");
}

static void one_with_many_sessions_is_to_be_replaced(void **state)
{
	(void)state;
	config.max_sessions = 100;
	counter_set(&in.board->routers[0].shares[0].admitted, 99);
	ticks(1);
	assert_null(slot.replace_why);
	counter_set(&in.board->routers[0].shares[0].admitted, 100);
	answer();
	ticks(1);
	assert_string_equal(slot.replace_why, "more sessions than SIOINIT_MAX_SESSIONS");
}

static void one_with_much_memory_is_to_be_replaced(void **state)
{
	(void)state;
	config.max_memory = 1;
	ticks(1);
	assert_string_equal(slot.replace_why, "more memory than SIOINIT_MAX_MEMORY");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define WATCH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
		WATCH(a_slow_one_is_suspected_and_forgiven),
		WATCH(a_hung_one_is_killed),
		WATCH(a_diagnosis_comes_one_tick_before),
		WATCH(nobody_is_judged_by_a_late_look),
		WATCH(an_old_one_is_to_be_replaced),
		WATCH(one_with_many_sessions_is_to_be_replaced),
		WATCH(one_with_much_memory_is_to_be_replaced),
#undef WATCH
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
