/* A router process: what init says is applied here, by table; everything else happens in the
 * parts.
 *
 * Start: private listener, control channel, CONTROL_UP; init then sends the session memory, the
 * listeners, the workers. End: when the channel to init ends, whatever the reason: without init
 * there are no workers. */
#include "router/router.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>
#include <utlist.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "ipc/session_memory.h"
#include "router/admin/admin.h"
#include "router/backend/upstream.h"
#include "router/client/client.h"
#include "router/client/parking.h"
#include "router/core.h"
#include "router/session/sid.h"
#include "router/session/table.h"

#include "base/ban.h"

enum { FIRST_SESSIONS = 1024, PUBLISH_TRIES = 16 };

static void on_listener(struct router *r, const struct control_msg *m, int *fd)
{
	enum listener_role role = m->kind == LISTENER_RAW ? ROLE_RAW : ROLE_HTTP;
	int e = listener_add(r, role, m->listener, m->state, fd_take(fd));

	if (e < 0)
		log_error("router: listener %u: %s", m->listener, strerror(-e));
}

static void on_admin(struct router *r, const struct control_msg *m, int *fd)
{
	int e = listener_add(r, ROLE_ADMIN, m->listener, false, fd_take(fd));

	if (e < 0)
		log_error("router: admin listener: %s", strerror(-e));
}

static void on_sessions(struct router *r, const struct control_msg *m, int *fd)
{
	struct sessions *kept;
	int e = sessions_open(fd_take(fd), r->conf->max_sessions, &kept);

	(void)m;
	if (e < 0) {
		log_error("router: session table: %s; sessions will not outlive this router",
			  strerror(-e));
		return;
	}
	sessions_close(r->sessions);
	r->sessions = kept;
	if (sessions_count(kept))
		log_info("router: %u sessions kept", sessions_count(kept));
}

static void on_scoreboard(struct router *r, const struct control_msg *m, int *fd)
{
	struct scoreboard *shared = scoreboard_map(fd_take(fd));

	if (!shared || m->router >= ROUTERS_MAX) {
		log_error("router: scoreboard: %s; nothing is counted", strerror(errno));
		scoreboard_unmap(shared);
		return;
	}
	scoreboard_unmap(r->shared);
	r->index = m->router;
	r->shared = shared;
	r->board = &shared->routers[m->router];
	visitors_share(&r->visitors, shared, m->router);
	r->workers.balance.last_slot =
	    m->router; /* so that the routers do not begin with the same */
}

static void on_sweep(uv_idle_t *sweep)
{
	struct router *r = container_of(sweep, struct router, sweep);

	if (!sessions_sweep(r->sessions))
		(void)uv_idle_stop(sweep);
}

static void on_worker(struct router *r, const struct control_msg *m, int *fd)
{
	(void)fd;
	workers_update(r, m);
	if (m->state == WORKER_DEAD)
		(void)uv_idle_start(&r->sweep, on_sweep);
}

static void on_handback(struct router *r, const struct control_msg *m, int *fd)
{
	struct worker *w = workers_by_id(&r->workers, m->worker);

	if (m->kind == HANDOFF_UPSTREAM) {
		if (w)
			(void)upstream_refused(w, m->token);
	} else if (m->kind != HANDOFF_PROBE && *fd >= 0) {
		client_return(r, m, fd_take(fd));
	}
}

static void on_session(struct router *r, const struct control_msg *m, int *fd)
{
	(void)fd;
	if (m->text.n == 0 || m->text.n > SID_MAX || m->worker == 0)
		return;
	if (!m->state)
		sessions_remove(r->sessions, m->text);
	else if (!sessions_find(r->sessions, m->text, router_now(r)))
		sessions_put(r->sessions, m->text, m->worker, SESSION_IDLE_MS, router_now(r));
}

static void on_adopt(struct router *r, const struct control_msg *m, int *fd)
{
	parking_adopt(r, m, fd_take(fd));
}

static void on_phase(struct router *r, const struct control_msg *m, int *fd)
{
	(void)fd;
	r->phase = (enum phase)m->state;
	if (r->phase != PHASE_DRAINING)
		return;
	listeners_close(r, false);
	client_close_idle(r);
}

static void on_app_metrics(struct router *r, const struct control_msg *m, int *fd)
{
	scrape_collected(r, m, fd_take(fd));
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
		log_error("router: channel to init: %s", strerror(-err));
	poller_stop(&r->poller);
}

static const struct control_ops link_ops = { .on_message = on_message, .on_end = on_link_end };

/* A table of its own until init's memory arrives, so that there always is one. */
static int open_first_sessions(struct router *r)
{
	int fd = session_memory_create(FIRST_SESSIONS);

	return fd < 0 ? fd : sessions_open(fd, FIRST_SESSIONS, &r->sessions);
}

/* A number that all routers write: whoever writes last sees that it is still true. */
static void publish_sessions(struct router *r)
{
	for (int i = 0; i < PUBLISH_TRIES; i++) {
		uint32_t n = sessions_count(r->sessions);

		if (n == counter_get(&r->shared->sessions))
			break;
		counter_set(&r->shared->sessions, n);
		atomic_thread_fence(memory_order_seq_cst);
	}
}

void router_publish(struct router *r)
{
	counter_set(&r->board->clients, r->n_clients);
	publish_sessions(r);
	workers_publish(r);
}

