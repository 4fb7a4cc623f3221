/* The scoreboard for people (a table), for programs (JSON) and for Prometheus. */
#pragma once

#include "base/buf.h"
#include "ipc/metrics_text.h"
#include "ipc/scoreboard.h"

/* What is largest comes first, but for slots. */
enum report_sort {
	REPORT_BY_SLOT,
	REPORT_BY_LAG,
	REPORT_BY_MEMORY,
	REPORT_BY_CPU,
	REPORT_BY_SESSIONS,
	REPORT_N_SORTS,
};

/* slot, lag, memory, cpu, sessions. False: none of these. */
bool report_sort_of(const char *word, enum report_sort *ret);

/* Each appends to @out: 0, -EMSGSIZE or -ENOMEM. Resident memory and CPU time are read from /proc.
 */
int report_table(const struct scoreboard *b, struct buf *out);
int report_table_sorted(const struct scoreboard *b, enum report_sort sort, struct buf *out);
/* One worker, a line for each number of the metrics. */
int report_worker(const struct scoreboard *b, unsigned slot, struct buf *out);
int report_json(const struct scoreboard *b, struct buf *out);

/* What not every answer with the metrics has; bits. */
enum report_parts {
	REPORT_PROCESS = 1, /* process_... of init; the app's may have the same names */
	REPORT_END = 2,     /* nothing follows */
};
int report_metrics(const struct scoreboard *b, enum metrics_format format, unsigned parts,
		   struct buf *out);

/* The members of one object of "deaths" in the JSON, without its braces. */
int report_death_members(const struct death *d, uint64_t now_ms, struct buf *out);

enum { REPORT_DEATH_TEXT = 96 };
/* How it ended and why, in plain words: "exit code 1 after 3s, not ready yet". */
void report_death_text(const struct death *d, char dst[static REPORT_DEATH_TEXT]);
