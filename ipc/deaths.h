/* The last ends of workers that nobody had asked for, as numbers in the scoreboard: a ring with one
 * writer, init. Its index is written last, and it has more places than are read, so that a reader
 * gets whole entries without a lock. What is read may be garbage (shared memory is not trusted):
 * numbers to print, never an index. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ipc/counter.h"

enum { DEATHS_MAX = 16, DEATHS_PLACES = 2 * DEATHS_MAX };

struct death {
	uint64_t at_ms; /* CLOCK_MONOTONIC */
	uint64_t slot, pid;
	uint64_t reason; /* enum worker_end_reason */
	uint64_t code;   /* the exit code; without meaning when there is a signal */
	uint64_t signal; /* that ended it, 0: none */
	uint64_t lived_ms;
	uint64_t silent_ms; /* how long it had not answered; of a hang */
	uint64_t was_ready; /* 1: it had been ready */
};

enum { DEATH_NUMBERS = sizeof(struct death) / sizeof(uint64_t) };

struct deaths {
	counter n; /* ever */
	counter places[DEATHS_PLACES][DEATH_NUMBERS];
};

/* By init. */
void deaths_add(struct deaths *d, const struct death *what);

/* The last ones, newest first; how many. */
unsigned deaths_read(const struct deaths *d, struct death dst[static DEATHS_MAX]);
