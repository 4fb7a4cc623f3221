/* A bounded search and two additions. */
#include "ipc/histogram.h"

#include "base/ban.h"

unsigned histogram_bucket(const struct histogram_bounds *bounds, uint64_t us)
{
	unsigned i = 0;

	while (i < bounds->n && us > bounds->us[i])
		i++;
	return i;
}

void histogram_observe(struct histogram *h, const struct histogram_bounds *bounds, uint64_t us)
{
	counter_add(&h->buckets[histogram_bucket(bounds, us)], 1);
	counter_add(&h->sum_us, us);
}
