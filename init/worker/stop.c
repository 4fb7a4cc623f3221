/* The stop, by stop-order. Sockets first:
 *
 *	draining: SOCKETS (closed over drain-time, requests answered) ──► stopping: the signal
 *
 * or the app first, which has all its clients when it hears of the stop:
 *
 *	draining: ANSWERS (of requests in flight) ──► APP: the signal ──► SOCKETS ──► stopping
 *
 * and in the end cluster's disconnect, and SIGKILL. The process may end at any moment.
 *
 * What the signal will do is not to be seen from outside: Node catches it at its start, only to end
 * by it, and Go's and Java's runtimes do alike. So nothing may depend on it. Requests are answered
 * before, and the sockets are held while it may end the process at once: if it does, they are
 * closed at a pace nevertheless. And the next worker is treated as this one has shown. */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/log.h"
#include "base/macros.h"
#include "init/worker/state.h"

#include "base/ban.h"

enum {
	DISCONNECT_AFTER_MS = 500,
	GOODBYE_MS = 3000, /* for the app, with all its clients */
	GOODBYE_SHARE = 4, /* of the time to SIGKILL, at most */
	DEATH_MS = 1000,   /* who ends by the signal within that has no way of its own with it */
};

static uint32_t left_ms(const struct worker *w)
{
	uint64_t now = uv_now(w->deadline.loop);

	return w->kill_at_ms > now ? (uint32_t)(w->kill_at_ms - now) : 0;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static bool hears_message(const struct worker *w)
{
	return w->config->stop_message && w->hears && !w->leaving;
}

void worker_tell_stop(struct worker *w)
{
	w->told_ms = uv_now(w->deadline.loop);
	if (hears_message(w)) {
		worker_send(w, node_text(w->channel.mode, w->config->stop_message));
		if (w->pid > 0)
			(void)kill(-w->pid, SIGCONT);
		return;
	}
	if (w->config->stop_message)
		log_warn(SIO_120,
			 "worker[%u]: nobody reads an IPC channel there, so it is stopped by SIG%s "
			 "instead of SIOINIT_STOP_MESSAGE pid=%d",
			 w->slot, sigabbrev_np(w->config->stop_signal), (int)w->pid);
	worker_group_stop(w);
}

/* The parts of the farewell */

bool worker_keeps_clients(const struct worker *w)
{
	return w->state == WORKER_DRAINING &&
	       (w->farewell == FAREWELL_ANSWERS || w->farewell == FAREWELL_APP);
}

bool worker_is_open(const struct worker *w)
{
	return worker_keeps_clients(w) && (w->public || w->style != WORKER_STYLE_LISTEN);
}

static void set_farewell(struct worker *w, enum farewell to)
{
	w->farewell = to;
	w->requests_done = false;
	w->idle_at = w->empty_at = 0;
	if (w->state == WORKER_DRAINING)
		w->ops->on_farewell(w);
}

static void on_drain_time(uv_timer_t *t)
{
	worker_stop(container_of(t, struct worker, deadline));
}

static void stop_if_drained(struct worker *w)
{
	if (w->sockets_done && w->requests_done)
		worker_stop(w);
}

static void on_sockets_done(struct drain *d)
{
	struct worker *w = container_of(d, struct worker, drain);

	w->sockets_done = true;
	stop_if_drained(w);
}

static void close_sockets(struct worker *w)
{
	uint32_t left = left_ms(w), ms = least(config_drain_time_ms(w->config), left - left / 4);

	(void)uv_timer_start(&w->deadline, on_drain_time, ms, 0);
	if (worker_listens_itself(w)) /* the router has them */
		on_sockets_done(&w->drain);
	else
		drain_start(&w->drain, w->app, w->frontend, SIZE_MAX, ms, on_sockets_done);
}

static void goodbye_over(struct worker *w)
{
	set_farewell(w, FAREWELL_SOCKETS);
	close_sockets(w);
}

static void on_goodbye_over(uv_timer_t *t)
{
	goodbye_over(container_of(t, struct worker, deadline));
}

static void tell_app(struct worker *w)
{
	uint32_t ms = least(GOODBYE_MS, w->config->stop_timeout_ms / GOODBYE_SHARE);

	drain_hold(&w->drain, w->app, w->frontend, &w->endpoint, DEATH_MS);
	worker_tell_stop(w);
	if (w->answers_pings)
		worker_ping(w);
	(void)uv_timer_start(&w->deadline, on_goodbye_over, ms, 0);
}

/* Whoever answers after the signal does not end by it. */
void worker_has_survived(struct worker *w)
{
	if (w->farewell == FAREWELL_APP && w->drain.is_held)
		drain_stop(&w->drain);
}

static void answers_over(struct worker *w)
{
	set_farewell(w, FAREWELL_APP);
	tell_app(w);
}

static void on_answers_late(uv_timer_t *t)
{
	answers_over(container_of(t, struct worker, deadline));
}

static void await_answers(struct worker *w)
{
	(void)uv_timer_start(&w->deadline, on_answers_late, config_drain_time_ms(w->config), 0);
}

/* What the routers tell */

/* What is held, one that has just died by the signal has closed already. */
static bool has_sockets(const struct worker *w)
{
	return w->drain.is_held ||
	       (!worker_listens_itself(w) && drain_count(w->app, w->frontend) > 0);
}

void worker_requests_done(struct worker *w, bool empty)
{
	if (w->state != WORKER_DRAINING)
		return;
	w->requests_done = true;
	if (w->farewell == FAREWELL_ANSWERS)
		answers_over(w);
	else if (w->farewell == FAREWELL_APP && empty && !has_sockets(w))
		goodbye_over(w);
	else if (w->farewell == FAREWELL_SOCKETS)
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

/* The order */

static enum farewell first_part(const struct worker *w)
{
	if (w->config->stop_order == CONFIG_STOP_ORDER_DRAIN)
		return FAREWELL_SOCKETS;
	if (w->config->stop_order == CONFIG_STOP_ORDER_SIGNAL)
		return FAREWELL_APP;
	if (hears_message(w))
		return FAREWELL_ANSWERS;
	if ((w->groups && w->groups->heed == HEED_DIES) || !worker_group_takes_signal(w))
		return FAREWELL_SOCKETS;
	return FAREWELL_ANSWERS;
}

bool worker_is_told_first(const struct worker *w)
{
	return w->state >= WORKER_READY && !w->kill_at_ms && first_part(w) != FAREWELL_SOCKETS;
}

void worker_drain(struct worker *w)
{
	static void (*const begin[])(struct worker *) = { [FAREWELL_ANSWERS] = await_answers,
							  [FAREWELL_APP] = tell_app,
							  [FAREWELL_SOCKETS] = close_sockets };

	if (w->kill_at_ms)
		return;
	if (w->state < WORKER_READY) {
		worker_stop(w);
		return;
	}
	w->kill_at_ms = uv_now(w->deadline.loop) + w->config->stop_timeout_ms;
	set_farewell(w, first_part(w));
	worker_set_state(w, WORKER_DRAINING);
	if (w->state == WORKER_DRAINING)
		begin[w->farewell](w);
}

static void on_kill_time(uv_timer_t *t)
{
	struct worker *w = container_of(t, struct worker, deadline);

	log_warn(SIO_121, "worker[%u]: still there at the stop timeout, killed pid=%d", w->slot,
		 (int)w->pid);
	worker_kill(w);
}

/* For those whose open channel alone keeps them alive. */
static void on_disconnect_time(uv_timer_t *t)
{
	struct worker *w = container_of(t, struct worker, deadline);

	worker_send(w, node_disconnect(w->channel.mode, w->seq++));
	(void)uv_timer_start(t, on_kill_time, left_ms(w), 0);
}

void worker_stop(struct worker *w)
{
	if (w->state == WORKER_DEAD || w->state == WORKER_STOPPING)
		return;
	if (!w->kill_at_ms)
		w->kill_at_ms = uv_now(w->deadline.loop) + w->config->stop_timeout_ms;
	drain_stop(&w->drain);
	worker_set_state(w, WORKER_STOPPING);
	if (!w->told_ms)
		worker_tell_stop(w);
	(void)uv_timer_start(&w->deadline, on_disconnect_time,
			     least(left_ms(w), DISCONNECT_AFTER_MS), 0);
}

/* The end */

static void learn(struct worker *w, int status)
{
	if (!w->told_ms || w->killed)
		return;
	w->died_of_signal = WIFSIGNALED(status) && WTERMSIG(status) == w->config->stop_signal &&
			    uv_now(w->deadline.loop) - w->told_ms < DEATH_MS;
	if (!w->groups)
		return;
	if (w->died_of_signal && w->farewell == FAREWELL_APP)
		log_info("worker[%u]: the stop signal ends it at once: the next ones are drained "
			 "before they have it (SIOINIT_STOP_ORDER)",
			 w->slot);
	w->groups->heed = w->died_of_signal ? HEED_DIES : HEED_ACTS;
}

bool worker_leader_ended(struct worker *w, int status, const struct rusage *usage)
{
	learn(w, status);
	if (!worker_group_holds(w, status, usage))
		return false;
	worker_stop(w);
	return true;
}
