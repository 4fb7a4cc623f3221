/* See history.h. */
#include "ipc/history.h"

#include <stdbool.h>
#include <stddef.h>

#include "ipc/scoreboard.h"

#include "base/ban.h"

static uint64_t total(const struct scoreboard *b, enum history_number what)
{
	switch (what) {
	case HISTORY_REQUESTS:
		return scoreboard_total(b, offsetof(struct scoreboard_router, requests));
	case HISTORY_BROADCASTS:
		return counter_get(&b->relay_messages);
	case HISTORY_CONNECTS:
		return scoreboard_total(b, offsetof(struct scoreboard_router, connections));
	case HISTORY_ERRORS:
		return scoreboard_total(b, offsetof(struct scoreboard_router, responses[5]));
	case HISTORY_REFUSED:
		return scoreboard_total(b, offsetof(struct scoreboard_router, no_worker));
	case HISTORY_MISSES:
		return scoreboard_total(b, offsetof(struct scoreboard_router, sid_misses));
	case HISTORY_NUMBERS:
		break;
	}
	return 0;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

struct history_step history_current(const struct scoreboard *b, uint64_t now_ms)
{
	struct history_step s = { .end_ms = now_ms,
				  .took_ms = less(now_ms, counter_get(&b->history.begun_ms)) };

	for (unsigned i = 0; i < HISTORY_NUMBERS; i++)
		s.counted[i] = less(total(b, i), counter_get(&b->history.before[i]));
	return s;
}

static unsigned at_most(uint64_t n, unsigned most)
{
	return n < most ? (unsigned)n : most;
}

static void look_at_lag(struct scoreboard *b)
{
	struct history *h = &b->history;
	uint64_t at = counter_get(&h->n) % HISTORY_PLACES;
	unsigned n = at_most(counter_get(&b->wanted), HISTORY_SLOTS);

	if (n > counter_get(&h->n_slots))
		counter_set(&h->n_slots, n);
	for (unsigned slot = 0; slot < n; slot++) {
		uint64_t lag_ms = counter_get(&b->rows[slot].lag_ms);

		if (lag_ms > counter_get(&h->lag_ms[slot][at]))
			counter_set(&h->lag_ms[slot][at], lag_ms);
	}
}

static void begin_step(struct scoreboard *b, uint64_t now_ms)
{
	struct history *h = &b->history;
	uint64_t at = counter_get(&h->n) % HISTORY_PLACES;
	unsigned n = at_most(counter_get(&h->n_slots), HISTORY_SLOTS);

	counter_set(&h->begun_ms, now_ms);
	for (unsigned i = 0; i < HISTORY_NUMBERS; i++)
		counter_set(&h->before[i], total(b, i));
	for (unsigned slot = 0; slot < n; slot++)
		counter_set(&h->lag_ms[slot][at], 0);
}

static void end_step(struct scoreboard *b, uint64_t now_ms)
{
	struct history *h = &b->history;
	struct history_place *place = &h->places[counter_get(&h->n) % HISTORY_PLACES];
	struct history_step s = history_current(b, now_ms);

	counter_set(&place->end_ms, s.end_ms);
	counter_set(&place->took_ms, s.took_ms);
	for (unsigned i = 0; i < HISTORY_NUMBERS; i++)
		counter_set(&place->counted[i], s.counted[i]);
	atomic_store_explicit(&h->n, counter_get(&h->n) + 1, memory_order_release);
}

/* A beat that is a little early ends it, too. */
void history_look(struct scoreboard *b, uint64_t now_ms)
{
	uint64_t begun_ms = counter_get(&b->history.begun_ms);
	bool is_over = now_ms - begun_ms >= HISTORY_STEP_MS - HISTORY_STEP_MS / 50;

	if (begun_ms && is_over)
		end_step(b, now_ms);
	if (is_over)
		begin_step(b, now_ms);
	look_at_lag(b);
}

struct history_span history_span(const struct scoreboard *b)
{
	uint64_t n = atomic_load_explicit((counter *)&b->history.n, memory_order_acquire);
	unsigned count = n < HISTORY_STEPS ? (unsigned)n : HISTORY_STEPS;

	return (struct history_span){ n - count, count };
}

struct history_step history_step(const struct scoreboard *b, uint64_t at)
{
	const struct history_place *place = &b->history.places[at % HISTORY_PLACES];
	struct history_step s = { counter_get(&place->end_ms),
				  counter_get(&place->took_ms),
				  { 0 } };

	for (unsigned i = 0; i < HISTORY_NUMBERS; i++)
		s.counted[i] = counter_get(&place->counted[i]);
	return s;
}

uint64_t history_lag_ms(const struct scoreboard *b, unsigned slot, uint64_t at)
{
	return counter_get(&b->history.lag_ms[slot][at % HISTORY_PLACES]);
}
