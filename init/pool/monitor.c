/* One timer for all, so that a second costs one wake-up. Nothing is judged after a tick that came
 * late: then we have slept, not they.
 *
 * A worker is idle when it has had no request and no socket since the last tick, has used less than
 * IDLE_CPU_PERCENT of a processor, and has answered its last ping at once. All idle workers are
 * pinged in the same tick, every IDLE_TICKS; an event loop that hangs by computing is not idle. */
#include "init/pool/monitor.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>
#include <utlist.h>

#include "base/log.h"
#include "init/pool/pool.h"
#include "init/pool/relief.h"
#include "init/system/cpus.h"
#include "init/system/debugger.h"
#include "init/system/memory.h"
#include "init/system/terminal.h"
#include "init/worker/ending.h"

#include "base/ban.h"

enum {
	CPUS_EVERY_MS = 10000,
	IDLE_TICKS = 4,
	IDLE_CPU_PERCENT = 1,
	IDLE_LAG_MS = 10,
	HANG_PINGS = 4, /* at least so many fit into hang-timeout */
	SMALL_TICKS = 4,
};

static bool is_past(uint64_t value, uint32_t limit)
{
	return limit && value >= limit;
}

/* Somebody may look at it with a debugger. When that is over it has the same time once more. */
static bool is_debugged(const struct monitor *m, struct worker *w, uint64_t silence_ms)
{
	const struct worker_context *cx = m->pool->context;
	struct inspector where =
	    debugger_options(cx->command ? cx->command->argv : NULL, getenv("NODE_OPTIONS"));
	uint64_t now = uv_now(cx->loop), seen_ms = w->debugger_seen_ms;
	bool is_known = seen_ms && seen_ms + silence_ms > now;
	char by[DEBUGGER_TEXT];

	if (is_known && now - seen_ms < cx->config->hang_timeout_ms)
		return true;
	where.own = w->endpoint.port;
	if (!debugger_is_attached("", w->pid, &where, by))
		return false;
	if (!is_known)
		log_warn(SIO_125,
			 "worker[%u]: silent for %.1fs (SIOINIT_HANG_TIMEOUT), not killed: %s "
			 "pid=%d",
			 w->slot, (double)silence_ms / 1000, by, (int)w->pid);
	w->debugger_seen_ms = now;
	return true;
}

/* Killed, after a diagnostic signal and one more tick if there is one. */
static void on_hang(const struct monitor *m, struct worker *w, uint64_t silence_ms)
{
	if (is_debugged(m, w, silence_ms))
		return;
	if (m->pool->context->config->hang_signal && !w->asked_to_diagnose) {
		w->asked_to_diagnose = true;
		worker_signal(w, m->pool->context->config->hang_signal);
		return;
	}
	log_error(SIO_126, "worker[%u]: %s for %.1fs (SIOINIT_HANG_TIMEOUT), killed pid=%d",
		  w->slot, worker_silence_why(w), (double)silence_ms / 1000, (int)w->pid);
	counter_add(&m->pool->context->board->hangs, 1);
	w->hung_ms = silence_ms;
	worker_ends_for(w, w->stopped_ms ? WORKER_END_STOPPED : WORKER_END_HANG);
	worker_kill(w);
}

static uint64_t max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void judge(const struct monitor *m, struct worker *w)
{
	uint64_t lag_ms = max(worker_silence_ms(w), w->lag_ms);
	uint64_t health_ms = max(w->health.silence_ms, w->health.lag_ms);

	counter_set(&m->pool->context->board->rows[w->slot].lag_ms, lag_ms);
	counter_set(&m->pool->context->board->rows[w->slot].backlog,
		    channel_relayed_bytes(&w->channel));
	worker_suspect(w,
		       w->stopped_ms || w->health.is_bad ||
			   is_past(max(lag_ms, health_ms), m->pool->context->config->lag_warn_ms));
}

void monitor_judge(const struct monitor *m, struct worker *w)
{
	if (m->pool && !m->is_stopped)
		judge(m, w);
}

/* Somebody at the terminal may let it go on; one that was killed takes a moment to die. */
static bool may_be_hanging(const struct monitor *m, const struct worker *w)
{
	return !w->killed && (!w->stopped_ms || w->pid != m->pool->context->terminal->holder);
}

