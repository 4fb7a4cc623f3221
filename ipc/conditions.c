/* A rule for each condition, in the order they are told in. */
#include "ipc/conditions.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "base/macros.h"
#include "ipc/control.h"
#include "ipc/worker_end.h"

#include "base/ban.h"

enum {
	MINUTE_MS = 60000,
	HANGING_MS = 10000,          /* or half of hang-timeout */
	FLAPPING_ENDS = 3,           /* within a minute */
	READY_MS = 30000,            /* where ready-timeout is off */
	BACKLOG_PART = 2,            /* of the relay's memory: a half */
	MISSES_LEAST = 20,           /* within a minute */
	MISSES_PART = 10,            /* of the requests: a tenth */
	SETTLING_MS = 2 * MINUTE_MS, /* after the start clients come back with sessions of before */
};

/* What the rules read, once. */
struct look {
	const struct scoreboard *b;
	uint64_t now_ms;
	unsigned rows; /* in use */
	uint64_t phase, stage;
	struct death deaths[DEATHS_MAX];
	unsigned n_deaths;
	struct conditions *found;
};

static void __attribute__((format(printf, 6, 7)))
add(const struct look *l, enum condition_severity severity, const char *id, int slot,
    double since_s, const char *fmt, ...)
{
	struct conditions *cs = l->found;
	struct condition *c = &cs->list[cs->n];
	va_list ap;

	if (cs->n == CONDITIONS_MAX) {
		cs->left_out++;
		return;
	}
	*c = (struct condition){ .severity = severity, .id = id, .slot = slot, .since_s = since_s };
	va_start(ap, fmt);
	(void)vsnprintf(c->text, sizeof(c->text), fmt, ap);
	va_end(ap);
	cs->n++;
}

static double seconds(uint64_t ms)
{
	return (double)ms / 1000;
}

static double since(const struct look *l, uint64_t begin_ms)
{
	return begin_ms && begin_ms <= l->now_ms ? seconds(l->now_ms - begin_ms) : -1;
}

static bool is_recent(const struct look *l, uint64_t at_ms)
{
	return at_ms && at_ms <= l->now_ms && l->now_ms - at_ms < MINUTE_MS;
}

static bool is_serving(const struct look *l)
{
	return l->phase == PHASE_SERVING || l->stage == DRAIN_HELD;
}

static bool is_there(const struct scoreboard_row *row)
{
	uint64_t state = counter_get(&row->state);

	return counter_get(&row->pid) && (state == WORKER_READY || state == WORKER_SUSPECT);
}

static unsigned count_ready(const struct look *l)
{
	unsigned n = 0;

	for (unsigned i = 0; i < l->rows; i++)
		n += is_there(&l->b->rows[i]);
	return n;
}

/* Not ready, and to be so: what has ended for good is none. */
static unsigned count_awaited(const struct look *l)
{
	unsigned n = 0;

	for (unsigned i = 0; i < l->rows; i++)
		n += !is_there(&l->b->rows[i]) && !counter_get(&l->b->rows[i].done);
	return n;
}

/* What was counted in the last minute, and for how long there has been any of it. */
struct recent {
	uint64_t n;
	double since_s;
};

/* Steps from before the first worker was ready do not count: who came too early was told so. */
static void take(const struct look *l, const struct history_step *s, enum history_number what,
		 struct recent *ret)
{
	uint64_t begin_ms = s->end_ms - s->took_ms;

	if (!is_recent(l, s->end_ms) || !s->counted[what] ||
	    begin_ms < counter_get(&l->b->first_ready_ms))
		return;
	ret->n += s->counted[what];
	if (ret->since_s < 0)
		ret->since_s = since(l, begin_ms);
}

static struct recent recently(const struct look *l, enum history_number what)
{
	struct history_span span = history_span(l->b);
	struct recent ret = { 0, -1 };

	for (unsigned i = 0; i <= span.count; i++) {
		struct history_step s = i < span.count ? history_step(l->b, span.first + i)
						       : history_current(l->b, l->now_ms);

		take(l, &s, what, &ret);
	}
	return ret;
}

/* Errors */

static void init_silent(const struct look *l)
{
	uint64_t silence_ms = scoreboard_init_silence(l->b, l->now_ms);

	if (silence_ms)
		add(l, CONDITION_ERROR, "init-silent", -1, seconds(silence_ms),
		    "init has not moved for %.0f s: nothing is restarted or handed over",
		    seconds(silence_ms));
}

static void no_worker_ready(const struct look *l)
{
	if (is_serving(l) && count_ready(l) == 0 && count_awaited(l) > 0)
		add(l, CONDITION_ERROR, "no-worker-ready", -1,
		    since(l, counter_get(&l->b->unserved_since_ms)),
		    "no worker is ready: requests wait, or get 503");
}

