/* Ready is earned: by `listening`, by process.send('ready'), or, for setupWorker() apps, by an
 * answer to the router's probe, which starts when the adapter has spoken or the event loop has
 * answered a ping. With a health path it is the 2xx of that, whatever the style. */
#include "init/worker/readiness.h"

#include <stdio.h>

#include "base/log.h"
#include "base/macros.h"
#include "init/worker/state.h"

#include "base/ban.h"

void worker_become_ready(struct worker *w, enum worker_style style)
{
	if (w->state != WORKER_SPAWNED && w->state != WORKER_BOOTING)
		return;
	if (w->style == WORKER_STYLE_UNKNOWN)
		w->style = style;
	(void)uv_timer_stop(&w->deadline);
	worker_set_state(w, WORKER_READY);
}

void worker_may_be_probed(struct worker *w)
{
	if (w->state != WORKER_BOOTING || w->style == WORKER_STYLE_LISTEN ||
	    worker_listens_itself(w) || w->servers || w->config->wait_ready)
		return;
	w->style = WORKER_STYLE_STICKY;
	w->ops->on_state(w);
}

void worker_answered(struct worker *w, enum worker_style where)
{
	if (w->state != WORKER_SPAWNED && w->state != WORKER_BOOTING)
		return;
	if (w->has_channel && w->config->wait_ready)
		return;
	w->style = where;
	worker_become_ready(w, where);
}

/* With both a channel and a port, 'ready' does not tell which one to use: probe. */
void readiness_said(struct worker *w, const struct node_msg *m, const struct channel_frame *f)
{
	(void)m;
	(void)f;
	if (worker_listens_itself(w) || !w->endpoint.port)
		worker_become_ready(w, WORKER_STYLE_STICKY);
	else
		worker_may_be_probed(w);
}

static void what_it_lacks(const struct worker *w, char *dst, size_t size)
{
	if (w->config->worker_health_path)
		(void)snprintf(dst, size, " %s does not answer 2xx (SIOINIT_WORKER_HEALTH_PATH),",
			       w->config->worker_health_path);
	else if (w->endpoint.port)
		(void)snprintf(dst, size, " nothing answers at PORT=%u,", w->endpoint.port);
	else if (w->endpoint.path[0])
		(void)snprintf(dst, size, " nothing answers at SIOINIT_SOCKET,");
}

static void on_not_ready_in_time(uv_timer_t *t)
{
	struct worker *w = container_of(t, struct worker, deadline);
	char why[256] = "";

	what_it_lacks(w, why, sizeof(why));
	log_error("worker[%u]: not ready in time (SIOINIT_READY_TIMEOUT),%s replaced pid=%d",
		  w->slot, why, (int)w->pid);
	worker_kill(w);
}

bool worker_must_get_ready(const struct worker *w)
{
	return w->config->ready_timeout_ms && w->has_deadline;
}

void readiness_begin(struct worker *w)
{
	if (worker_must_get_ready(w))
		(void)uv_timer_start(&w->deadline, on_not_ready_in_time,
				     w->config->ready_timeout_ms, 0);
}