/* 0: not known. */
static uint64_t cpu_ns(struct worker *w)
{
	struct timespec used;

	if (!w->cpu_clock && clock_getcpuclockid(w->pid, &w->cpu_clock) != 0)
		return 0;
	if (clock_gettime(w->cpu_clock, &used) < 0)
		return 0;
	return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

static uint64_t clients_had(const struct monitor *m, const struct worker *w)
{
	return scoreboard_slot_total(m->pool->context->board, w->slot,
				     offsetof(struct scoreboard_share, requests)) +
	       scoreboard_slot_total(m->pool->context->board, w->slot,
				     offsetof(struct scoreboard_share, handoffs));
}

/* Since it was asked last, which is every tick. */
static bool has_worked(const struct monitor *m, struct worker *w)
{
	uint64_t cpu = cpu_ns(w), clients = clients_had(m, w),
		 little = m->pool->context->config->ping_interval_ms * 1000000ULL / 100 *
			  IDLE_CPU_PERCENT;
	bool worked = cpu == 0 || cpu - w->seen_cpu_ns > little || clients != w->seen_clients;

	w->seen_cpu_ns = cpu;
	w->seen_clients = clients;
	return worked;
}

/* From ping to ping of an idle worker. */
static unsigned idle_ticks(const struct config *c)
{
	uint32_t most = c->hang_timeout_ms / HANG_PINGS / c->ping_interval_ms;

	if (!c->hang_timeout_ms || most > IDLE_TICKS)
		return IDLE_TICKS;
	return most ? most : 1;
}

static bool is_ping_due(const struct monitor *m, struct worker *w)
{
	bool idle;

	if (!w->answers_pings)
		return true;
	idle = !has_worked(m, w) && w->state == WORKER_READY && w->lag_ms < IDLE_LAG_MS;
	return !idle || m->n_ticks % idle_ticks(m->pool->context->config) == 0;
}

static void look_at_loop(const struct monitor *m, struct worker *w)
{
	uint64_t silence_ms = worker_silence_ms(w);

	judge(m, w);
	if (is_past(silence_ms, m->pool->context->config->hang_timeout_ms) && may_be_hanging(m, w))
		on_hang(m, w, silence_ms);
	else if (is_ping_due(m, w))
		worker_ping(w);
}

/* +-10 %, by the worker's id (Knuth's multiplicative hash), so that workers of one age do not go
 * together. */
static uint32_t hash_of(uint32_t id)
{
	return (id * 2654435761U) >> 16;
}

static uint32_t spread(uint32_t limit, uint32_t id)
{
	return (uint32_t)((uint64_t)limit * (90 + hash_of(id) % 21) / 100);
}

/* Memory has no room above its limit. */
static uint64_t spread_below(uint64_t limit, uint32_t id)
{
	return limit / 100 * (90 + hash_of(id) % 11);
}

/* One that is far from it is not measured in each tick. */
static bool is_too_large(const struct monitor *m, struct worker *w)
{
	uint64_t limit = spread_below(m->pool->context->config->max_memory, w->id);

	if (limit == 0)
		return false;
	if (!w->resident || w->resident > limit / 4 * 3 || m->n_ticks % SMALL_TICKS == 0)
		w->resident = memory_resident(w->pid);
	return w->resident > limit;
}

static uint64_t sessions_had(const struct slot *s)
{
	return slot_admitted(s) - s->admitted_before;
}

static void look_for_recycling(const struct monitor *m, struct worker *w)
{
	const struct config *c = m->pool->context->config;
	struct slot *s = m->pool->slots[w->slot];
	uint64_t age_ms = uv_now(m->pool->context->loop) - w->started_ms;

	if (s->worker != w)
		return;
	counter_set(&m->pool->context->board->rows[w->slot].memory_limit,
		    spread_below(c->max_memory, w->id));
	if (is_too_large(m, w))
		reload_recycle(s, "more memory than SIOINIT_MAX_MEMORY", WORKER_END_MEMORY);
	else if (is_past(age_ms, spread(c->max_age_ms, w->id)))
		reload_recycle(s, "older than SIOINIT_MAX_AGE", WORKER_END_ASKED);
	else if (is_past(sessions_had(s), spread(c->max_sessions, w->id)))
		reload_recycle(s, "more sessions than SIOINIT_MAX_SESSIONS", WORKER_END_ASKED);
}

static void look_at_cpus(struct monitor *m)
{
	struct cpus cpus;
	unsigned n;

	cpus_detect("", &cpus);
	counter_set(&m->pool->context->board->cpus_milli, cpus_milli(&cpus));
	n = cpus_workers(m->pool->context->config, &cpus);
	if (n == m->cpu_workers)
		return;
	m->cpu_workers = n;
	log_info("init: CPU limit has changed (%s)", cpus.why);
	pool_scale(m->pool, n);
}

static void look_at_workers(const struct monitor *m)
{
	struct worker *w, *next;

	DL_FOREACH_SAFE(m->pool->workers, w, next)
	{
		if (w->state < WORKER_READY || w->state > WORKER_DRAINING)
			continue;
		look_at_loop(m, w);
		look_for_recycling(m, w);
	}
}

static void on_tick(uv_timer_t *t)
{
	struct monitor *m = t->data;
	uint64_t now = uv_now(t->loop), interval = m->pool->context->config->ping_interval_ms;
	bool late = now - m->last_ms > interval + interval / 2 + 100;

	m->last_ms = now;
	m->n_ticks++;
	if (late)
		return;
	look_at_workers(m);
	memory_look(m->pool->memory, now);
	relief_look(&m->relief, m->pool, now);
	if (now - m->cpus_ms < CPUS_EVERY_MS)
		return;
	m->cpus_ms = now;
	look_at_cpus(m);
}

void monitor_start(struct monitor *m, struct pool *p)
{
	uv_loop_t *loop = p->context->loop;
	uint32_t interval = p->context->config->ping_interval_ms;

	*m = (struct monitor){ .pool = p,
			       .last_ms = uv_now(loop),
			       .cpus_ms = uv_now(loop),
			       .cpu_workers = p->context->wanted };
	(void)uv_timer_init(loop, &m->tick);
	m->tick.data = m;
	if (interval)
		(void)uv_timer_start(&m->tick, on_tick, interval, interval);
}

void monitor_stop(struct monitor *m)
{
	if (!m->pool)
		return;
	(void)uv_timer_stop(&m->tick);
	m->is_stopped = true;
}
