/* What workers write, line by line: cut, prefixed or wrapped. Pure.
 *
 *	raw      text
 *	prefix   [0] text
 *	         (for people the text begins in the same column, and each slot has a colour)
 *	json     {"time":...,"level":"info","msg":"text","worker":0,"pid":17,"stream":"stdout"}
 *
 * The first two may have a date before them: "2026-11-25 04:00:00: [0] text".
 * A sidecar's have its name instead of the slot: [name] text, "sidecar":"name". stderr has level
 *"error". A line that is a JSON object already keeps all it has, and gets worker, pid and stream
 * where it has none of that name. A line longer than LOG_LINE_MAX comes in pieces, which end with
 * whole characters; in JSON all but the last have "partial":true. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "settings/config.h"

enum { LOG_LINE_MAX = 64 << 10 };

struct log_lines {
	enum config_worker_logs format; /* raw, prefix or json */
	const char *date; /* before each line, lent from one feed to the next; NULL: none */
	uint32_t worker;
	const char *sidecar; /* whose lines they are, borrowed; NULL: the worker's */
	pid_t pid;
	bool is_stderr;
	bool is_aligned, has_colours;                      /* of the prefix, for people */
	void (*put)(struct log_lines *l, struct str line); /* @line, with its '\n', is lent */
	struct buf part;                                   /* of a line, at most LOG_LINE_MAX */
	bool cut;                                          /* the line began with other pieces */
	unsigned lost;                                     /* lines there was no memory for */
};

/* @put may not change @l. Free with log_lines_end(). */
void log_lines_init(struct log_lines *l, enum config_worker_logs format, uint32_t worker,
		    bool is_stderr, void (*put)(struct log_lines *l, struct str line));

/* @time is now, RFC 3339. */
void log_lines_feed(struct log_lines *l, struct str bytes, const char *time);

/* The unfinished line comes out as it is. More may be fed. */
void log_lines_end(struct log_lines *l, const char *time);
