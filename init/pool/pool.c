/* What workers tell, and what their ends mean. */
#include "init/pool/pool.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <utlist.h>

#include "base/buf.h"
#include "base/log.h"
#include "init/logs/logs.h"
#include "init/pool/rebalance.h"
#include "init/system/memory.h"
#include "init/system/reap.h"
#include "init/system/terminal.h"
#include "init/worker/bind_clash.h"
#include "init/worker/claim.h"
#include "init/worker/ending.h"

#include "base/ban.h"

enum { LEFT_MAX = 2 }; /* workers of a slot that have left their cluster and live on */

struct worker *pool_worker(const struct pool *p, uint32_t id)
{
	struct worker *w;

	DL_SEARCH_SCALAR(p->workers, w, id, id);
	return w;
}

struct worker *pool_find(const struct pool *p, pid_t pid)
{
	struct worker *w;

	DL_FOREACH(p->workers, w)
	if (w->pid == pid && w->group.state == GROUP_LED)
		break;
	return w;
}

struct slot *pool_slot(const struct pool *p, uint32_t number)
{
	return number < p->context->wanted ? p->slots[number] : NULL;
}

unsigned pool_count_ready(const struct pool *p)
{
	struct worker *w;
	unsigned n = 0;

	DL_FOREACH(p->workers, w)
	n += w->state == WORKER_READY;
	return n;
}

void pool_signal(struct pool *p, int sig)
{
	struct worker *w;

	DL_FOREACH(p->workers, w)
	worker_signal(w, sig);
}

void pool_signal_groups(const struct pool *p, int sig)
{
	const struct worker *w;

	DL_FOREACH(p->workers, w)
	(void)kill(-w->pid, sig);
}

void pool_log_status(const struct pool *p)
{
	uint64_t now = uv_now(p->context->loop);
	struct worker *w;

	log_info("init: %u of %u workers ready", pool_count_ready(p), p->context->wanted);
	DL_FOREACH(p->workers, w)
	log_info("worker[%u]: pid=%d state=%s uptime=%.1fs lag=%ums", w->slot, (int)w->pid,
		 worker_state_name(w->state), (double)(now - w->started_ms) / 1000, w->lag_ms);
}

/* What workers tell */

static void on_all_ready(struct pool *p)
{
	p->ops->on_all_ready(p);
	if (p->has_grown && p->context->config->rebalance)
		(void)rebalance(p);
	p->has_grown = false;
}

/* The next worker of its slot is ready: it takes over, and the one before drains. */
static void promote(struct slot *s)
{
	struct worker *old = s->worker;

	s->worker = s->next;
	s->next = NULL;
	slot_set(s, SLOT_SERVING);
	worker_ends_for(old, s->retires_for);
	worker_drain(old);
	reload_took_over(s, old);
}

static void on_ready(struct pool *p, struct worker *w)
{
	struct slot *s = p->slots[w->slot];

	if (!w->was_ready)
		p->ops->on_ready(p, w);
	w->was_ready = true;
	if (p->is_closed)
		return;
	if (s->state == SLOT_REPLACING && s->next == w) {
		promote(s);
	} else if (s->state == SLOT_BOOTING && s->worker == w) {
		slot_set(s, SLOT_SERVING);
		reload_took_over(s, NULL);
	}
	if (pool_count_ready(p) >= p->context->wanted)
		on_all_ready(p);
}

static struct restart_end end_of(const struct pool *p, const struct worker *w, int code)
{
	uint64_t now = uv_now(p->context->loop);

	return (struct restart_end){
		.code = code,
		.now_ms = now,
		.uptime_ms = now - w->started_ms,
		.n_workers = p->context->wanted,
		.missed = w->state < WORKER_READY && worker_must_get_ready(w),
		.was_ready = p->was_ready,
		.random = (uint32_t)random(),
	};
}

/* An app that leaves again and again, and whose workers live on, does not gather processes. */
static void stop_those_that_left_long_ago(const struct pool *p, const struct slot *s)
{
	struct worker *w, *oldest = NULL;
	unsigned n = 0;

	DL_FOREACH(p->workers, w)
	{
		if (w->slot != s->number || w == s->worker || w->state != WORKER_DRAINING)
			continue;
		oldest = oldest ? oldest : w;
		n++;
	}
	if (n > LEFT_MAX)
		worker_stop(oldest);
}

/* By itself: it has left the cluster. Its slot does not wait for its end, unless that is to be the
 * last one. */
static void on_leaving(struct slot *s, const struct worker *w)
{
	struct restart_end end = end_of(s->pool, w, RESTART_CODE_UNKNOWN);

	if (!s->stops_first && slot_leave(s, &end))
		stop_those_that_left_long_ago(s->pool, s);
}

