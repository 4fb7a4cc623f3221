/* The scoreboard for people (a table), for programs (JSON) and for Prometheus. */
#pragma once

#include "base/buf.h"
#include "ipc/metrics_text.h"
#include "ipc/scoreboard.h"

/* Each appends to @out: 0, -EMSGSIZE or -ENOMEM. Resident memory and CPU time are read from /proc.
 */
int report_table(const struct scoreboard *b, struct buf *out);
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
