/* Ready is earned: by `listening`, by process.send('ready'), or, for setupWorker() apps, by an
 * answer to the router's probe, which starts when the adapter has spoken or the event loop has
 * answered a ping. With a health path it is the 2xx of that, whatever the style. */
#include "init/worker/readiness.h"

#include <stdio.h>

#include "base/log.h"
#include "base/macros.h"
#include "init/worker/ending.h"
#include "init/worker/state.h"

#include "base/ban.h"

void worker_become_ready(struct worker *w, enum worker_style style)
{
	if (w->state != WORKER_SPAWNED && w->state != WORKER_BOOTING)
		return;
	if (w->style == WORKER_STYLE_UNKNOWN)
		w->style = style;
	(void)uv_timer_stop(&w->deadline);
	if (w->board)
		histogram_observe(&w->board->got_ready, &scoreboard_ready_bounds,
				  worker_since(w, w->started_ms) * 1000);
	worker_set_state(w, WORKER_READY);
}

static bool waits_for_its_word(const struct worker *w)
{
	return w->has_channel && w->config->wait_ready && !w->has_said_ready;
}

/* Its listen() for the public port has begun. */
static bool has_asked_for_the_port(const struct worker *w)
{
	return servers_at(w->servers, NULL);
}

static bool may_have_substitute(const struct worker *w)
{
	return servers_substitute(w->servers, w->places, true);
}

void worker_may_be_probed(struct worker *w)
{
	if (w->state != WORKER_BOOTING || w->style == WORKER_STYLE_LISTEN ||
	    worker_listens_itself(w) || has_asked_for_the_port(w) || waits_for_its_word(w))
		return;
	w->style = WORKER_STYLE_STICKY;
	w->ops->on_state(w);
}

/* False: that was for a way to reach it which is none any more. */
static bool takes_for_sticky(struct worker *w, bool silent)
{
	if (w->style == WORKER_STYLE_LISTEN || (silent && may_have_substitute(w)))
		return false;
	w->is_sticky = true;
	(void)uv_timer_stop(&w->settling); /* there is nothing to wait for */
	return true;
}

/* For other languages that is as it should be. */
static void say_unclaimed(const struct worker *w)
{
	if (!w->is_claimed || w->was_claimed || w->places->told_unclaimed)
		return;
	w->places->told_unclaimed = true;
	log_info("worker[%u]: answers at its port %u, and no Node process of it has asked for the "
		 "IPC channel: what it broadcasts by cluster-adapter stays with its own clients",
		 w->slot, w->endpoint.port);
}

void worker_answered(struct worker *w, enum worker_style where, bool silent)
{
	if (w->state != WORKER_SPAWNED && w->state != WORKER_BOOTING)
		return;
	if ((where == WORKER_STYLE_STICKY && !takes_for_sticky(w, silent)) || waits_for_its_word(w))
		return;
	w->style = where;
	if (worker_listens_itself(w))
		say_unclaimed(w);
	worker_become_ready(w, where);
}

/* It does not say how it is reached: by a server that is about to listen, by one that may get the
 * public port, by setupWorker(), or at a port of its own. */
void readiness_said(struct worker *w, const struct node_msg *m, const struct channel_frame *f)
{
	(void)m;
	(void)f;
	w->has_said_ready = true;
	if (w->public || worker_listens_itself(w))
		worker_become_ready(w, w->style);
	else if (w->endpoint.port || may_have_substitute(w))
		worker_may_be_probed(w);
	else if (!has_asked_for_the_port(w))
		worker_become_ready(w, WORKER_STYLE_STICKY);
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
	else if (w->servers && !w->public)
		(void)snprintf(dst, size,
			       " nothing listens at PORT=%u, only at other ports, loopback or "
			       "unix sockets,",
			       w->config->port);
	else if (w->has_channel && !w->has_asked)
		(void)snprintf(dst, size,
			       " it has not called listen() (SIOINIT_DISPATCH=port for a server "
			       "that binds PORT by itself),");
}

static void on_not_ready_in_time(uv_timer_t *t)
{
	struct worker *w = container_of(t, struct worker, deadline);
	char why[256] = "";

	what_it_lacks(w, why, sizeof(why));
	log_error(SIO_116,
		  "worker[%u]: not ready in time (SIOINIT_READY_TIMEOUT),%s replaced pid=%d",
		  w->slot, why, (int)w->pid);
	worker_ends_for(w, WORKER_END_NOT_READY);
	worker_kill(w);
}

static void start_deadline(struct worker *w, uint32_t passed_ms)
{
	if (worker_must_get_ready(w))
		(void)uv_timer_start(&w->deadline, on_not_ready_in_time,
				     w->config->ready_timeout_ms - passed_ms, 0);
}

static void on_no_word(uv_timer_t *t)
{
	struct worker *w = container_of(t, struct worker, deadline);

	start_deadline(w, w->config->wait_ready_timeout_ms);
	if (!waits_for_its_word(w))
		return;
	log_warn(SIO_117,
		 "worker[%u]: has not called process.send('ready') (SIOINIT_WAIT_READY_TIMEOUT): "
		 "ready when it listens pid=%d",
		 w->slot, (int)w->pid);
	w->has_said_ready = true;
	if (w->public || worker_listens_itself(w))
		worker_become_ready(w, w->style);
	else
		worker_may_be_probed(w);
}

bool worker_must_get_ready(const struct worker *w)
{
	return w->config->ready_timeout_ms && w->has_deadline;
}

void readiness_begin(struct worker *w)
{
	uint32_t word_ms = w->config->wait_ready_timeout_ms;
	bool in_time = !worker_must_get_ready(w) || word_ms < w->config->ready_timeout_ms;

	if (waits_for_its_word(w) && word_ms && in_time)
		(void)uv_timer_start(&w->deadline, on_no_word, word_ms, 0);
	else
		start_deadline(w, 0);
}
