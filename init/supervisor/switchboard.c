/* The two tables. See switchboard.h. */
#include "init/supervisor/switchboard.h"
#include "init/supervisor/banner.h"
#include "init/supervisor/node_version.h"

#include <utlist.h>

#include "base/fd.h"
#include "base/log.h"
#include "init/listen/kept.h"
#include "init/supervisor/core.h"
#include "init/system/notify.h"

#include "base/ban.h"

/* Telling routers */

static struct control_msg about_worker(const struct worker *w)
{
	return (struct control_msg){ .type = CONTROL_WORKER,
				     .worker = w->id,
				     .slot = w->slot,
				     .pid = (uint32_t)w->pid,
				     .state = w->state,
				     .style = w->style,
				     .port = w->endpoint.port,
				     .text = str_of(w->endpoint.path),
				     .token = w->n_publics,
				     .kind =
					 (w->announced ? WORKER_HAS_ADAPTER : 0) |
					 (w->farewell == FAREWELL_SOCKETS ? WORKER_IS_EMPTIED : 0) |
					 (worker_keeps_clients(w) ? WORKER_KEEPS_CLIENTS : 0) };
}

static struct control_msg about_server(const struct worker *w, const struct place *pl, bool opened)
{
	return (struct control_msg){
		.type = CONTROL_SERVER, .worker = w->id, .listener = pl->id, .state = opened
	};
}

/* At a stop, what the app opens late is open to nobody. */
static void tell_place(struct router_process *r, const struct place *pl)
{
	struct control_msg m = { .type = CONTROL_LISTENER,
				 .listener = pl->id,
				 .kind = pl->is_http ? LISTENER_HTTP : LISTENER_RAW,
				 .state = r->routers->n > 1,
				 .style = pl->is_kept };

	if (pl->fd >= 0)
		router_lend(r, &m, pl->fd);
}

static void tell_frontend(struct router_process *r, const struct listening *at)
{
	struct control_msg m = { .type = CONTROL_LISTENER,
				 .kind = LISTENER_HTTP,
				 .state = at->n_fds < r->routers->n,
				 .style = at->is_kept };

	router_lend(r, &m, frontend_socket(at, r->index));
}

static void tell_access_log(struct router_process *r, const struct access_file *file)
{
	struct control_msg m = { .type = CONTROL_ACCESS_LOG };

	if (file->fd >= 0)
		router_lend(r, &m, file->fd);
	else if (file->path)
		router_tell(r, &m);
}

void switchboard_tell_access_log(struct init *in)
{
	for (unsigned i = 0; i < in->routers.n; i++)
		tell_access_log(&in->routers.list[i], &in->access_file);
}

void switchboard_deliver_app_metrics(struct init *in, unsigned router, const struct control_msg *m,
				     int fd)
{
	struct router_process *r = &in->routers.list[router];

	if (r->up)
		router_send(r, m, fd);
	else
		fd_close(&fd);
}

static void tell_servers(struct router_process *r, const struct worker *w)
{
	const struct server *s;

	DL_FOREACH(w->servers, s)
	if (s->place && node_address_is_stream(s->place->type)) {
		struct control_msg m = about_server(w, s->place, true);

		router_tell(r, &m);
	}
}

static void tell_workers(struct init *in, struct router_process *r)
{
	const struct worker *w;

	DL_FOREACH(in->pool.workers, w)
	{
		struct control_msg m = about_worker(w);

		router_tell(r, &m);
		tell_servers(r, w);
	}
}

/* While no worker has been ready yet, clients wait in the backlog where they can: they have come
 * for an answer, and would get 503. */
static void tell_public(struct init *in, struct router_process *r, bool kept)
{
	for (size_t i = 0; i < in->frontend.n_http; i++)
		if (in->frontend.http[i].is_kept == kept)
			tell_frontend(r, &in->frontend.http[i]);
}

