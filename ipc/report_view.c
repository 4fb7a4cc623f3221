/* See report_view.h. */
#include "ipc/report_view.h"

#include "base/macros.h"
#include "ipc/control.h"
#include "ipc/report_sidecars.h"

#include "base/ban.h"

static const char *const states[] = {
	[WORKER_SPAWNED] = "spawned",   [WORKER_BOOTING] = "booting",
	[WORKER_READY] = "ready",       [WORKER_SUSPECT] = "suspect",
	[WORKER_CLOSED] = "closed",     [WORKER_DRAINING] = "draining",
	[WORKER_STOPPING] = "stopping", [WORKER_DEAD] = "dead",
};

const char *const report_phases[REPORT_N_PHASES] = {
	[PHASE_STARTING] = "starting",
	[PHASE_SERVING] = "serving",
	[PHASE_LAME_DUCK] = "lame-duck",
	[PHASE_DRAINING] = "draining",
};

struct report_view report_view_of(const struct scoreboard *b, unsigned slot)
{
	const struct scoreboard_row *row = &b->rows[slot];
	uint64_t state = counter_get(&row->state);
	struct report_view v = {
		.board = b, .slot = slot, .row = row, .pid = counter_get(&row->pid)
	};

	v.state = v.pid && state < ARRAY_LEN(states) ? states[state] : "none";
	v.uptime_s = v.pid ? report_seconds_since(&row->started_ms) : 0;
	process_usage_read(v.pid, &v.usage);
	return v;
}

unsigned report_rows_in_use(const struct scoreboard *b)
{
	uint64_t n = counter_get(&b->wanted);

	return n < SCOREBOARD_ROWS ? (unsigned)n : SCOREBOARD_ROWS;
}

const char *report_phase_of(const struct scoreboard *b)
{
	uint64_t p = counter_get(&b->phase);

	return p < REPORT_N_PHASES ? report_phases[p] : "unknown";
}
