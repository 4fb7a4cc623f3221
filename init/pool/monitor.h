/* Looking after the workers, every ping-interval: does the event loop or the health path answer,
 * how much memory, how old; and whether the container's CPU limit has changed. What cannot have
 * changed much is looked at less often. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "init/pool/relief.h"

struct pool;
struct worker;

struct monitor {
	struct pool *pool; /* NULL: not started */
	struct relief relief;
	uv_timer_t tick;
	bool is_stopped;
	uint64_t last_ms, cpus_ms; /* of the last tick, of the last look at the limit */
	unsigned cpu_workers;      /* what the limit then allowed */
	unsigned n_ticks;
};

/* Zero-initialised before; @p outlives it. */
void monitor_start(struct monitor *m, struct pool *p);
/* Nothing is judged, replaced or scaled any more. */
void monitor_stop(struct monitor *m);

/* News of @w, between two looks: whether it gets new sessions is judged at once. */
void monitor_judge(const struct monitor *m, struct worker *w);