static void tell_sockets(struct init *in, struct router_process *r)
{
	struct control_msg admin = { .type = CONTROL_ADMIN };

	tell_public(in, r, false);
	if (in->pool.was_ready)
		tell_public(in, r, true);
	if (in->frontend.admin >= 0 && r->index == 0)
		router_lend(r, &admin, in->frontend.admin);
	for (const struct place *pl = in->places.list; pl; pl = pl->next)
		if (pl->told)
			tell_place(r, pl);
}

static bool adopt(struct router_process *r, const struct control_msg *m, int fd)
{
	router_send(r, m, fd);
	return r->channel;
}

static void tell_everything(struct init *in, struct router_process *r)
{
	struct control_msg board = { .type = CONTROL_SCOREBOARD, .router = r->index },
			   sessions = { .type = CONTROL_SESSIONS },
			   phase = { .type = CONTROL_PHASE, .state = shutdown_phase(in) };

	router_lend(r, &board, in->board_fd);
	router_lend(r, &sessions, in->sessions_fd);
	tell_access_log(r, &in->access_file);
	tell_workers(in, r);
	tell_sockets(in, r);
	lent_polls_give(&in->lent_polls, r->index, r, adopt);
	router_tell(r, &phase);
}

/* What a router says */

static struct init *init_of(const struct router_process *r)
{
	return r->routers->owner;
}

/* A new router gets no answers to its predecessor's health checks. */
static void forget_health_checks(struct init *in)
{
	struct worker *w;

	DL_FOREACH(in->pool.workers, w)
	worker_health_unknown(w);
}

static void on_up(struct router_process *r, struct worker *w, const struct control_msg *m, int *fd)
{
	struct init *in = init_of(r);

	(void)w;
	(void)m;
	(void)fd;
	if (r->index == 0)
		forget_health_checks(in);
	tell_everything(in, r);
}

static void hand_back(struct init *in, const struct control_msg *m, int fd)
{
	websockets_returned(&in->websockets, m->visitor);
	routers_hand_back(&in->routers, m, fd);
}

static void on_handoff(struct router_process *r, struct worker *w, const struct control_msg *m,
		       int *fd)
{
	struct init *in = init_of(r);
	struct control_msg noted = *m;

	noted.router = r->index;
	noted.visitor = websockets_on_their_way(&in->websockets, r->index, m->visitor);
	if (w && *fd >= 0) {
		worker_hand_off(w, &noted, fd_take(fd));
		return;
	}
	noted.type = CONTROL_HANDBACK;
	hand_back(in, &noted, fd_take(fd));
}

static void on_idle(struct router_process *r, struct worker *w, const struct control_msg *m,
		    int *fd)
{
	uint32_t all = (1u << r->routers->n) - 1, its = 1u << r->index;

	(void)fd;
	if (m->state != worker_keeps_clients(w)) /* of another part of its farewell */
		return;
	w->idle_at |= its;
	w->empty_at = m->kind ? w->empty_at | its : w->empty_at & ~its;
	if (w->idle_at == all)
		worker_requests_done(w, w->empty_at == all);
}

static void on_health(struct router_process *r, struct worker *w, const struct control_msg *m,
		      int *fd)
{
	(void)fd;
	worker_heard(w, m);
	monitor_judge(&init_of(r)->monitor, w);
}

/* Where it has said nothing of that kind the answer came from elsewhere. */
static bool can_answer_by(const struct worker *w, enum worker_style style)
{
	if (style == WORKER_STYLE_PORT)
		return w->endpoint.port != 0;
	if (style == WORKER_STYLE_UNIX)
		return w->endpoint.path[0] != '\0';
	return style != WORKER_STYLE_UNKNOWN && w->has_channel;
}

static void on_probed(struct router_process *r, struct worker *w, const struct control_msg *m,
		      int *fd)
{
	enum worker_style style = (enum worker_style)m->style;

	(void)r;
	(void)fd;
	if (can_answer_by(w, style))
		worker_answered(w, style, m->state);
}

static void on_park(struct router_process *r, struct worker *w, const struct control_msg *m,
		    int *fd)
{
	(void)w;
	lent_polls_take(&init_of(r)->lent_polls, r->index, m, fd_take(fd));
}

