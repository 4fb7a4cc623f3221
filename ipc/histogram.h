/* Durations, counted by how long they were. In memory that processes share: one writes, all read.
 */
#pragma once

#include <stdint.h>

#include "ipc/counter.h"

enum { HISTOGRAM_BOUNDS_MAX = 14 };

/* Upper bounds of the buckets, rising. What is longer than all is in one more. */
struct histogram_bounds {
	unsigned n;
	uint64_t us[HISTOGRAM_BOUNDS_MAX];
};

/* Each duration is in one bucket: the sums that Prometheus wants are made by who reports. */
struct histogram {
	counter buckets[HISTOGRAM_BOUNDS_MAX + 1];
	counter sum_us;
};

/* The bucket of @us: bounds->n for what is longer than all bounds. */
unsigned histogram_bucket(const struct histogram_bounds *bounds, uint64_t us);

/* Only the one writer of @h may call it. */
void histogram_observe(struct histogram *h, const struct histogram_bounds *bounds, uint64_t us);
