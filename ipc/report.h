/* The scoreboard for people (a table), for programs (JSON) and for Prometheus. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "ipc/metrics_text.h"
#include "ipc/scoreboard.h"

/* Each appends to @out: 0, -EMSGSIZE or -ENOMEM. Resident memory and CPU time are read from /proc.
 */
int report_table(const struct scoreboard *b, struct buf *out);
/* One worker, a line for each number of the metrics. */
int report_worker(const struct scoreboard *b, unsigned slot, struct buf *out);
int report_json(const struct scoreboard *b, struct buf *out);
/* @app_follows: the metrics of the app are to come behind, as text; it has process_... of its own.
 */
int report_metrics(const struct scoreboard *b, enum metrics_format format, bool app_follows,
		   struct buf *out);