static void on_unpark(struct router_process *r, struct worker *w, const struct control_msg *m,
		      int *fd)
{
	(void)w;
	(void)fd;
	lent_polls_drop(&init_of(r)->lent_polls, r->index, m->token);
}

static void on_app_metrics(struct router_process *r, struct worker *w, const struct control_msg *m,
			   int *fd)
{
	(void)w;
	(void)fd;
	app_metrics_collect(init_of(r), r->index, m->token);
}

static void on_admin_ask(struct router_process *r, struct worker *w, const struct control_msg *m,
			 int *fd)
{
	(void)w;
	(void)fd;
	admin_http_ask(init_of(r), r, m);
}

static const struct {
	void (*act)(struct router_process *r, struct worker *w, const struct control_msg *m,
		    int *fd);
	bool is_about_worker; /* one that is gone: nothing is done */
} router_messages[CONTROL_N_TYPES] = {
	[CONTROL_UP] = { on_up, false },
	[CONTROL_PROBED] = { on_probed, true },
	[CONTROL_HEALTH] = { on_health, true },
	[CONTROL_IDLE] = { on_idle, true },
	[CONTROL_HANDOFF] = { on_handoff, false },
	[CONTROL_PARK] = { on_park, false },
	[CONTROL_UNPARK] = { on_unpark, false },
	[CONTROL_APP_METRICS] = { on_app_metrics, false },
	[CONTROL_ADMIN_ASK] = { on_admin_ask, false },
};

static void on_router_message(struct router_process *r, const struct control_msg *m, int fd)
{
	struct worker *w = pool_worker(&init_of(r)->pool, m->worker);
	auto_fd int owned = fd;

	if (router_messages[m->type].act && (w || !router_messages[m->type].is_about_worker))
		router_messages[m->type].act(r, w, m, &owned);
}

static uint32_t last_worker(const struct router_process *r)
{
	return init_of(r)->pool.last_id;
}

static void on_misconfigured(struct router_process *r)
{
	shutdown_begin(init_of(r), EXIT_BAD_CONFIG, SHUTDOWN_FAST);
}

const struct routers_ops switchboard_routers_ops = { on_router_message, last_worker,
						     on_misconfigured };

/* What a worker tells */

static struct init *init_of_worker(const struct worker *w)
{
	const struct pool *p = w->owner;

	return p->owner;
}

static void on_handback(struct worker *w, const struct control_msg *m, int fd)
{
	hand_back(init_of_worker(w), m, fd);
}

static void on_client_taken(struct worker *w, const struct control_msg *m, int fd)
{
	struct init *in = init_of_worker(w);
	struct control_msg taken = { .type = CONTROL_TAKEN, .span = m->span };
	uint64_t now_us = uv_hrtime() / 1000;

	if (m->begun_us && m->begun_us <= now_us)
		histogram_observe(&in->board->handoffs_took, &scoreboard_handoff_bounds,
				  now_us - m->begun_us);
	websockets_taken(&in->websockets, m->visitor, fd);
	if (m->span)
		router_tell(&in->routers.list[m->router], &taken);
}

/* Their table is one, so one of them is told. */
static void on_session(struct worker *w, const char *sid, bool opened)
{
	struct control_msg m = {
		.type = CONTROL_SESSION, .worker = w->id, .state = opened, .text = str_of(sid)
	};

	routers_tell_one(&init_of_worker(w)->routers, &m);
}

static void on_place(struct worker *w, struct place *pl)
{
	struct init *in = init_of_worker(w);

	pl->told = true;
	for (unsigned i = 0; i < in->routers.n; i++)
		tell_place(&in->routers.list[i], pl);
}

static void on_server(struct worker *w, struct place *pl, bool opened)
{
	struct routers *rs = &init_of_worker(w)->routers;
	struct control_msg server = about_server(w, pl, opened);
	struct control_msg end = { .type = CONTROL_UNLISTEN, .listener = pl->id };

	routers_tell(rs, &server);
	if (pl->n_servers == 0)
		routers_tell(rs, &end);
	else if (!pl->told)
		on_place(w, pl);
}

