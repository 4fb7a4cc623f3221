/* Each key has one set of cells, by its hash. A cell changes its key only while it is free, so who
 * sees the same key before and after the number has the number of that key. */
#include "ipc/tally.h"

#include <stddef.h>

#include "base/ban.h"

static size_t set_of(uint64_t key)
{
	return (key * 0x9e3779b97f4a7c15u) >> 32 & (TALLY_SETS - 1);
}

static uint32_t held(const struct tally *t, const struct tally_cell *c)
{
	uint64_t h = atomic_load_explicit((counter *)&c->held, memory_order_acquire);

	return h >> 32 == (uint32_t)counter_get(&t->life) ? (uint32_t)h : 0;
}

static bool is_of(const struct tally_cell *c, uint64_t key)
{
	return atomic_load_explicit((counter *)&c->key, memory_order_acquire) == key;
}

struct tally_cell *tally_find_room(struct tally *t, uint64_t key)
{
	struct tally_cell *set = t->cells[set_of(key)];

	for (int i = 0; i < TALLY_WAYS; i++)
		if (held(t, &set[i]) == 0) {
			atomic_store_explicit(&set[i].key, key, memory_order_release);
			return &set[i];
		}
	return NULL;
}

void tally_set(struct tally *t, struct tally_cell *c, uint32_t n)
{
	atomic_store_explicit(&c->held, counter_get(&t->life) << 32 | n, memory_order_release);
}

uint32_t tally_get(const struct tally *t, uint64_t key)
{
	const struct tally_cell *set = t->cells[set_of(key)];

	for (int i = 0; i < TALLY_WAYS; i++)
		if (is_of(&set[i], key)) {
			uint32_t n = held(t, &set[i]);

			if (n > 0 && is_of(&set[i], key))
				return n;
		}
	return 0;
}

/* NULL: there is none of it. */
static struct tally_cell *cell_of(struct tally *t, uint64_t key)
{
	struct tally_cell *set = t->cells[set_of(key)];

	for (int i = 0; i < TALLY_WAYS; i++)
		if (is_of(&set[i], key) && held(t, &set[i]) > 0)
			return &set[i];
	return NULL;
}

bool tally_add_one(struct tally *t, uint64_t key)
{
	struct tally_cell *c = cell_of(t, key);

	if (!c)
		c = tally_find_room(t, key);
	if (c)
		tally_set(t, c, held(t, c) + 1);
	return c;
}

bool tally_take_one(struct tally *t, uint64_t key)
{
	struct tally_cell *c = cell_of(t, key);

	if (c)
		tally_set(t, c, held(t, c) - 1);
	return c;
}

void tally_free_all(struct tally *t)
{
	counter_add(&t->life, 1);
}
