/* The parts of the JSON. ipc/report*.c only. */
#pragma once

#include "base/buf.h"
#include "ipc/conditions.h"
#include "ipc/scoreboard.h"

/* Each appends to @out and returns as those of report.h. */

/* The elements of arrays. */
int report_json_workers(const struct scoreboard *b, struct buf *out);
int report_json_conditions(const struct conditions *cs, struct buf *out);
int report_json_deaths(const struct scoreboard *b, uint64_t now_ms, struct buf *out);

/* "reload":{}, "drain":{} */
int report_json_stages(const struct scoreboard *b, struct buf *out);
/* "history":{} */
int report_json_history(const struct scoreboard *b, struct buf *out);
