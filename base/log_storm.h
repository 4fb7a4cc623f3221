/* Of warnings and errors that say the same but for numbers, LOG_SAME_MAX are written in a second,
 * and of other lines LOG_SAME_INFO_MAX: each worker may tell of itself. The others are counted: one
 * line when the second is over, and while it goes on after two more seconds, four, ... at most
 * STORM_LONGEST_MS, until there was none for five seconds. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"

enum { LOG_SAME_MAX = 5, LOG_SAME_INFO_MAX = 100, STORM_LONGEST_MS = 64000 };

/* True: @message is counted, and not to be written. */
bool log_storm_takes(enum log_level level, enum log_id id, const char *message);

typedef void log_storm_write(enum log_level level, enum log_id id, const char *message);

/* Has the counts written that are due; with @all those of storms that go on, too. */
void log_storm_settle(bool all, log_storm_write *write);

/* When the next count is due, in ms from now; -1: there is none. */
int64_t log_storm_due_ms(void);
