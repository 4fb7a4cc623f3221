/* What is wrong, or out of the ordinary, by the scoreboard: one pure function for all who say it
 * (/status, the page, `sioinit status`, `sioinit monit`). It keeps nothing: what is about the last
 * minute is found in the deaths and the history of the board. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ipc/scoreboard.h"

enum condition_severity { CONDITION_ERROR, CONDITION_WARN, CONDITION_INFO };

enum { CONDITIONS_MAX = 32, CONDITION_TEXT_SIZE = 160 };

struct condition {
	enum condition_severity severity;
	const char *id;                 /* static; docs/status.md has all */
	int slot;                       /* of the worker that it is about, -1: none */
	double since_s;                 /* how long it has been so, -1: not known */
	char text[CONDITION_TEXT_SIZE]; /* plain words, one line of ASCII */
};

struct conditions {
	unsigned n;
	unsigned left_out; /* there are so many more; the gravest are in the list */
	struct condition list[CONDITIONS_MAX];
};

/* All that hold at @now_ms of CLOCK_MONOTONIC, the gravest first. */
void conditions_find(const struct scoreboard *b, uint64_t now_ms, struct conditions *ret);

/* None of them is an error or a warning. */
bool conditions_are_ok(const struct conditions *cs);

/* "error", "warn", "info" */
const char *condition_severity_name(enum condition_severity s);