static void on_state(struct worker *w)
{
	struct pool *p = w->owner;
	struct slot *s = p->slots[w->slot];
	bool is_first = w->state == WORKER_READY && !p->was_ready;

	p->was_ready = p->was_ready || is_first;
	p->ops->on_worker(p, w);
	if (is_first)
		p->ops->on_first_ready(p);
	if (w->state == WORKER_DRAINING && s->worker == w && !p->is_closed)
		on_leaving(s, w);
	slot_publish(s);
	if (w->state == WORKER_READY)
		on_ready(p, w);
	p->ops->on_changed(p);
}

/* How many */

static void set_wanted(struct pool *p, unsigned n)
{
	p->context->wanted = n;
	counter_set(&p->context->board->wanted, n);
}

static void grow(struct pool *p, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to && !p->is_closed; i++) {
		struct slot *s = slot_at(p, i);

		if (!s) {
			log_error(SIO_127, "init: no memory for worker[%u]", i);
			set_wanted(p, i ? i : 1);
			return;
		}
		s->restart = (struct restart){ 0 };
		slot_start(s);
	}
}

void pool_start_done(struct pool *p)
{
	for (unsigned i = 0; i < p->context->wanted && !p->is_closed; i++)
		if (p->slots[i]->state == SLOT_EMPTY) {
			p->slots[i]->restart = (struct restart){ 0 };
			slot_start(p->slots[i]);
		}
}

static void retire(struct slot *s)
{
	struct worker *w = s->worker, *next = s->next;

	slot_clear(s);
	if (next)
		worker_drain(next);
	if (w)
		worker_drain(w);
	reload_slot_retired(s);
}

/* Slots are there before the first is started: one may end all. */
void pool_start(struct pool *p, unsigned n)
{
	unsigned made = 0;

	while (made < n && slot_at(p, made))
		made++;
	set_wanted(p, made ? made : 1);
	grow(p, 0, p->context->wanted);
}

void pool_scale(struct pool *p, unsigned n)
{
	unsigned before = p->context->wanted;

	assert(n >= 1 && n <= POOL_MAX);
	if (n == before || p->is_closed)
		return;
	log_info("init: %u -> %u workers", before, n);
	p->has_grown = n > before;
	for (unsigned i = before; i < n; i++)
		if (!slot_at(p, i))
			n = i;
	set_wanted(p, n);
	grow(p, before, n);
	for (unsigned i = n; i < before; i++)
		retire(p->slots[i]);
}

void pool_close(struct pool *p)
{
	if (p->is_closed)
		return;
	p->is_closed = true;
	for (unsigned i = 0; i < POOL_MAX && p->slots[i]; i++)
		slot_close(p->slots[i]);
	reload_cancel(p);
}

static void on_group_ended(struct worker *w, int status, const struct rusage *usage);

void pool_init(struct pool *p, struct worker_context *cx, struct memory *memory,
	       const struct worker_ops *worker_ops, const struct pool_ops *ops, void *owner)
{
	*p = (struct pool){ .context = cx,
			    .memory = memory,
			    .ops = ops,
			    .owner = owner,
			    .worker_ops = *worker_ops };
	p->worker_ops.on_state = on_state;
	p->worker_ops.on_group_ended = on_group_ended;
}

/* Ending */

/* @w, which is gone, was @s's. */
static void slot_lost(struct slot *s, const struct worker *w, const struct restart_end *end,
		      bool was_ready)
{
	if (s->next == w) {
		s->next = NULL;
		slot_set(s, s->worker->state < WORKER_READY ? SLOT_BOOTING : SLOT_SERVING);
		reload_failed(s, end->code);
	} else if (s->worker == w && s->stops_first) {
		s->stops_first = false;
		s->worker = NULL;
		slot_start(s);
	} else if (s->worker == w) {
		slot_refill(s, end);
		if (s->state == SLOT_EMPTY)
			reload_slot_retired(s);
		else if (!was_ready && !s->worker)
			reload_lost(s, end->code);
	}
}

static bool is_oom(struct pool *p, const struct worker *w, int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && !w->killed &&
	       memory_claim_oom(p->memory);
}

/* A worker's end, as it is told and counted. */
struct ended {
	int status; /* wait(2)'s */
	enum worker_end_reason why;
	uint64_t uptime_ms;
	const struct rusage *usage;
};

static void log_end(const struct ended *e, const char *line)
{
	if (e->why == WORKER_END_OOM)
		log_error(SIO_135, "%s", line);
	else if (e->why == WORKER_END_SIGNAL ||
		 (e->why == WORKER_END_EXIT && WEXITSTATUS(e->status)))
		log_warn(SIO_134, "%s", line);
	else /* said before, if it is anybody's fault */
		log_info("%s", line);
}

