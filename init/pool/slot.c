/* Slots. See slot.h. */
#include "init/pool/slot.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/macros.h"
#include "init/pool/pool.h"
#include "init/pool/start.h"
#include "init/worker/context.h"
#include "init/worker/worker.h"

#include "base/ban.h"

static const unsigned may_follow[SLOT_N_STATES] = {
	[SLOT_EMPTY] = BIT(SLOT_EMPTY) | BIT(SLOT_WAITING) | BIT(SLOT_BOOTING) | BIT(SLOT_CLOSED),
	[SLOT_WAITING] = BIT(SLOT_BOOTING) | BIT(SLOT_EMPTY) | BIT(SLOT_WAITING) | BIT(SLOT_CLOSED),
	[SLOT_BOOTING] = BIT(SLOT_SERVING) | BIT(SLOT_REPLACING) | BIT(SLOT_WAITING) |
			 BIT(SLOT_EMPTY) | BIT(SLOT_CLOSED),
	[SLOT_SERVING] = BIT(SLOT_REPLACING) | BIT(SLOT_WAITING) | BIT(SLOT_BOOTING) |
			 BIT(SLOT_EMPTY) | BIT(SLOT_CLOSED),
	[SLOT_REPLACING] =
	    BIT(SLOT_SERVING) | BIT(SLOT_BOOTING) | BIT(SLOT_EMPTY) | BIT(SLOT_CLOSED),
	[SLOT_CLOSED] = 0,
};

/* A slot in use has a worker, a successor, or an armed timer. */
static bool has_what_it_needs(const struct slot *s, enum slot_state state)
{
	bool waits = uv_is_active((const uv_handle_t *)&s->timer);

	switch (state) {
	case SLOT_EMPTY:
		return !s->worker && !s->next && !waits;
	case SLOT_WAITING:
		return !s->worker && !s->next && waits;
	case SLOT_BOOTING:
	case SLOT_SERVING:
		return s->worker && !s->next && !waits;
	case SLOT_REPLACING:
		return s->worker && s->next && !waits;
	case SLOT_CLOSED:
		return !waits;
	case SLOT_N_STATES:
		break;
	}
	return false;
}

void slot_set(struct slot *s, enum slot_state to)
{
	assert(may_follow[s->state] & BIT(to));
	assert(has_what_it_needs(s, to));
	s->state = to;
	slot_publish(s);
}

struct slot *slot_at(struct pool *p, uint32_t number)
{
	struct slot *s = p->slots[number];

	if (s)
		return s;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	*s = (struct slot){ .pool = p, .number = number };
	(void)uv_timer_init(p->context->loop, &s->timer);
	p->slots[number] = s;
	return s;
}

uint64_t slot_admitted(const struct slot *s)
{
	return scoreboard_slot_total(s->pool->context->board, s->number,
				     offsetof(struct scoreboard_share, admitted));
}

/* What is known of the worker before is not so of this one. */
static void forget_worker(struct scoreboard_row *row)
{
	counter_set(&row->lag_ms, 0);
	counter_set(&row->backlog, 0);
	counter_set(&row->memory_limit, 0);
}

void slot_publish(struct slot *s)
{
	struct scoreboard_row *row = &s->pool->context->board->rows[s->number];
	const struct worker *w = s->worker;
	uint64_t pid = w ? (uint64_t)w->pid : 0, state = w ? w->state : WORKER_DEAD;

	if (w && counter_get(&row->pid) != (uint64_t)w->pid)
		s->admitted_before = slot_admitted(s);
	if (counter_get(&row->pid) != pid)
		forget_worker(row);
	if (counter_get(&row->pid) != pid || counter_get(&row->state) != state)
		counter_set(&row->state_since_ms, uv_now(s->pool->context->loop));

	counter_set(&row->pid, pid);
	counter_set(&row->state, state);
	counter_set(&row->started_ms, w ? w->started_ms : 0);
	counter_set(&row->starts, s->starts);
	counter_set(&row->done, s->state == SLOT_EMPTY);
}

/* Waiting */

static void on_backoff_over(uv_timer_t *t)
{
	slot_start(container_of(t, struct slot, timer));
}

