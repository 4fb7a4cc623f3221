/* Draining tunnels. See tunnel_drain.h. */
#include "router/backend/tunnel_drain.h"

#include <stdlib.h>

#include "base/macros.h"
#include "router/backend/upstream.h"
#include "router/backend/workers.h"

#include "base/ban.h"

enum { TICK_MS = 20 };

struct tunnel_drain {
	uv_timer_t timer;
	struct worker *worker;
	uint32_t per_tick;
};

static void close_some(struct worker *w, uint32_t n)
{
	struct upstream *u = w->busy, *next;

	for (; u && n > 0; u = next) {
		next = u->next;
		if (!u->tunnel)
			continue;
		u->ops->on_drain(u->user);
		n--;
	}
}

static void on_tick(uv_timer_t *t)
{
	struct tunnel_drain *d = container_of(t, struct tunnel_drain, timer);

	close_some(d->worker, d->per_tick);
}

void tunnel_drain_start(struct worker *w)
{
	struct tunnel_drain *d = w->tunnel_drain || !w->n_tunnels ? NULL : calloc(1, sizeof(*d));
	uint32_t ticks;

	if (!d)
		return;
	ticks = w->backend->conf->drain_time_ms / TICK_MS;
	w->tunnel_drain = d;
	d->worker = w;
	d->per_tick = ticks ? (w->n_tunnels + ticks - 1) / ticks : w->n_tunnels;
	(void)uv_timer_init(w->backend->loop->uv, &d->timer);
	(void)uv_timer_start(&d->timer, on_tick, 0, TICK_MS);
}

static void on_closed(uv_handle_t *h)
{
	free(container_of((uv_timer_t *)h, struct tunnel_drain, timer));
}

void tunnel_drain_stop(struct worker *w)
{
	if (w->tunnel_drain)
		uv_close((uv_handle_t *)&w->tunnel_drain->timer, on_closed);
	w->tunnel_drain = NULL;
}
