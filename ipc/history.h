/* What the last minutes were like, in the scoreboard: steps of HISTORY_STEP_MS with what was
 * counted in each, and the largest lag of each worker. One writer, init, once a second. The number
 * of steps is written last, and there are more places than are read, so that a reader gets whole
 * steps without a lock. What is read may be garbage (shared memory is not trusted): numbers to
 * print, never an index. */
#pragma once

#include <stdint.h>

#include "ipc/counter.h"

struct scoreboard;

enum {
	HISTORY_STEPS = 60,
	HISTORY_PLACES = 64,
	HISTORY_STEP_MS = 5000,
	HISTORY_SLOTS = 64, /* whose lag is kept */
};

enum history_number {
	HISTORY_REQUESTS,
	HISTORY_BROADCASTS,
	HISTORY_CONNECTS,
	HISTORY_ERRORS,  /* answers with 5xx */
	HISTORY_REFUSED, /* requests, for want of a worker */
	HISTORY_MISSES,  /* requests of a session that nobody knows */
	HISTORY_NUMBERS,
};

/* What was counted from @end_ms - @took_ms on. */
struct history_step {
	uint64_t end_ms; /* CLOCK_MONOTONIC */
	uint64_t took_ms;
	uint64_t counted[HISTORY_NUMBERS];
};

struct history {
	counter n; /* steps ever */
	/* of the step that goes on: its begin, and what the totals were then */
	counter begun_ms, before[HISTORY_NUMBERS];
	struct history_place {
		counter end_ms, took_ms, counted[HISTORY_NUMBERS];
	} places[HISTORY_PLACES];
	counter n_slots;                               /* whose lag has ever been kept */
	counter lag_ms[HISTORY_SLOTS][HISTORY_PLACES]; /* the largest of the step */
};

/* By init: once a second. */
void history_look(struct scoreboard *b, uint64_t now_ms);

/* Which steps there are: @count of them, the first one at @first. */
struct history_span {
	uint64_t first;
	unsigned count;
};

struct history_span history_span(const struct scoreboard *b);
/* Step @at, from .first on. */
struct history_step history_step(const struct scoreboard *b, uint64_t at);
/* The step that goes on. */
struct history_step history_current(const struct scoreboard *b, uint64_t now_ms);
/* The largest lag of the worker of @slot, less than HISTORY_SLOTS, in step @at. */
uint64_t history_lag_ms(const struct scoreboard *b, unsigned slot, uint64_t at);