static void wait_for(struct slot *s, uint64_t delay_ms)
{
	(void)uv_timer_start(&s->timer, on_backoff_over, delay_ms, 0);
	slot_set(s, SLOT_WAITING);
}

static bool is_all_empty(const struct pool *p)
{
	for (unsigned i = 0; i < p->context->wanted; i++)
		if (p->slots[i]->state != SLOT_EMPTY)
			return false;
	return true;
}

static void done(struct slot *s, int code, const char *why)
{
	struct pool *p = s->pool;
	const struct config *c = p->context->config;
	struct worker *next = s->next;

	log_info("worker[%u]: done (%s)", s->number, why);
	slot_clear(s);
	if (next)
		worker_drain(next);
	p->done_code = p->done_code ? p->done_code : code;
	if (is_all_empty(p) && !c->cron_restart.text)
		p->ops->on_give_up(p, c->restart == RESTART_ONCE ? p->done_code : code);
}

static void go_on(struct slot *s, uint64_t delay_ms)
{
	if (!s->next) {
		wait_for(s, delay_ms);
		return;
	}
	s->worker = s->next;
	s->next = NULL;
	slot_set(s, SLOT_BOOTING);
}

static enum restart_verdict judge(struct slot *s, const struct restart_end *end,
				  uint64_t *ret_delay_ms, const char **ret_why)
{
	return restart_judge(&s->restart, &s->pool->start_limit, s->pool->context->config, end,
			     ret_delay_ms, ret_why);
}

void slot_refill(struct slot *s, const struct restart_end *end)
{
	const char *why;
	uint64_t delay_ms;

	s->worker = NULL;
	switch (judge(s, end, &delay_ms, &why)) {
	case RESTART_AFTER:
		go_on(s, delay_ms);
		break;
	case RESTART_NOT:
		done(s, end->code, why);
		break;
	case RESTART_GIVE_UP:
		log_error(SIO_131, "init: worker[%u] ended with %d; giving up (%s)", s->number,
			  end->code, why);
		s->pool->ops->on_give_up(s->pool, end->code);
		break;
	}
}

bool slot_leave(struct slot *s, const struct restart_end *end)
{
	const char *why;
	uint64_t delay_ms;

	if (judge(s, end, &delay_ms, &why) != RESTART_AFTER)
		return false;
	s->worker = NULL;
	go_on(s, delay_ms);
	return true;
}

/* Starting */

/* A start that the app is to blame for is judged as an end with a shell's exit code; others are
 * tried again. */
static void cannot_start(struct slot *s, int err, int code)
{
	const struct worker_context *cx = s->pool->context;
	struct restart_end end = { .code = code,
				   .now_ms = uv_now(cx->loop),
				   .n_workers = cx->wanted,
				   .was_ready = s->pool->was_ready,
				   .random = (uint32_t)random() };

	if (code) {
		slot_refill(s, &end);
		return;
	}
	log_error(SIO_132, "worker[%u]: cannot start: %s", s->number, strerror(-err));
	wait_for(s, restart_backoff_ms(cx->config, ++s->restart.short_lives, end.random));
}

void slot_start(struct slot *s)
{
	int r, code;

	s->worker = start_worker(s, &r, &code);
	if (s->worker)
		slot_set(s, SLOT_BOOTING);
	else
		cannot_start(s, r, code);
}

bool slot_start_now(struct slot *s)
{
	(void)uv_timer_stop(&s->timer);
	slot_start(s);
	return s->state == SLOT_BOOTING;
}

int slot_start_next(struct slot *s)
{
	int r, code;

	s->next = start_worker(s, &r, &code);
	if (!s->next)
		return r;
	slot_set(s, SLOT_REPLACING);
	return 0;
}

/* Ending */

void slot_clear(struct slot *s)
{
	(void)uv_timer_stop(&s->timer);
	s->worker = s->next = NULL;
	s->replace_why = NULL;
	s->stops_first = false;
	slot_set(s, SLOT_EMPTY);
}

void slot_close(struct slot *s)
{
	(void)uv_timer_stop(&s->timer);
	s->replace_why = NULL;
	slot_set(s, SLOT_CLOSED);
}
