/* See deaths.h. */
#include "ipc/deaths.h"

#include <string.h>

#include "base/ban.h"

void deaths_add(struct deaths *d, const struct death *what)
{
	uint64_t n = counter_get(&d->n), numbers[DEATH_NUMBERS];
	counter *place = d->places[n % DEATHS_PLACES];

	memcpy(numbers, what, sizeof(numbers));
	for (unsigned i = 0; i < DEATH_NUMBERS; i++)
		counter_set(&place[i], numbers[i]);
	atomic_store_explicit(&d->n, n + 1, memory_order_release);
}

static void read_place(const counter *place, struct death *ret)
{
	uint64_t numbers[DEATH_NUMBERS];

	for (unsigned i = 0; i < DEATH_NUMBERS; i++)
		numbers[i] = counter_get(&place[i]);
	memcpy(ret, numbers, sizeof(*ret));
}

/* Those whose places have been used again meanwhile are the last ones of @dst. */
unsigned deaths_read(const struct deaths *d, struct death dst[static DEATHS_MAX])
{
	uint64_t n = atomic_load_explicit((counter *)&d->n, memory_order_acquire), more;
	unsigned count = n < DEATHS_MAX ? (unsigned)n : DEATHS_MAX;

	for (unsigned i = 0; i < count; i++)
		read_place(d->places[(n - 1 - i) % DEATHS_PLACES], &dst[i]);
	atomic_thread_fence(memory_order_acquire);
	more = counter_get(&d->n) - n;
	if (more >= DEATHS_PLACES)
		return 0;
	return count < DEATHS_PLACES - more ? count : (unsigned)(DEATHS_PLACES - more) - 1;
}
