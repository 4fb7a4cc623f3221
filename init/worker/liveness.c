/* Whether a worker lives: pings of its event loop, answers to health checks, stops by a signal. */
#include "init/worker/liveness.h"

#include <string.h>

#include "base/log.h"
#include "init/worker/state.h"

#include "base/ban.h"

static bool is_pinged(const struct worker *w)
{
	return w->answers_pings && !worker_listens_itself(w);
}

void worker_ping(struct worker *w)
{
	if (w->ping_sent_ms || !is_pinged(w))
		return;
	if (handles_ping(&w->handles, node_ping(w->channel.mode)) < 0)
		return;
	w->ping_sent_ms = uv_now(w->deadline.loop);
	w->ping_sent_us = uv_hrtime() / 1000;
}

/* While it drains nobody waits for what it says to health checks. */
static bool is_judged(const struct worker *w)
{
	return w->state == WORKER_READY || w->state == WORKER_SUSPECT;
}

uint64_t worker_silence_ms(const struct worker *w)
{
	uint64_t stopped = worker_since(w, w->stopped_ms);
	uint64_t asked = 0;

	if (is_pinged(w))
		asked = worker_since(w, w->ping_sent_ms);
	else if (is_judged(w))
		asked = w->health.silence_ms;
	return stopped > asked ? stopped : asked;
}

const char *worker_silence_why(const struct worker *w)
{
	if (w->stopped_ms)
		return "has been stopped";
	return is_pinged(w) ? "event loop has not answered" : "health path has not answered";
}

void worker_suspect(struct worker *w, bool suspect)
{
	if (is_judged(w))
		worker_set_state(w, suspect ? WORKER_SUSPECT : WORKER_READY);
}

/* Logs only when health changes. */
static void say_health(const struct worker *w, uint32_t status)
{
	const char *path = w->config->worker_health_path;

	if (!w->health.is_bad)
		log_info("worker[%u]: is well again, %s answers %u pid=%d", w->slot, path, status,
			 (int)w->pid);
	else if (status)
		log_warn(SIO_112,
			 "worker[%u]: is not well, %s answers %u (SIOINIT_WORKER_HEALTH_PATH) "
			 "pid=%d",
			 w->slot, path, status, (int)w->pid);
	else
		log_warn(SIO_113,
			 "worker[%u]: is not well, no answer to %s (SIOINIT_WORKER_HEALTH_PATH) "
			 "pid=%d",
			 w->slot, path, (int)w->pid);
}

static void on_health(struct worker *w, const struct control_msg *m)
{
	bool is_bad = m->state == HEALTH_BAD, is_news = is_bad != w->health.is_bad;

	w->health.is_bad = is_bad;
	w->health.lag_ms = m->waited_ms;
	w->health.silence_ms = 0;
	if (!is_pinged(w)) {
		w->lag_ms = m->waited_ms;
		w->asked_to_diagnose = false;
	}
	if (is_news)
		say_health(w, m->kind);
}

void worker_heard(struct worker *w, const struct control_msg *m)
{
	if (!is_judged(w))
		return;
	if (m->state == HEALTH_OPEN)
		w->health.silence_ms = m->waited_ms;
	else
		on_health(w, m);
}

void worker_health_unknown(struct worker *w)
{
	w->health.silence_ms = 0;
}

void worker_stopped(struct worker *w, int sig)
{
	if (!sig) {
		w->stopped_ms = 0;
		w->asked_to_diagnose = false;
		log_info("worker[%u]: goes on pid=%d", w->slot, (int)w->pid);
		return;
	}
	if (!w->stopped_ms)
		w->stopped_ms = uv_now(w->deadline.loop);
	log_warn(SIO_114, "worker[%u]: stopped by SIG%s pid=%d", w->slot, sigabbrev_np(sig),
		 (int)w->pid);
}

static void note_lag(struct worker *w)
{
	w->lag_ms = (uint32_t)worker_since(w, w->ping_sent_ms);
	if (w->board && w->ping_sent_ms)
		histogram_observe(&w->board->lags, &scoreboard_lag_bounds,
				  uv_hrtime() / 1000 - w->ping_sent_us);
}

void liveness_ponged(struct worker *w)
{
	w->lag_ms = 0;
	if (is_pinged(w) && w->state >= WORKER_READY) /* before, it is its script that loads */
		note_lag(w);
	w->ping_sent_ms = 0;
	w->asked_to_diagnose = false;
}
