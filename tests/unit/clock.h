/* Time that stands still until the test moves it: every timer of a loop and all that asks for the
 * time of day. Included by the one file of a test program: its clock_gettime() takes the place of
 * libc's, for libuv too, static or shared.
 *
 * Turn a loop with loop_turn() or UV_RUN_NOWAIT: one that waits for a timer waits for ever. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include <uv.h>

static struct timespec clock_now = { .tv_sec = 1767225600 }; /* 2026-01-01 */
static bool clock_cpu_rests; /* other processes use no CPU time, otherwise all of it */

int clock_gettime(clockid_t id, struct timespec *ret)
{
	bool is_cpu = id < 0; /* clock_getcpuclockid(3) */

	*ret = is_cpu && clock_cpu_rests ? (struct timespec){ .tv_sec = 1 } : clock_now;
	return 0;
}

static inline void clock_advance(uint64_t ms)
{
	uint64_t ns = (uint64_t)clock_now.tv_nsec + ms % 1000 * 1000000;

	clock_now.tv_sec += (time_t)(ms / 1000 + ns / 1000000000);
	clock_now.tv_nsec = (long)(ns % 1000000000);
}

/* All that is ready now, and what follows from it. */
static inline void loop_turn(uv_loop_t *loop)
{
	for (int i = 0; i < 10; i++)
		(void)uv_run(loop, UV_RUN_NOWAIT);
}

static inline void loop_advance(uv_loop_t *loop, uint64_t ms)
{
	clock_advance(ms);
	loop_turn(loop);
}
