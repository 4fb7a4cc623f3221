/* Restart policy. The first short life is followed by a start after restart-delay and every further
 * one by restart-backoff times that: a crash loop costs little and a single crash costs no one a
 * second. */
#include "init/pool/restart.h"

#include "base/ban.h"

enum { LEAST_MS = 1, MAX_MS = 15000, EARLY_DEATHS_MAX = 5, ONE = 1000 };

uint64_t restart_backoff_ms(const struct config *c, unsigned n, uint32_t random)
{
	uint64_t ms = c->restart_delay_ms ? c->restart_delay_ms : LEAST_MS;

	if (c->restart_backoff == ONE)
		return ms;
	while (n-- > 1 && ms < MAX_MS) {
		ms = (ms * c->restart_backoff + ONE - 1) / ONE;
		ms = ms < MAX_MS ? ms : MAX_MS;
	}
	return ms * (80 + random % 41) / 100;
}

static bool is_done(const struct config *c, int code)
{
	for (unsigned i = 0; i < c->stop_exit_codes.n; i++)
		if (c->stop_exit_codes.code[i] == code)
			return true;
	return false;
}

/* A crash loop of an app that never served. */
static bool is_hopeless(const struct restart *r, bool was_ready)
{
	return !was_ready && r->short_lives >= EARLY_DEATHS_MAX;
}

/* An app that waits for its database and then fails loops as much as one that fails at once. */
static bool is_short(const struct config *c, const struct restart_end *end)
{
	return end->missed || end->uptime_ms < c->min_uptime_ms;
}

/* systemd.unit(5), StartLimitIntervalSec=: an interval begins with the first end after the last
 * one is over. One end for each worker counts as one, so that a single worker's loop costs the
 * others nothing. */
static bool is_over_limit(struct start_limit *l, const struct config *c,
			  const struct restart_end *end)
{
	const struct config_start_limit *limit = &c->start_limit;

	if (!limit->n)
		return false;
	if (l->n_ends == 0 || end->now_ms - l->begun_ms >= limit->within_ms)
		*l = (struct start_limit){ .begun_ms = end->now_ms };
	l->n_ends++;
	return l->n_ends > (uint64_t)limit->n * end->n_workers;
}

static const char *give_up_why(const struct restart *r, struct start_limit *l,
			       const struct config *c, const struct restart_end *end)
{
	if (is_hopeless(r, end->was_ready))
		return "none has ever been ready";
	if (c->max_restarts && r->short_lives > c->max_restarts)
		return "SIOINIT_MAX_RESTARTS";
	return is_over_limit(l, c, end) ? "SIOINIT_START_LIMIT" : NULL;
}

enum restart_verdict restart_judge(struct restart *r, struct start_limit *l, const struct config *c,
				   const struct restart_end *end, uint64_t *ret_delay_ms,
				   const char **ret_why)
{
	*ret_delay_ms = 0;
	*ret_why = "SIOINIT_RESTART=never";
	if (c->restart == RESTART_NEVER)
		return RESTART_GIVE_UP;
	*ret_why = "SIOINIT_RESTART=once";
	if (c->restart == RESTART_ONCE)
		return RESTART_NOT;
	*ret_why = "SIOINIT_STOP_EXIT_CODES";
	if (is_done(c, end->code))
		return RESTART_NOT;
	r->short_lives = is_short(c, end) ? r->short_lives + 1 : 0;
	*ret_why = give_up_why(r, l, c, end);
	if (*ret_why)
		return RESTART_GIVE_UP;
	*ret_delay_ms = restart_backoff_ms(c, r->short_lives ? r->short_lives : 1, end->random);
	return RESTART_AFTER;
}

uint64_t restart_replacement_failed(struct restart *r, const struct config *c, uint32_t random)
{
	return restart_backoff_ms(c, ++r->failed_replacements, random);
}

void restart_replaced(struct restart *r)
{
	r->failed_replacements = 0;
}
