/* How much there is of each of many keys, written by one process and read by others without a lock.
 * Of a fixed size; no key is ever mixed up with another, but one may find no room.
 *
 * In shared memory, zeros at first. It has lives: what was written in an earlier one does not
 * count, so whoever has seen the writer die makes all of it free at once and touches nothing else.
 */
#pragma once

#include <stdbool.h>

#include "ipc/counter.h"

enum { TALLY_SETS = 4096, TALLY_WAYS = 8 };

struct tally_cell {
	counter key;
	counter held; /* life << 32 | how much; nothing: free */
};

struct tally {
	counter life;
	struct tally_cell cells[TALLY_SETS][TALLY_WAYS];
};

/* By the writer: a cell for @key, which has none, or NULL when the few it could be in are taken. It
 * is free until something is set. */
struct tally_cell *tally_find_room(struct tally *t, uint64_t key);
void tally_set(struct tally *t, struct tally_cell *c, uint32_t n);

/* By the writer: one more or one less of @key. False: nothing has changed, as there is no room, or
 * there is none of it. */
bool tally_add_one(struct tally *t, uint64_t key);
bool tally_take_one(struct tally *t, uint64_t key);

/* By anyone. 0 for a key that found no room. */
uint32_t tally_get(const struct tally *t, uint64_t key);

/* The writer is dead, and the next one has not begun. */
void tally_free_all(struct tally *t);
