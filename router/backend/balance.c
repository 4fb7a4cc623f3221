/* Balancing. A score is compared in two parts: what the method puts first, then the turn, so that
 * equal ones are taken in the order of their slots. */
#include "router/backend/balance.h"

#include <stdbool.h>

#include "base/ban.h"

enum { LAG_STEP_MS = 10, SKIPS_MAX = 64 };

/* How far @slot lies behind the last chosen one, going round. */
static uint32_t turns(const struct balance *b, uint32_t slot)
{
	return slot - b->last_slot - 1;
}

static uint64_t load_score(const struct balance_candidate *c)
{
	return ((uint64_t)c->load + 1) * BALANCE_FULL_SHARE * BALANCE_FULL_SHARE / c->share;
}

/* 0 below a step, then 1, 2, 3 for twice as much each. */
static uint64_t lag_score(const struct balance_candidate *c)
{
	uint64_t steps = 0;

	for (uint32_t ms = c->lag_ms / LAG_STEP_MS; ms; ms /= 2)
		steps++;
	return steps;
}

static bool is_better(const struct balance *b, const struct balance_candidate *x,
		      const struct balance_candidate *y)
{
	uint64_t lx = load_score(x), ly = load_score(y);

	return lx < ly || (lx == ly && turns(b, x->slot) < turns(b, y->slot));
}

static size_t least_sessions(const struct balance *b, const struct balance_candidate *c, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (is_better(b, &c[i], &c[best]))
			best = i;
	return best;
}

static size_t least_lag(const struct balance *b, const struct balance_candidate *c, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++) {
		uint64_t lag = lag_score(&c[i]), least = lag_score(&c[best]);

		if (lag < least || (lag == least && is_better(b, &c[i], &c[best])))
			best = i;
	}
	return best;
}

static size_t any(const struct balance *b, size_t n)
{
	return b->random() % n;
}

static size_t two_choices(const struct balance *b, const struct balance_candidate *c, size_t n)
{
	size_t first = any(b, n), second = n > 1 ? (first + 1 + any(b, n - 1)) % n : first;

	return is_better(b, &c[second], &c[first]) ? second : first;
}

static uint32_t greatest_share(const struct balance_candidate *c, size_t n)
{
	uint32_t most = 1;

	for (size_t i = 0; i < n; i++)
		if (c[i].share > most)
			most = c[i].share;
	return most;
}

/* A newer worker than the others lets some of its turns pass. */
static bool passes(const struct balance *b, const struct balance_candidate *c, uint32_t most)
{
	return c->share < most && b->random() % most >= c->share;
}

static size_t next_in_turn(const struct balance *b, const struct balance_candidate *c, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (turns(b, c[i].slot) < turns(b, c[best].slot))
			best = i;
	return best;
}

static size_t round_robin(const struct balance *b, const struct balance_candidate *c, size_t n)
{
	uint32_t most = greatest_share(c, n);
	struct balance turn = *b;
	size_t i = next_in_turn(&turn, c, n);

	for (int skips = 0; skips < SKIPS_MAX && passes(b, &c[i], most); skips++) {
		turn.last_slot = c[i].slot;
		i = next_in_turn(&turn, c, n);
	}
	return i;
}

static size_t at_random(const struct balance *b, const struct balance_candidate *c, size_t n)
{
	uint32_t most = greatest_share(c, n);
	size_t i = any(b, n);

	for (int skips = 0; skips < SKIPS_MAX && passes(b, &c[i], most); skips++)
		i = any(b, n);
	return i;
}

static size_t (*const methods[BALANCE_N_METHODS])(const struct balance *b,
						  const struct balance_candidate *c, size_t n) = {
	[BALANCE_LEAST_SESSIONS] = least_sessions,
	[BALANCE_LEAST_LAG] = least_lag,
	[BALANCE_TWO_CHOICES] = two_choices,
	[BALANCE_ROUND_ROBIN] = round_robin,
	[BALANCE_RANDOM] = at_random,
};

size_t balance_choose(struct balance *b, const struct balance_candidate *c, size_t n)
{
	size_t i = methods[b->method](b, c, n);

	b->last_slot = c[i].slot;
	return i;
}

uint32_t balance_share(uint64_t age_ms, uint32_t slow_start_ms)
{
	uint64_t share;

	if (age_ms >= slow_start_ms)
		return BALANCE_FULL_SHARE;
	share = age_ms * BALANCE_FULL_SHARE / slow_start_ms;
	return share ? (uint32_t)share : 1;
}
