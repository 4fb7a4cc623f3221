/* See exemplar.h. */
#include "ipc/exemplar.h"

#include "base/ban.h"

void exemplar_set(struct exemplar *e, const struct exemplar_values *v)
{
	uint64_t odd = counter_get(&e->turn) | 1;

	counter_set(&e->turn, odd);
	atomic_thread_fence(memory_order_release);
	counter_set(&e->trace[0], v->trace[0]);
	counter_set(&e->trace[1], v->trace[1]);
	counter_set(&e->us, v->us);
	counter_set(&e->at_ms, v->at_ms);
	atomic_store_explicit(&e->turn, odd + 1, memory_order_release);
}

bool exemplar_get(const struct exemplar *e, struct exemplar_values *ret)
{
	uint64_t turn = atomic_load_explicit((counter *)&e->turn, memory_order_acquire);

	ret->trace[0] = counter_get(&e->trace[0]);
	ret->trace[1] = counter_get(&e->trace[1]);
	ret->us = counter_get(&e->us);
	ret->at_ms = counter_get(&e->at_ms);
	atomic_thread_fence(memory_order_acquire);
	return turn && turn % 2 == 0 && counter_get(&e->turn) == turn;
}
