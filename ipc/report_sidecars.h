/* The processes beside the workers, in the three views of report.h. ipc/report*.c only. */
#pragma once

#include "base/buf.h"
#include "ipc/metrics_text.h"
#include "ipc/report_text.h"
#include "ipc/scoreboard.h"

/* Each appends nothing where there are none, and the first two return as those of report.h. */
int report_sidecars_table(const struct scoreboard *b, struct buf *out);
/* The elements of an array. */
int report_sidecars_json(const struct scoreboard *b, struct buf *out);
void report_sidecars_metrics(const struct scoreboard *b, struct metrics_text *t);