static void tell_end(struct pool *p, const struct worker *w, const struct ended *e,
		     struct str last_words)
{
	char how[32], line[160];

	if (WIFEXITED(e->status))
		(void)snprintf(how, sizeof(how), "code=%d", WEXITSTATUS(e->status));
	else
		(void)snprintf(how, sizeof(how), "signal=%s", sigabbrev_np(WTERMSIG(e->status)));
	(void)snprintf(line, sizeof(line),
		       "worker[%u]: ended pid=%d %s state=%s uptime=%.1fs lag=%ums max_rss=%ldM%s",
		       w->slot, (int)w->pid, how, worker_state_name(w->state),
		       (double)e->uptime_ms / 1000, w->lag_ms, e->usage->ru_maxrss / 1024,
		       e->why == WORKER_END_OOM ? " oom=yes" : "");
	log_end(e, line);
	exit_history_add(&p->exit_history, time(NULL), w->pid, line, last_words);
}

/* For /status. */
static void note_death(const struct pool *p, const struct worker *w, const struct ended *e)
{
	uint64_t now = uv_now(p->context->loop);
	struct death d = { .at_ms = now,
			   .slot = w->slot,
			   .pid = (uint64_t)w->pid,
			   .reason = e->why,
			   .code = WIFEXITED(e->status) ? (uint64_t)WEXITSTATUS(e->status) : 0,
			   .signal = WIFSIGNALED(e->status) ? (uint64_t)WTERMSIG(e->status) : 0,
			   .lived_ms = now - w->started_ms,
			   .silent_ms = w->hung_ms,
			   .was_ready = w->was_ready };

	deaths_add(&p->context->board->deaths, &d);
}

static void count_end(const struct pool *p, const struct worker *w, const struct ended *e)
{
	struct scoreboard *b = p->context->board;

	if (e->why != WORKER_END_ASKED)
		note_death(p, w, e);
	counter_add(&b->worker_ends, 1);
	counter_add(&b->rows[w->slot].ends, 1);
	counter_add(&b->worker_ends_by[e->why], 1);
	if (w->drains_since_ms)
		histogram_observe(&b->drained, &scoreboard_drain_bounds,
				  (uv_now(p->context->loop) - w->drains_since_ms) * 1000);
}

/* One that had the terminal and was ended there by the user, or never got to serve. */
static bool is_users_end(struct pool *p, const struct worker *w, int status)
{
	struct terminal *t = p->context->terminal;

	return terminal_holder_ended(t, w->pid) && w->state < WORKER_DRAINING &&
	       (w->state < WORKER_READY || terminal_is_users_end(t, status));
}

/* What a closed pool has no longer, it never gets back. */
static void forget(struct slot *s, const struct worker *w)
{
	s->worker = s->worker == w ? NULL : s->worker;
	s->next = s->next == w ? NULL : s->next;
	slot_publish(s);
}

static void on_end(struct pool *p, struct worker *w, int status, const struct rusage *usage)
{
	struct slot *s = p->slots[w->slot];
	struct restart_end end = end_of(p, w, reap_exit_code(status));
	bool forced = w->forced, was_ready = w->state >= WORKER_READY;
	struct ended e = { .status = status, .uptime_ms = end.uptime_ms, .usage = usage };

	worker_group_orphan(w);
	worker_read_last_words(w);
	e.why = worker_end_reason(w, status, is_oom(p, w, status));
	tell_end(p, w, &e, logs_worker_ended(p->context->logs, w->pid));
	if (worker_refused_claim(w, end.code))
		p->context->reach.claimed = false;
	else
		bind_clash_explain(w, p->context->command, end.code);
	DL_DELETE(p->workers, w);
	p->n_workers--;
	count_end(p, w, &e);
	p->ops->on_exit(p, w, status);
	if (is_users_end(p, w, status) && !p->is_closed)
		p->ops->on_give_up(p, end.code);
	worker_close(w); /* freed from the loop, so it can still be compared with */
	if (p->is_closed) {
		forget(s, w);
	} else {
		slot_lost(s, w, &end, was_ready);
		if (s->worker)
			terminal_pass_on(p->context->terminal, s->worker->pid, p->context->wanted);
		reload_worker_ended(p, w);
	}
	p->ops->on_ended(p, forced);
}

static void on_group_ended(struct worker *w, int status, const struct rusage *usage)
{
	on_end(w->owner, w, status, usage);
}

bool pool_ended(struct pool *p, pid_t pid, int status, const struct rusage *usage)
{
	struct worker *w = pool_find(p, pid);

	if (w && !worker_leader_ended(w, status, usage))
		on_end(p, w, status, usage);
	return w;
}
