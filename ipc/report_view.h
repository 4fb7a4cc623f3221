/* What the reports read of the scoreboard, so that all speak of the same things in the same words.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "ipc/control.h"
#include "ipc/process_usage.h"
#include "ipc/scoreboard.h"

/* What is read of a row once, so that all columns speak of the same moment. */
struct report_view {
	const struct scoreboard *board;
	unsigned slot;
	const struct scoreboard_row *row;
	uint64_t pid;
	struct process_usage usage;
	const char *state;
	double uptime_s;
};

struct report_view report_view_of(const struct scoreboard *b, unsigned slot);

unsigned report_rows_in_use(const struct scoreboard *b);

enum { REPORT_N_PHASES = PHASE_DRAINING + 1 };
extern const char *const report_phases[REPORT_N_PHASES];
const char *report_phase_of(const struct scoreboard *b);

static inline unsigned long long n(const counter *c)
{
	return counter_get(c);
}

/* What the routers have counted, together. */
#define TOTAL(b, field)                                                                            \
	((unsigned long long)scoreboard_total(b, offsetof(struct scoreboard_router, field)))
#define SLOT_TOTAL(v, field)                                                                       \
	((unsigned long long)scoreboard_slot_total((v)->board, (v)->slot,                          \
						   offsetof(struct scoreboard_share, field)))
