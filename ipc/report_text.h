/* What all reports are written with. ipc/report*.c only. */
#pragma once

#include "base/buf.h"
#include "base/str.h"
#include "ipc/counter.h"

/* From @ms, of CLOCK_MONOTONIC, to now; 0 when it is 0. */
double report_seconds_since(const counter *ms);
/* As people say it: 17s, 3m, 5h, 2d. */
int report_age(double seconds, char dst[static 16]);

/* Appends a JSON string in quotes, whatever bytes are in @s. 0, -EMSGSIZE or -ENOMEM. */
int report_json_string(struct str s, struct buf *out);