static void before_sleep(void *ctx)
{
	struct router *r = ctx;

	router_publish(r);
	control_flush(&r->link);
}

static uint32_t chance(void)
{
	return (uint32_t)random();
}

/* A client takes two descriptors while a worker serves it, and one while it is turned away. */
static void limit_clients(struct router *r)
{
	unsigned long limit = fd_raise_limit();
	unsigned long room = limit > 2UL * FDS_RESERVED ? limit - FDS_RESERVED : limit / 2;
	uint32_t wanted = r->conf->max_connections;

	if (room > INT32_MAX)
		room = INT32_MAX;
	r->max_clients = room / 2 < wanted ? (uint32_t)room / 2 : wanted;
	r->max_accepted = (uint32_t)room - r->max_clients;
	if (r->max_clients < wanted)
		log_info("router: %u clients at a time, not SIOINIT_MAX_CONNECTIONS=%u: open files "
			 "are limited to %lu (ulimit -n)",
			 r->max_clients, wanted, limit);
}

static int router_init(struct router *r, const struct router_conf *conf, int control_fd)
{
	struct control_msg up = { .type = CONTROL_UP };
	auto_fd int owned = control_fd;
	int e = uv_loop_init(&r->loop);

	r->conf = conf;
	limit_clients(r);
	r->out = BUF_INIT(SOCK_OUT_MAX);
	r->report = BUF_INIT(REPORT_MAX);
	r->pipe = PIPE_INIT;
	r->pair_listener = r->adopted = -1;
	r->shared = scoreboard_private();
	r->board = r->shared ? r->shared->routers : NULL;
	r->last_token = uv_hrtime(); /* what was meant for the last router is not for us */
	r->workers.balance = (struct balance){ .method = conf->balance, .random = chance };
	r->workers.slow_start_ms = conf->slow_start_ms;
	if (e == 0)
		e = poller_init(&r->poller, &r->loop);
	if (e == 0)
		e = r->board ? open_first_sessions(r) : -ENOMEM;
	if (e == 0)
		e = upstream_listen(r);
	if (e < 0)
		return e;
	(void)uv_timer_init(&r->loop, &r->accept_pause);
	(void)uv_idle_init(&r->loop, &r->sweep);
	deadline_list_init(&r->header, &r->loop, conf->header_timeout_ms, client_on_deadline);
	deadline_list_init(&r->keepalive, &r->loop, conf->keepalive_timeout_ms, client_on_deadline);
	deadline_list_init(&r->body, &r->loop, conf->body_timeout_ms, client_on_deadline);
	deadline_list_init(&r->linger, &r->loop, LINGER_MS, client_on_deadline);
	deadline_list_init(&r->park, &r->loop, PARK_AFTER_MS, parking_begin);
	scrape_init(r, admin_finish_metrics);
	access_log_open(&r->access_log, &r->loop, conf->access_format, conf->access_file);
	if (getrandom(&r->id_prefix, sizeof(r->id_prefix), 0) < 0)
		return -errno;
	e = control_init(&r->link, &r->loop, fd_take(&owned), &link_ops);
	control_owner_flushes(&r->link);
	return e < 0 ? e : control_send(&r->link, &up, -1);
}

static void close_timer(uv_timer_t *t)
{
	uv_close((uv_handle_t *)t, NULL);
}

static void close_clients(struct router *r)
{
	struct client *c, *next;

	DL_FOREACH_SAFE(r->clients, c, next)
	client_close(c, "router stops");
}

/* Nothing may be left for the loop; hand-offs that init has already taken are not affected. */
static void router_deinit(struct router *r)
{
	listeners_close(r, true);
	close_clients(r);
	workers_free_all(r);
	control_close(&r->link, NULL);
	close_timer(&r->accept_pause);
	uv_close((uv_handle_t *)&r->sweep, NULL);
	close_timer(&r->header.timer);
	close_timer(&r->keepalive.timer);
	close_timer(&r->body.timer);
	close_timer(&r->linger.timer);
	close_timer(&r->park.timer);
	scrape_close(r);
	access_log_close(&r->access_log);
	poller_deinit(&r->poller);
	(void)uv_run(&r->loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&r->loop);
	sessions_close(r->sessions);
	scoreboard_unmap(r->shared);
	buf_free(&r->out);
	pipe_close(&r->pipe);
	fd_close(&r->pair_listener);
	free(r);
}

/* init decides when to stop; signals that reach the whole group are for it. */
static void ignore_signals(void)
{
	static const int ignored[] = { SIGPIPE, SIGTERM, SIGINT,  SIGQUIT,
				       SIGHUP,  SIGUSR1, SIGUSR2, SIGWINCH };

	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		(void)signal(ignored[i], SIG_IGN);
}

int router_main(const struct router_conf *conf, int control_fd)
{
	struct router *r = calloc(1, sizeof(*r));
	int e;

	log_set_component("router");
	(void)log_open();
	ignore_signals();
	srandom((unsigned)getpid());
	e = r ? router_init(r, conf, control_fd) : -ENOMEM;
	if (e < 0)
		die(EXIT_OUR_FAILURE, "router: cannot start: %s", strerror(-e));
	poller_run(&r->poller, before_sleep, r);
	router_deinit(r);
	return 0;
}