static void on_metrics(struct worker *w, const struct node_msg *m, struct str payload)
{
	app_metrics_answered(init_of_worker(w), w, m, payload);
}

static bool is_relayed(struct worker *w, struct str payload)
{
	struct init *in = init_of_worker(w);

	return app_messages_judge(&in->app_messages, in->context.dialect.mode, w->slot, payload,
				  in->config->relay_app_messages);
}

static void on_farewell(struct worker *w)
{
	struct control_msg m = about_worker(w);
	struct init *in = init_of_worker(w);

	routers_tell(&in->routers, &m);
	shutdown_farewell(in);
}

const struct worker_ops switchboard_worker_ops = {
	.on_farewell = on_farewell,
	.on_handback = on_handback,
	.on_client_taken = on_client_taken,
	.on_session = on_session,
	.on_server = on_server,
	.on_place = on_place,
	.on_metrics = on_metrics,
	.is_relayed = is_relayed,
};

/* What the pool tells */

static void on_worker(struct pool *p, struct worker *w)
{
	struct init *in = p->owner;
	struct control_msg m = about_worker(w);

	routers_tell(&in->routers, &m);
	if (w->state == WORKER_READY)
		app_metrics_worker_ready(in, w);
	if (w->state != WORKER_DEAD)
		return;
	app_metrics_worker_gone(in, w);
	websockets_recount(&in->websockets);
}

static void run_hook(struct init *in, const struct worker *w, struct hook_event e)
{
	e.slot = w->slot;
	e.pid = w->pid;
	e.uptime_ms = uv_now(&in->loop) - w->started_ms;
	e.ready = pool_count_ready(&in->pool);
	e.wanted = in->context.wanted;
	hooks_add(&in->hooks, &e);
}

static void on_first_ready(struct pool *p)
{
	struct init *in = p->owner;
	bool let_in = shutdown_first_ready(in);

	for (unsigned i = 0; let_in && i < in->routers.n; i++)
		tell_public(in, &in->routers.list[i], true);
}

static void on_ready(struct pool *p, struct worker *w)
{
	run_hook(p->owner, w, (struct hook_event){ .kind = HOOK_READY });
}

static void on_exit_status(struct pool *p, const struct worker *w, int status)
{
	run_hook(p->owner, w, (struct hook_event){ .kind = HOOK_END, .status = status });
}

/* The log and the service manager hear of it once. */
static void on_all_ready(struct pool *p)
{
	struct init *in = p->owner;
	char where[256];

	if (in->told_ready)
		return;
	in->told_ready = true;
	banner_progress(in);
	routers_flush(&in->routers); /* who comes when this is said finds all of them */
	frontend_name(&in->frontend, where, sizeof(where));
	log_info("serving on %s with %u workers", where, in->context.wanted);
	node_version_ask(in);
	kept_settle();
	notify_ready();
}

static void on_changed(struct pool *p)
{
	status_line_tell(p->owner);
	banner_progress(p->owner);
}

static void on_give_up(struct pool *p, int code)
{
	shutdown_begin(p->owner, code, SHUTDOWN_FAST);
}

static void on_ended(struct pool *p, bool forced)
{
	shutdown_worker_ended(p->owner, forced);
}

static void on_reload_begun(struct pool *p)
{
	struct init *in = p->owner;

	notify_reloading();
	in->status_line.reload_failed = false;
	status_line_tell(in);
}

static void on_reload_over(struct pool *p, bool ok)
{
	struct init *in = p->owner;

	if (!p->is_closed)
		status_line_reloaded(in, ok);
	if (!p->reload.again)
		admin_socket_reload_over(in, ok);
}

const struct pool_ops switchboard_pool_ops = {
	.on_worker = on_worker,
	.on_first_ready = on_first_ready,
	.on_ready = on_ready,
	.on_changed = on_changed,
	.on_exit = on_exit_status,
	.on_all_ready = on_all_ready,
	.on_give_up = on_give_up,
	.on_ended = on_ended,
	.on_reload_begun = on_reload_begun,
	.on_reload_over = on_reload_over,
};
