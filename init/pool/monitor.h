/* Looking after the workers, every ping-interval: does the event loop or the health path answer,
 * how much memory, how old; and whether the container's CPU limit has changed. What cannot have
 * changed much is looked at less often. */
#pragma once

#include <stdint.h>
#include <uv.h>

struct init;
struct worker;

struct monitor {
	uv_timer_t tick;
	uint64_t last_ms, cpus_ms; /* of the last tick, of the last look at the limit */
	unsigned cpu_workers;      /* what the limit then allowed */
	unsigned n_ticks;
};

void monitor_start(struct init *in);

/* News of @w, between two looks: whether it gets new sessions is judged at once. */
void monitor_judge(struct init *in, struct worker *w);
