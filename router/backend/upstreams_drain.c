#include "router/backend/upstreams_drain.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/macros.h"
#include "router/backend/upstream.h"
#include "router/backend/workers.h"

#include "base/ban.h"

enum { TICK_MS = 20, STOPPING_MS = 1000 /* to answer polls */ };

struct upstreams_drain {
	uv_timer_t timer;
	struct worker *worker;
	bool is_of_polls;
	uint32_t per_tick;
};

static void end_some(const struct upstreams_drain *d)
{
	struct upstream *u = d->worker->busy, *next;

	for (uint32_t n = d->per_tick; u && n > 0; u = next) {
		next = u->next;
		if ((u->tunnel || (u->poll && d->is_of_polls)) && u->ops->on_drain(u->user))
			n--;
	}
}

static void on_tick(uv_timer_t *t)
{
	end_some(container_of(t, struct upstreams_drain, timer));
}

static struct upstreams_drain *drain_of(struct worker *w)
{
	struct upstreams_drain *d = w->drain ? w->drain : calloc(1, sizeof(*d));

	if (!d || w->drain)
		return d;
	d->worker = w;
	(void)uv_timer_init(w->backend->loop->uv, &d->timer);
	w->drain = d;
	return d;
}

void upstreams_drain_start(struct worker *w)
{
	bool is_of_polls = w->state == WORKER_STOPPING;
	uint32_t n = w->n_tunnels + (is_of_polls ? w->n_polls : 0);
	uint32_t ticks = w->backend->conf->drain_time_ms / TICK_MS;
	struct upstreams_drain *d;

	if (n == 0 || (w->drain && w->drain->is_of_polls == is_of_polls))
		return;
	d = drain_of(w);
	if (!d)
		return;
	d->is_of_polls = is_of_polls;
	d->per_tick = ticks ? (n + ticks - 1) / ticks : n;
	(void)uv_timer_start(&d->timer, on_tick, is_of_polls ? STOPPING_MS : 0, TICK_MS);
}

static void on_closed(uv_handle_t *h)
{
	free(container_of((uv_timer_t *)h, struct upstreams_drain, timer));
}

void upstreams_drain_stop(struct worker *w)
{
	if (w->drain)
		uv_close((uv_handle_t *)&w->drain->timer, on_closed);
	w->drain = NULL;
}
