/* A number in memory that processes share: one of them writes it, all read it. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

typedef _Atomic uint64_t counter;

/* Only the one writer of @c may call these. */
static inline void counter_set(counter *c, uint64_t n)
{
	atomic_store_explicit(c, n, memory_order_relaxed);
}

static inline uint64_t counter_get(const counter *c)
{
	return atomic_load_explicit((counter *)c, memory_order_relaxed);
}

static inline void counter_add(counter *c, uint64_t n)
{
	counter_set(c, counter_get(c) + n);
}
