/* Drain and stop: no new sessions, the sockets one after another, the stop signal, cluster's
 * disconnect, SIGKILL. */
#include <signal.h>

#include "base/log.h"
#include "base/macros.h"
#include "init/worker/state.h"

#include "base/ban.h"

enum { DISCONNECT_AFTER_MS = 500 };

static void on_drain_time(uv_timer_t *t)
{
	worker_stop(container_of(t, struct worker, deadline));
}

static void stop_if_drained(struct worker *w)
{
	if (w->state == WORKER_DRAINING && w->sockets_done && w->requests_done)
		worker_stop(w);
}

static void on_sockets_done(struct drain *d)
{
	struct worker *w = container_of(d, struct worker, drain);

	w->sockets_done = true;
	stop_if_drained(w);
}

static void on_shed(struct drain *d)
{
	(void)d;
}

void worker_shed(struct worker *w, unsigned n)
{
	if (w->state == WORKER_READY && n > 0)
		drain_start(&w->drain, w->app, w->frontend, n, w->config->drain_time_ms, on_shed);
}

void worker_requests_done(struct worker *w)
{
	w->requests_done = true;
	stop_if_drained(w);
}

void worker_drain(struct worker *w)
{
	uint32_t drain_ms = config_drain_time_ms(w->config);

	if (w->kill_at_ms)
		return;
	if (w->state < WORKER_READY) {
		worker_stop(w);
		return;
	}
	w->kill_at_ms = uv_now(w->deadline.loop) + w->config->stop_timeout_ms;
	worker_set_state(w, WORKER_DRAINING);
	(void)uv_timer_start(&w->deadline, on_drain_time, drain_ms, 0);
	if (worker_listens_itself(w)) /* the router has them */
		on_sockets_done(&w->drain);
	else
		drain_start(&w->drain, w->app, w->frontend, SIZE_MAX, drain_ms, on_sockets_done);
}

static void on_kill_time(uv_timer_t *t)
{
	struct worker *w = container_of(t, struct worker, deadline);

	log_warn("worker[%u]: still there at the stop timeout, killed pid=%d", w->slot,
		 (int)w->pid);
	worker_kill(w);
}

/* For those whose open channel alone keeps them alive. */
static void on_disconnect_time(uv_timer_t *t)
{
	struct worker *w = container_of(t, struct worker, deadline);
	uint64_t now = uv_now(t->loop);

	worker_send(w, node_disconnect(w->channel.mode, w->seq++));
	(void)uv_timer_start(t, on_kill_time, w->kill_at_ms > now ? w->kill_at_ms - now : 0, 0);
}

void worker_stop(struct worker *w)
{
	uint64_t now = uv_now(w->deadline.loop), left;

	if (w->state == WORKER_DEAD || w->state == WORKER_STOPPING)
		return;
	if (!w->kill_at_ms)
		w->kill_at_ms = now + w->config->stop_timeout_ms;
	left = w->kill_at_ms > now ? w->kill_at_ms - now : 0;
	drain_stop(&w->drain);
	worker_set_state(w, WORKER_STOPPING);
	worker_group_stop(w);
	(void)uv_timer_start(&w->deadline, on_disconnect_time,
			     left < DISCONNECT_AFTER_MS ? left : DISCONNECT_AFTER_MS, 0);
}

bool worker_leader_ended(struct worker *w, int status, const struct rusage *usage)
{
	if (!worker_group_holds(w, status, usage))
		return false;
	worker_stop(w);
	return true;
}
