/* Names of files that get what workers write (log-out, log-err, log-all). Pure. */
#pragma once

#include <stdbool.h>

enum { LOG_FILE_SLOTS = 1024, LOG_FILE_PATH_MAX = 1024 };

/* Whether each slot has a file of its own. */
bool log_file_is_by_slot(const char *pattern);

/* Writes @pattern to @dst with @slot for each {slot}. False: too long. */
bool log_file_path(const char *pattern, unsigned slot, char dst[static LOG_FILE_PATH_MAX]);
