/* One event as one line, whatever is in it. Pure but for the time zone. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/log.h"

enum { LOG_MESSAGE_MAX = 2048, LOG_LINE_BYTES = LOG_MESSAGE_MAX + 160 };

struct log_event {
	enum log_level level;
	enum log_id id;
	const char *component; /* NULL: none */
	const char *message;
	struct timespec when;
	const struct log_field *fields; /* for programs */
	size_t n_fields;
};

struct log_look {
	enum log_format format; /* not LOG_FORMAT_AUTO */
	bool colours;           /* of LOG_FORMAT_PRETTY */
	bool to_journal;        /* a priority comes first */
};

struct log_line {
	char text[LOG_LINE_BYTES];
	size_t len; /* with its '\n' */
};

/* @when as RFC 3339 has it: UTC, with milliseconds. */
void log_time_print(const struct timespec *when, char dst[static LOG_TIME_SIZE]);

/* A message that does not fit is cut, a field is left out. */
void log_line_print(struct log_line *l, const struct log_look *look, const struct log_event *e);
