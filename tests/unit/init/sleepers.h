/* An init whose workers are real processes that only sleep: the test says when one is ready and
 * takes note of its end, as router and SIGCHLD do elsewhere. There is no router. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "init/supervisor/core.h"
#include "init/supervisor/switchboard.h"
#include "init/worker/worker.h"
#include "tests/unit/clock.h"

enum { READY_MS = 30000, DRAIN_MS = 4000, STOP_MS = 10000, DELAY_MS = 5000, RESTART_MS = 1000 };

static char *sleep_argv[] = { "sleep", "infinity", NULL };
static struct config config;
static struct command command;
static struct init in;

/* Without a channel: that it has ended is seen in the first turn, long before an answer. */
static inline void get_ready(struct worker *w)
{
	assert_non_null(w);
	loop_turn(&in.loop);
	worker_answered(w, WORKER_STYLE_PORT, false);
	assert_int_equal(w->state, WORKER_READY);
}

static inline struct worker *serving(unsigned number)
{
	return in.pool.slots[number]->worker;
}

static inline struct worker *next(unsigned number)
{
	return in.pool.slots[number]->next;
}

/* Waits for the process, which somebody has told to end: what ended it. */
static inline int take_end(const struct worker *w)
{
	struct rusage usage;
	pid_t pid = w->pid;
	int status;

	assert_int_equal(wait4(pid, &status, 0, &usage), pid);
	assert_true(WIFSIGNALED(status));
	assert_true(pool_ended(&in.pool, pid, status, &usage));
	loop_turn(&in.loop);
	return WTERMSIG(status);
}

static inline void crash(const struct worker *w)
{
	assert_int_equal(kill(w->pid, SIGKILL), 0);
	assert_int_equal(take_end(w), SIGKILL);
}

/* Nobody waits for its answers any more. */
static inline void let_go(struct worker *w)
{
	assert_int_equal(w->state, WORKER_DRAINING);
	worker_requests_done(w, true);
	assert_int_equal(w->state, WORKER_STOPPING);
	assert_int_equal(take_end(w), SIGTERM);
}

/* @n workers that serve. */
static inline void start_sleepers(unsigned n)
{
	config = (struct config){ .workers = { .kind = WORKERS_FIXED, .n = n },
				  .ready_timeout_ms = READY_MS,
				  .min_uptime_ms = 1000,
				  .restart_delay_ms = RESTART_MS,
				  .restart_backoff = 2000,
				  .shutdown_delay_ms = DELAY_MS,
				  .drain_time_ms = DRAIN_MS,
				  .stop_timeout_ms = STOP_MS,
				  .stop_signal = SIGTERM };
	command = (struct command){ .argv = sleep_argv, .argc = 2, .runtime = RUNTIME_OTHER };
	in = (struct init){ .config = &config, .command = &command, .terminal = { .fd = -1 } };
	assert_int_equal(uv_loop_init(&in.loop), 0);
	in.board = scoreboard_private();
	assert_non_null(in.board);
	in.context = (struct worker_context){ .loop = &in.loop,
					      .config = &config,
					      .command = &command,
					      .reach = { .style = WORKER_STYLE_PORT },
					      .credentials = &in.credentials,
					      .frontend = &in.frontend,
					      .memory = &in.memory,
					      .places = &in.places,
					      .hub = &in.hub,
					      .logs = &in.logs,
					      .terminal = &in.terminal,
					      .board = in.board };
	pool_init(&in.pool, &in.context, &in.memory, &switchboard_worker_ops, &switchboard_pool_ops,
		  &in);
	in.routers = (struct routers){ .board = in.board, .owner = &in };
	hub_init(&in.hub, SERIAL_JSON, 64 << 20, 0);
	shutdown_init(&in);
	pool_start(&in.pool, n);
	for (unsigned i = 0; i < n; i++)
		get_ready(serving(i));
}

static inline int end_sleepers(void **state)
{
	(void)state;
	shutdown_begin(&in, 0, SHUTDOWN_NOW);
	while (in.pool.workers)
		(void)take_end(in.pool.workers);
	uv_close((uv_handle_t *)&in.shutdown.delay, NULL);
	for (unsigned i = 0; in.pool.slots[i]; i++)
		uv_close((uv_handle_t *)&in.pool.slots[i]->timer, NULL);
	loop_turn(&in.loop);
	for (unsigned i = 0; in.pool.slots[i]; i++)
		free(in.pool.slots[i]);
	assert_int_equal(uv_loop_close(&in.loop), 0);
	scoreboard_unmap(in.board);
	return 0;
}

static inline void pass(uint64_t ms)
{
	loop_advance(&in.loop, ms);
}
