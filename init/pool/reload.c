/* One round at a time; the slots that wait carry their reason. */
#include "init/pool/reload.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/macros.h"
#include "init/pool/pool.h"
#include "init/worker/ending.h"

#include "base/ban.h"

static void step(struct pool *p);

static const unsigned may_follow[] = {
	[RELOAD_IDLE] = BIT(RELOAD_BOOTING),
	[RELOAD_BOOTING] = BIT(RELOAD_DRAINING) | BIT(RELOAD_IDLE),
	[RELOAD_DRAINING] = BIT(RELOAD_IDLE),
};

static void publish(const struct pool *p)
{
	const struct reload *r = &p->reload;
	struct scoreboard *b = p->context->board;

	counter_set(&b->reload_state, r->state);
	if (r->slot || r->old)
		counter_set(&b->reload_slot, r->slot ? r->slot->number : r->old->slot);
	counter_set(&b->reload_done, r->done);
	counter_set(&b->reload_of, r->of);
}

/* The round is over. One that the stop has cut short says nothing of the app. */
static void publish_end(struct pool *p, enum scoreboard_reloaded how)
{
	struct scoreboard *b = p->context->board;

	if (p->reload.of && how != RELOADED_NONE) {
		counter_set(&b->reload_last, how);
		counter_set(&b->reload_last_ms, uv_now(p->context->loop));
	}
	p->reload.done = p->reload.of = 0;
	publish(p);
}

static void set(struct pool *p, enum reload_state to, struct slot *slot, const struct worker *old)
{
	struct reload *r = &p->reload;

	assert(may_follow[r->state] & BIT(to));
	assert((to == RELOAD_BOOTING) == (slot != NULL));
	assert((to == RELOAD_DRAINING) == (old != NULL));
	r->state = to;
	r->slot = slot;
	r->old = old;
	publish(p);
}

/* The one whose turn it is has been replaced. */
static void set_done(struct pool *p)
{
	p->reload.done++;
	set(p, RELOAD_IDLE, NULL, NULL);
}

/* @s waits for its turn in this round. */
static void add(struct slot *s, const char *why, enum worker_end_reason counts_as)
{
	s->replace_why = why;
	s->retires_for = counts_as;
	s->pool->reload.of++;
	publish(s->pool);
}

static struct slot *first_waiting(const struct pool *p)
{
	for (unsigned i = 0; i < p->context->wanted; i++)
		if (p->slots[i]->replace_why)
			return p->slots[i];
	return NULL;
}

static void forget_waiting(struct pool *p)
{
	for (unsigned i = 0; i < p->context->wanted; i++)
		p->slots[i]->replace_why = NULL;
}

static void round_over(struct pool *p, bool ok)
{
	struct reload *r = &p->reload;

	if (r->all) {
		r->all = false;
		log_info("init: reload %s", ok ? "done" : "aborted; the old workers keep serving");
		p->ops->on_reload_over(p, ok);
	}
	if (r->again) {
		r->again = false;
		reload_all(p);
	}
}

static void abort_round(struct pool *p)
{
	p->reload.again = false;
	forget_waiting(p);
	if (p->reload.all)
		counter_add(&p->context->board->reload_failures, 1);
	publish_end(p, RELOADED_FAILED);
	round_over(p, false);
}

/* One that waits for its back-off does so no longer. */
static bool start_in(struct slot *s)
{
	int r;

	if (s->state == SLOT_WAITING)
		return slot_start_now(s);
	r = slot_start_next(s);
	if (r < 0)
		log_error(SIO_129, "worker[%u]: cannot start the next: %s", s->number,
			  strerror(-r));
	return r == 0;
}

static void step(struct pool *p)
{
	struct slot *s = first_waiting(p);

	if (p->reload.state != RELOAD_IDLE || p->is_closed)
		return;
	if (!s) {
		publish_end(p, RELOADED_OK);
		round_over(p, true);
		return;
	}
	log_info("worker[%u]: to be replaced: %s", s->number, s->replace_why);
	s->replace_why = NULL;
	if (start_in(s))
		set(p, RELOAD_BOOTING, s, NULL);
	else
		abort_round(p);
}

static bool may_be_replaced(const struct slot *s)
{
	bool is_free =
	    s->state == SLOT_WAITING || s->state == SLOT_BOOTING || s->state == SLOT_SERVING;

	return is_free && !s->replace_why && !s->stops_first;
}

void reload_all(struct pool *p)
{
	if (p->is_closed)
		return;
	if (p->reload.all) {
		p->reload.again = true;
		return;
	}
	p->reload.all = true;
	counter_add(&p->context->board->reloads, 1);
	p->ops->on_reload_begun(p);
	for (unsigned i = 0; i < p->context->wanted; i++)
		if (may_be_replaced(p->slots[i]))
			add(p->slots[i], "reload", WORKER_END_ASKED);
	step(p);
}

void reload_slot(struct slot *s, const char *why)
{
	if (!may_be_replaced(s))
		return;
	add(s, why, WORKER_END_ASKED);
	step(s->pool);
}

static bool may_be_recycled(const struct slot *s)
{
	return s->state == SLOT_SERVING && may_be_replaced(s) &&
	       uv_now(s->pool->context->loop) >= s->recycle_at_ms;
}

void reload_recycle(struct slot *s, const char *why, enum worker_end_reason counts_as)
{
	if (!may_be_recycled(s))
		return;
	add(s, why, counts_as);
	step(s->pool);
}

void reload_recycle_stop_first(struct slot *s, const char *why)
{
	if (!may_be_recycled(s))
		return;
	log_info("worker[%u]: to be replaced, and ends first: %s", s->number, why);
	s->stops_first = true;
	worker_ends_for(s->worker, WORKER_END_MEMORY);
	worker_drain(s->worker);
}

void reload_took_over(struct slot *s, const struct worker *old)
{
	struct reload *r = &s->pool->reload;

	restart_replaced(&s->restart);
	if (r->slot != s)
		return;
	if (old)
		set(s->pool, RELOAD_DRAINING, NULL, old);
	else
		set_done(s->pool);
	step(s->pool);
}

void reload_slot_retired(struct slot *s)
{
	struct reload *r = &s->pool->reload;

	if (r->slot != s)
		return;
	set_done(s->pool);
	step(s->pool);
}

void reload_failed(struct slot *s, int code)
{
	struct pool *p = s->pool;
	uint64_t wait_ms =
	    restart_replacement_failed(&s->restart, p->context->config, (uint32_t)random());

	s->recycle_at_ms = uv_now(p->context->loop) + wait_ms;
	log_error(SIO_130, "worker[%u]: its replacement ended with %d before it was ready",
		  s->number, code);
	if (p->reload.slot != s)
		return;
	set(p, RELOAD_IDLE, NULL, NULL);
	abort_round(p);
}

void reload_lost(struct slot *s, int code)
{
	if (s->pool->reload.slot == s)
		reload_failed(s, code);
}

void reload_worker_ended(struct pool *p, const struct worker *w)
{
	if (p->reload.old != w)
		return;
	set_done(p);
	step(p);
}

void reload_cancel(struct pool *p)
{
	struct reload *r = &p->reload;

	r->again = false;
	forget_waiting(p);
	if (r->state != RELOAD_IDLE)
		set(p, RELOAD_IDLE, NULL, NULL);
	publish_end(p, RELOADED_NONE);
	if (r->all)
		round_over(p, false);
}