static void refusals(const struct look *l)
{
	struct recent r = recently(l, HISTORY_REFUSED);

	if (r.n && is_serving(l))
		add(l, CONDITION_ERROR, "no-worker-refusals", -1, r.since_s,
		    "requests refused in the last minute, as no worker could take them: %llu",
		    (unsigned long long)r.n);
}

/* From what on a silent worker hangs. */
static uint64_t hanging_ms(const struct look *l)
{
	uint64_t half = counter_get(&l->b->hang_timeout_ms) / 2;

	return half && half < HANGING_MS ? half : HANGING_MS;
}

static bool is_hanging(const struct look *l, const struct scoreboard_row *row)
{
	return is_there(row) && counter_get(&row->lag_ms) >= hanging_ms(l);
}

static void hanging(const struct look *l)
{
	for (unsigned i = 0; i < l->rows; i++) {
		const struct scoreboard_row *row = &l->b->rows[i];
		uint64_t lag_ms = counter_get(&row->lag_ms);

		if (is_hanging(l, row))
			add(l, CONDITION_ERROR, "hanging", (int)i, seconds(lag_ms),
			    "worker %u has not answered for %.0f s: its event loop is blocked, or "
			    "it is stopped",
			    i, seconds(lag_ms));
	}
}

static bool is_failure(const struct look *l, const struct death *d)
{
	return is_recent(l, d->at_ms) && d->reason != WORKER_END_FORCED;
}

/* Of @slot, or of any (-1). */
static unsigned failures(const struct look *l, int slot, uint64_t *ret_first_ms)
{
	unsigned n = 0;

	for (unsigned i = 0; i < l->n_deaths; i++) {
		const struct death *d = &l->deaths[i];

		if (!is_failure(l, d) || (slot >= 0 && d->slot != (uint64_t)slot))
			continue;
		*ret_first_ms = d->at_ms;
		n++;
	}
	return n;
}

/* Many that fail by turns leave no three of one worker among the last ends. */
static void flapping(const struct look *l)
{
	uint64_t first_ms = 0;
	unsigned n, told = 0;

	for (unsigned i = 0; i < l->rows; i++) {
		n = failures(l, (int)i, &first_ms);
		if (n < FLAPPING_ENDS)
			continue;
		add(l, CONDITION_ERROR, "flapping", (int)i, since(l, first_ms),
		    "worker %u has ended %u times in the last minute", i, n);
		told++;
	}
	n = failures(l, -1, &first_ms);
	if (!told && n == DEATHS_MAX)
		add(l, CONDITION_ERROR, "flapping", -1, since(l, first_ms),
		    "workers have ended at least %u times in the last minute", n);
}

/* Warnings */

static uint64_t ready_within_ms(const struct look *l)
{
	uint64_t ms = counter_get(&l->b->ready_timeout_ms);

	return ms ? ms : READY_MS;
}

static void workers_missing(const struct look *l)
{
	uint64_t since_ms = counter_get(&l->b->missing_since_ms);

	if (l->phase > PHASE_SERVING && l->stage != DRAIN_HELD)
		return;
	if (count_awaited(l) > 0 && since_ms && since_ms < l->now_ms &&
	    l->now_ms - since_ms > ready_within_ms(l))
		add(l, CONDITION_WARN, "workers-missing", -1, since(l, since_ms),
		    "%u of %u workers are ready", count_ready(l), l->rows);
}

static void suspect(const struct look *l)
{
	for (unsigned i = 0; i < l->rows; i++) {
		const struct scoreboard_row *row = &l->b->rows[i];

		if (counter_get(&row->pid) && counter_get(&row->state) == WORKER_SUSPECT &&
		    !is_hanging(l, row))
			add(l, CONDITION_WARN, "suspect", (int)i,
			    since(l, counter_get(&row->state_since_ms)),
			    "worker %u answers late (%.1f s) or not well, and gets no new sessions",
			    i, seconds(counter_get(&row->lag_ms)));
	}
}

static void memory_high(const struct look *l)
{
	uint64_t used = counter_get(&l->b->memory_used), limit = counter_get(&l->b->memory_limit);

	if (limit && used / SCOREBOARD_MEMORY_HIGH >= limit / 100)
		add(l, CONDITION_WARN, "memory-high", -1,
		    since(l, counter_get(&l->b->memory_high_since_ms)),
		    "%.0f of %.0f MiB of the container's memory are in use",
		    (double)used / (1 << 20), (double)limit / (1 << 20));
}

