/* Messages of init. See control.h. */
#include "router/control.h"

#include <errno.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "router/backend/lifecycle.h"
#include "router/backend/upstream.h"
#include "router/backend/workers.h"
#include "router/client/client.h"
#include "router/client/span.h"
#include "router/core.h"
#include "router/session/sid.h"
#include "router/session/table.h"

#include "base/ban.h"

static void on_listener(struct router *r, const struct control_msg *m, int *fd)
{
	struct listener_spec as = { .role = m->kind == LISTENER_RAW ? ROLE_RAW : ROLE_HTTP,
				    .id = m->listener,
				    .shared = m->state,
				    .outlives_us = m->style };
	int e;

	if (m->listener && listeners_change(&r->listeners, m->listener, as.role))
		return;
	e = listeners_add(&r->listeners, &as, fd_take(fd));
	if (e < 0)
		log_error(SIO_211, "router: listener %u: %s", m->listener, strerror(-e));
}

static void on_unlisten(struct router *r, const struct control_msg *m, int *fd)
{
	(void)fd;
	if (m->listener)
		listeners_remove(&r->listeners, m->listener);
	else
		listeners_leave(&r->listeners);
}

static void on_server(struct router *r, const struct control_msg *m, int *fd)
{
	struct worker *w = workers_by_id(&r->backend, m->worker);

	(void)fd;
	if (!w)
		return;
	if (!m->state)
		worker_has_closed(w, m->listener);
	else if (worker_has_opened(w, m->listener) < 0)
		log_error(SIO_212, "router: no memory for a server of worker[%u]", w->slot);
}

static void on_admin(struct router *r, const struct control_msg *m, int *fd)
{
	struct listener_spec as = { .role = ROLE_ADMIN, .id = m->listener };
	int e = listeners_add(&r->listeners, &as, fd_take(fd));

	if (e < 0)
		log_error(SIO_213, "router: admin listener: %s", strerror(-e));
}

static void on_sessions(struct router *r, const struct control_msg *m, int *fd)
{
	struct sessions *kept;
	int e = sessions_open(fd_take(fd), r->backend.conf->max_sessions, &kept);

	(void)m;
	if (e < 0) {
		log_error(SIO_214,
			  "router: session table: %s; sessions will not outlive this router",
			  strerror(-e));
		return;
	}
	sessions_close(r->backend.sessions);
	r->backend.sessions = kept;
	if (sessions_count(kept))
		log_info("router: %u sessions kept", sessions_count(kept));
}

/* One of all routers says it. */
static void say_what_the_app_sees(const struct backend *b)
{
	if (b->index == 0 && b->not_native < 0)
		log_info("router: SIOINIT_UPSTREAM=auto: polling and plain requests reach workers "
			 "from 127.0.0.1, with X-Forwarded-For; no network namespace for the "
			 "client's own address (%s): " OWN_NETWORK_NEEDS,
			 strerror(-b->not_native));
}

static void on_scoreboard(struct router *r, const struct control_msg *m, int *fd)
{
	struct scoreboard *shared = scoreboard_map(fd_take(fd));

	if (!shared || m->router >= ROUTERS_MAX) {
		log_error(SIO_215, "router: scoreboard: %s; nothing is counted", strerror(errno));
		scoreboard_unmap(shared);
		return;
	}
	scoreboard_unmap(r->backend.shared);
	r->backend.index = m->router;
	r->backend.shared = shared;
	r->backend.board = &shared->routers[m->router];
	visitors_share(&r->frontend.visitors, shared, m->router);
	r->backend.balance.last_slot = m->router; /* the routers do not begin with the same */
	say_what_the_app_sees(&r->backend);
}

static void on_sweep(uv_idle_t *sweep)
{
	struct router *r = container_of(sweep, struct router, sweep);

	if (!sessions_sweep(r->backend.sessions))
		(void)uv_idle_stop(sweep);
}

