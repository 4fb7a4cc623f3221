/* A clock that tests move: libuv's time (and everybody's) in this program goes on by what
 * clock_advance() adds. Interposes clock_gettime(2). */
#pragma once

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

static uint64_t clock_added_ms;

int clock_gettime(clockid_t id, struct timespec *now)
{
	long r = syscall(SYS_clock_gettime, id, now);

	now->tv_sec += (time_t)(clock_added_ms / 1000);
	now->tv_nsec += (long)(clock_added_ms % 1000) * 1000000;
	if (now->tv_nsec >= 1000000000) {
		now->tv_nsec -= 1000000000;
		now->tv_sec++;
	}
	return (int)r;
}

/* What is due then has happened when this returns. */
static void clock_advance(uv_loop_t *loop, uint64_t ms)
{
	clock_added_ms += ms;
	for (int i = 0; i < 3; i++)
		(void)uv_run(loop, UV_RUN_NOWAIT);
}