static void relay_evicted(const struct look *l)
{
	for (unsigned i = 0; i < l->rows; i++) {
		uint64_t at_ms = counter_get(&l->b->rows[i].evicted_ms);

		if (is_recent(l, at_ms))
			add(l, CONDITION_WARN, "relay-evicted", (int)i, since(l, at_ms),
			    "worker %u could not keep up with what the workers tell each other, "
			    "and was replaced",
			    i);
	}
}

static int longest_backlog(const struct look *l)
{
	uint64_t most = 0;
	int slot = -1;

	for (unsigned i = 0; i < l->rows; i++) {
		uint64_t bytes = counter_get(&l->b->rows[i].backlog);

		if (bytes > most) {
			most = bytes;
			slot = (int)i;
		}
	}
	return slot;
}

static void relay_backlog(const struct look *l)
{
	uint64_t used = counter_get(&l->b->relay_used), max = counter_get(&l->b->relay_max);

	if (max && used >= max / BACKLOG_PART)
		add(l, CONDITION_WARN, "relay-backlog", longest_backlog(l), -1,
		    "%.1f of at most %.1f MiB wait to be read by workers (SIOINIT_RELAY_MEMORY)",
		    (double)used / (1 << 20), (double)max / (1 << 20));
}

static void reload_failed(const struct look *l)
{
	if (counter_get(&l->b->reload_last) == RELOADED_FAILED)
		add(l, CONDITION_WARN, "reload-failed", -1,
		    since(l, counter_get(&l->b->reload_last_ms)),
		    "the last reload has failed: the workers of before serve on");
}

static void session_misses(const struct look *l)
{
	struct recent misses = recently(l, HISTORY_MISSES),
		      requests = recently(l, HISTORY_REQUESTS);
	uint64_t started_ms = counter_get(&l->b->started_ms);

	if (misses.n < MISSES_LEAST || misses.n < requests.n / MISSES_PART ||
	    l->now_ms - started_ms < SETTLING_MS)
		return;
	add(l, CONDITION_WARN, "session-misses", -1, misses.since_s,
	    "requests of sessions that nobody here knows, in the last minute: %llu",
	    (unsigned long long)misses.n);
}

static void held(const struct look *l)
{
	if (l->stage == DRAIN_HELD)
		add(l, CONDITION_WARN, "held", -1, since(l, counter_get(&l->b->drain_since_ms)),
		    "not ready for the outside, as somebody has asked (sioinit drain off ends it)");
}

/* What is to be known */

static void lame_duck(const struct look *l)
{
	if (l->stage >= DRAIN_LAME_DUCK && l->stage <= DRAIN_GOODBYE)
		add(l, CONDITION_INFO, "lame-duck", -1,
		    since(l, counter_get(&l->b->drain_since_ms)),
		    "about to stop: not ready for the outside, still serving");
}

static void draining(const struct look *l)
{
	if (l->stage >= DRAIN_DRAINING && l->stage <= DRAIN_STOPPING)
		add(l, CONDITION_INFO, "draining", -1, since(l, counter_get(&l->b->drain_since_ms)),
		    l->stage == DRAIN_DRAINING ? "stopping: clients are sent away"
					       : "stopping: the workers end");
}

static void starting(const struct look *l)
{
	if (l->phase == PHASE_STARTING)
		add(l, CONDITION_INFO, "starting", -1, since(l, counter_get(&l->b->started_ms)),
		    "no worker has been ready yet");
}

static void (*const rules[])(const struct look *l) = {
	init_silent, no_worker_ready, refusals,      hanging,       flapping,      workers_missing,
	suspect,     memory_high,     relay_evicted, relay_backlog, reload_failed, session_misses,
	held,        lame_duck,       draining,      starting,
};

void conditions_find(const struct scoreboard *b, uint64_t now_ms, struct conditions *ret)
{
	uint64_t wanted = counter_get(&b->wanted);
	struct look l = { .b = b,
			  .now_ms = now_ms,
			  .rows = wanted < SCOREBOARD_ROWS ? (unsigned)wanted : SCOREBOARD_ROWS,
			  .phase = counter_get(&b->phase),
			  .stage = counter_get(&b->drain_stage),
			  .found = ret };

	l.n_deaths = deaths_read(&b->deaths, l.deaths);
	*ret = (struct conditions){ 0 };
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		rules[i](&l);
}

bool conditions_are_ok(const struct conditions *cs)
{
	return cs->n == 0 || cs->list[0].severity == CONDITION_INFO;
}

const char *condition_severity_name(enum condition_severity s)
{
	static const char *const names[] = { "error", "warn", "info" };

	return names[s];
}
