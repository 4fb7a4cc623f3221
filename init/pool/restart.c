/* Restart policy. The first short life is followed by a start after restart-delay and every further
 * one by twice that: a crash loop costs little and a single crash costs no one a second. */
#include "init/pool/restart.h"

#include "base/ban.h"

enum { LEAST_MS = 1, MAX_MS = 15000, EARLY_DEATHS_MAX = 5 };

uint64_t restart_backoff_ms(const struct config *c, unsigned n, uint32_t random)
{
	uint64_t ms = c->restart_delay_ms ? c->restart_delay_ms : LEAST_MS;

	while (n-- > 1 && ms < MAX_MS)
		ms = ms * 2 < MAX_MS ? ms * 2 : MAX_MS;
	return ms * (80 + random % 41) / 100;
}

static bool is_done(const struct config *c, int code)
{
	for (unsigned i = 0; i < c->stop_exit_codes.n; i++)
		if (c->stop_exit_codes.code[i] == code)
			return true;
	return false;
}

/* A crash loop: of an app that never served, or longer than the user wants to see. */
static bool is_hopeless(const struct restart *r, const struct config *c, bool was_ready)
{
	if (!was_ready && r->short_lives >= EARLY_DEATHS_MAX)
		return true;
	return c->max_restarts && r->short_lives > c->max_restarts;
}

/* An app that waits for its database and then fails loops as much as one that fails at once. */
static bool is_short(const struct config *c, const struct restart_end *end)
{
	return end->missed || end->uptime_ms < c->min_uptime_ms;
}

enum restart_verdict restart_judge(struct restart *r, const struct config *c,
				   const struct restart_end *end, uint64_t *ret_delay_ms)
{
	*ret_delay_ms = 0;
	if (c->restart == RESTART_NEVER)
		return RESTART_GIVE_UP;
	if (is_done(c, end->code))
		return RESTART_NOT;
	r->short_lives = is_short(c, end) ? r->short_lives + 1 : 0;
	if (is_hopeless(r, c, end->was_ready))
		return RESTART_GIVE_UP;
	*ret_delay_ms = restart_backoff_ms(c, r->short_lives ? r->short_lives : 1, end->random);
	return RESTART_AFTER;
}