static void on_worker(struct router *r, const struct control_msg *m, int *fd)
{
	(void)fd;
	workers_update(&r->backend, m);
	if (m->state == WORKER_DEAD)
		(void)uv_idle_start(&r->sweep, on_sweep);
}

static void on_handback(struct router *r, const struct control_msg *m, int *fd)
{
	struct worker *w = workers_by_id(&r->backend, m->worker);

	if (m->kind == HANDOFF_UPSTREAM) {
		if (w)
			(void)upstream_refused(w, m->token);
	} else if (m->kind != HANDOFF_PROBE && *fd >= 0) {
		client_return(&r->frontend, m, fd_take(fd));
	}
}

static void on_session(struct router *r, const struct control_msg *m, int *fd)
{
	(void)fd;
	if (m->text.n == 0 || m->text.n > SID_MAX || m->worker == 0)
		return;
	if (!m->state)
		sessions_remove(r->backend.sessions, m->text);
	else if (!sessions_find(r->backend.sessions, m->text, backend_now(&r->backend)))
		sessions_put(r->backend.sessions, m->text, m->worker, SESSION_IDLE_DEFAULT,
			     backend_now(&r->backend));
}

static void on_adopt(struct router *r, const struct control_msg *m, int *fd)
{
	client_adopt(&r->frontend, m, fd_take(fd));
}

static void on_phase(struct router *r, const struct control_msg *m, int *fd)
{
	(void)fd;
	r->frontend.phase = (enum phase)m->state;
	if (r->frontend.phase != PHASE_DRAINING)
		return;
	listeners_drain(&r->listeners);
	clients_close_idle(&r->frontend);
}

static void on_app_metrics(struct router *r, const struct control_msg *m, int *fd)
{
	scrape_collected(&r->admin.scrape, m, fd_take(fd));
}

static void on_admin_answer(struct router *r, const struct control_msg *m, int *fd)
{
	questions_answered(&r->admin.questions, m, *fd);
}

static void on_access_log(struct router *r, const struct control_msg *m, int *fd)
{
	if (m->fd_lost)
		log_error(SIO_216, "router: access log: %s; it goes on in the old file",
			  strerror(EMFILE));
	else
		access_log_use(&r->frontend.access_log, fd_take(fd));
}

static void on_taken(struct router *r, const struct control_msg *m, int *fd)
{
	(void)fd;
	span_taken(&r->frontend, m->span);
}

static const struct {
	enum control_type type;
	void (*apply)(struct router *r, const struct control_msg *m, int *fd);
} messages[] = {
	{ CONTROL_WORKER, on_worker },         { CONTROL_SESSION, on_session },
	{ CONTROL_HANDBACK, on_handback },     { CONTROL_LISTENER, on_listener },
	{ CONTROL_ADMIN, on_admin },           { CONTROL_SESSIONS, on_sessions },
	{ CONTROL_PHASE, on_phase },           { CONTROL_ADOPT, on_adopt },
	{ CONTROL_SCOREBOARD, on_scoreboard }, { CONTROL_APP_METRICS, on_app_metrics },
	{ CONTROL_ACCESS_LOG, on_access_log }, { CONTROL_UNLISTEN, on_unlisten },
	{ CONTROL_SERVER, on_server },         { CONTROL_ADMIN_ANSWER, on_admin_answer },
	{ CONTROL_TAKEN, on_taken },
};

static void on_message(struct control *link, const struct control_msg *m, int fd)
{
	struct router *r = container_of(link, struct router, link);
	auto_fd int owned = fd;

	for (size_t i = 0; i < ARRAY_LEN(messages); i++)
		if (messages[i].type == m->type) {
			messages[i].apply(r, m, &owned);
			return;
		}
}

static void on_link_end(struct control *link, int err)
{
	struct router *r = container_of(link, struct router, link);

	if (err < 0)
		log_error(SIO_217, "router: channel to init: %s", strerror(-err));
	loop_stop(&r->loop);
}

const struct control_ops router_control_ops = { .on_message = on_message, .on_end = on_link_end };
