/* From a worker's first message to its end. See lifecycle.h. */
#include "router/backend/lifecycle.h"

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/log.h"
#include "router/backend/health_check.h"
#include "router/backend/load.h"
#include "router/backend/probe.h"
#include "router/backend/upstream.h"
#include "router/backend/upstreams_drain.h"
#include "router/backend/workers.h"
#include "router/session/table.h"

#include "base/ban.h"

static void worker_remove(struct backend *b, struct worker *w)
{
	/* the analyzer does not see that this takes w out of the table */
	HASH_DEL(b->workers, w); /* NOLINT(clang-analyzer-unix.Malloc) */
	sessions_remove_worker(b->sessions, w->id);
	probe_stop(w);
	health_check_stop(w);
	protocol_ask_stop(w);
	upstreams_drain_stop(w);
	upstreams_close_all(w);
	if (w->has_news)
		LL_DELETE2(b->news, w, next_news);
	free(w->listeners);
	free(w);
}

static struct worker *worker_add(struct backend *b, uint32_t id)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (!w) {
		log_error(SIO_202, "router: no memory for worker id=%u", id);
		return NULL;
	}
	w->backend = b;
	w->id = id;
	HASH_ADD(hh, b->workers, id, sizeof(w->id), w);
	return w;
}

static void count_ready(struct backend *b)
{
	struct worker *w, *next;

	b->n_ready = 0;
	HASH_ITER(hh, b->workers, w, next)
	b->n_ready += w->state == WORKER_READY;
}

/* One that has called listen() is ready, unless it has to be well, too. */
static bool answers_by_channel(const struct worker *w)
{
	if (w->state != WORKER_BOOTING)
		return false;
	return w->style == WORKER_STYLE_STICKY ||
	       (w->style == WORKER_STYLE_LISTEN && w->backend->conf->health_path);
}

static void ask_as_its_state_wants(struct worker *w)
{
	bool by_channel = answers_by_channel(w);

	if (w->state <= WORKER_BOOTING && (by_channel || w->port || w->path[0]))
		probe_start(w, by_channel);
	else
		probe_stop(w);
	if (w->state == WORKER_READY || w->state == WORKER_SUSPECT)
		health_check_start(w);
	else
		health_check_stop(w);
}

/* What is known of the one before holds no more. */
static void use_other_server(struct worker *w, uint64_t public)
{
	w->public = public;
	w->protocol = PROTOCOL_UNKNOWN;
	upstreams_close_idle(w);
}

static void worker_apply(struct worker *w, const struct control_msg *m)
{
	bool was_ready = w->state >= WORKER_READY;

	w->slot = m->slot;
	w->pid = (pid_t)m->pid;
	w->port = (uint16_t)m->port;
	w->state = m->state < WORKER_N_STATES ? (enum worker_state)m->state : WORKER_STOPPING;
	w->style = (enum worker_style)m->style;
	w->has_adapter = m->kind & WORKER_HAS_ADAPTER;
	w->keeps_clients = m->kind & WORKER_KEEPS_CLIENTS;
	if (w->public != m->token)
		use_other_server(w, m->token);
	(void)snprintf(w->path, sizeof(w->path), "%.*s", (int)m->text.n, m->text.p);
	if (w->state == WORKER_READY && !was_ready)
		load_on_ready(w);
	if (w->backend->index == 0)
		ask_as_its_state_wants(w);
	if (w->state == WORKER_DRAINING && !w->keeps_clients &&
	    (worker_listens_itself(w) || (m->kind & WORKER_IS_EMPTIED)))
		upstreams_drain_start(w);
	if (w->state == WORKER_STOPPING) {
		upstreams_close_idle(w);
		upstreams_drain_start(w);
	}
	worker_tell_if_idle(w);
	worker_has_news(w);
}

void workers_update(struct backend *b, const struct control_msg *m)
{
	struct worker *w = workers_by_id(b, m->worker);

	if (m->state == WORKER_DEAD) {
		if (w)
			worker_remove(b, w);
	} else {
		if (!w)
			w = worker_add(b, m->worker);
		if (w)
			worker_apply(w, m);
	}
	count_ready(b);
}

void workers_free_all(struct backend *b)
{
	struct worker *w, *next;

	HASH_ITER(hh, b->workers, w, next)
	worker_remove(b, w);
}
