/* One round at a time; the slots that wait carry their reason. */
#include "init/pool/reload.h"

#include <string.h>

#include "base/log.h"
#include "init/supervisor/core.h"
#include "init/system/notify.h"

#include "base/ban.h"

static void step(struct init *in);

static struct slot *first_waiting(const struct pool *p)
{
	for (unsigned i = 0; i < p->wanted; i++)
		if (p->slots[i]->replace_why)
			return p->slots[i];
	return NULL;
}

static bool is_busy(const struct reload *r)
{
	return r->slot || r->old;
}

static void round_over(struct init *in, bool ok)
{
	struct reload *r = &in->reload;

	if (r->all) {
		r->all = false;
		log_info("init: reload %s", ok ? "done" : "aborted");
		notify_ready();
		if (!r->again)
			admin_socket_reload_over(in, ok);
	}
	if (r->again) {
		r->again = false;
		reload_all(in);
	}
}

static void abort_round(struct init *in)
{
	struct slot *s;

	while ((s = first_waiting(&in->pool)))
		s->replace_why = NULL;
	in->reload.again = false;
	log_error("init: the workers there are stay");
	round_over(in, false);
}

static void step(struct init *in)
{
	struct slot *s = first_waiting(&in->pool);
	int r;

	if (is_busy(&in->reload) || shutdown_has_begun(in))
		return;
	if (!s) {
		round_over(in, true);
		return;
	}
	log_info("worker[%u]: to be replaced: %s", s->number, s->replace_why);
	s->replace_why = NULL;
	in->reload.slot = s;
	r = pool_start_next(s);
	if (r == 0)
		return;
	in->reload.slot = NULL;
	log_error("worker[%u]: cannot start the next: %s", s->number, strerror(-r));
	abort_round(in);
}

void reload_all(struct init *in)
{
	if (in->reload.all) {
		in->reload.again = true;
		return;
	}
	in->reload.all = true;
	counter_add(&in->board->reloads, 1);
	notify_reloading();
	for (unsigned i = 0; i < in->pool.wanted; i++)
		if (!in->pool.slots[i]->retired)
			in->pool.slots[i]->replace_why = "reload";
	step(in);
}

void reload_slot(struct slot *s, const char *why)
{
	if (s->retired || s->replace_why || s->next)
		return;
	s->replace_why = why;
	step(s->init);
}

void reload_took_over(struct slot *s, const struct worker *old)
{
	struct reload *r = &s->init->reload;

	if (r->slot != s)
		return;
	r->slot = NULL;
	r->old = old;
	step(s->init);
}

void reload_slot_retired(struct slot *s)
{
	struct reload *r = &s->init->reload;

	if (r->slot != s)
		return;
	r->slot = NULL;
	step(s->init);
}

void reload_failed(struct slot *s, int code)
{
	struct init *in = s->init;

	log_error("worker[%u]: its replacement ended with %d before it was ready", s->number, code);
	in->reload.slot = NULL;
	abort_round(in);
}

void reload_worker_ended(struct init *in, const struct worker *w)
{
	if (in->reload.old != w)
		return;
	in->reload.old = NULL;
	step(in);
}
