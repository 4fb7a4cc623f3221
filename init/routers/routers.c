/* The routers' life. Each is told all that init knows when it says that it is up; from then on what
 * changes. While it is not there, nothing is queued: the next one learns it from tell_everything().
 *
 * A router is not trusted: one that says what makes no sense, or that does not read what it is
 * told, is killed and replaced. */
#include "init/routers/routers.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utlist.h>

#include "base/fd.h"
#include "base/log.h"
#include "init/routers/router_env.h"
#include "init/routers/router_message.h"
#include "init/supervisor/core.h"
#include "init/system/spawn.h"
#include "init/worker/worker.h"

#include "base/ban.h"

enum { PAUSE_MS = 200, QUICK_DEATH_MS = 1000 };

/* Distrust */

static void on_channel_closed(struct control *c)
{
	free(c);
}

static void drop_channel(struct router_process *r, struct control *c)
{
	if (r->channel == c)
		r->channel = NULL;
	r->up = false;
	control_close(c, on_channel_closed);
}

/* Its end is noticed as any other's, and the next one is told everything. */
static void router_condemn(struct router_process *r, const char *what)
{
	log_error("init: router[%u] %s: killed pid=%d", r->index, what, (int)r->pid);
	if (r->channel)
		drop_channel(r, r->channel);
	if (r->pid > 0)
		(void)kill(r->pid, SIGKILL);
}

/* What became of a message. One that has missed any knows too little to go on; that it has ended
 * on_end() is told. */
static void check_sent(struct router_process *r, int err)
{
	if (err < 0 && err != -EPIPE && err != -ECONNRESET)
		router_condemn(r, "does not take what it is told");
}

/* Telling */

void router_send(struct router_process *r, const struct control_msg *m, int fd)
{
	if (r->channel)
		check_sent(r, control_send(r->channel, m, fd));
	else
		fd_close(&fd);
}

static void tell(struct router_process *r, const struct control_msg *m)
{
	if (r->up)
		router_send(r, m, -1);
}

/* A descriptor that we keep. */
static void tell_with(struct router_process *r, struct control_msg m, int fd)
{
	if (r->up)
		check_sent(r, control_lend(r->channel, &m, fd));
}

static void tell_all(struct init *in, const struct control_msg *m)
{
	for (unsigned i = 0; i < in->routers.n; i++)
		tell(&in->routers.list[i], m);
}

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
				     .kind = (w->announced ? WORKER_HAS_ADAPTER : 0) |
					     (w->kill_at_ms ? WORKER_IS_EMPTIED : 0) };
}

void routers_tell_worker(struct init *in, const struct worker *w)
{
	struct control_msg m = about_worker(w);

	tell_all(in, &m);
}

static struct control_msg about_phase(const struct init *in)
{
	return (struct control_msg){ .type = CONTROL_PHASE, .state = shutdown_phase(in) };
}

void routers_tell_phase(struct init *in)
{
	struct control_msg m = about_phase(in);

	counter_set(&in->board->phase, m.state);
	tell_all(in, &m);
}

static void tell_place(struct router_process *r, const struct place *pl)
{
	tell_with(r,
		  (struct control_msg){ .type = CONTROL_LISTENER,
					.listener = pl->id,
					.kind = pl->is_http ? LISTENER_HTTP : LISTENER_RAW,
					.state = r->init->routers.n > 1 },
		  pl->fd);
}

void routers_tell_place(struct init *in, struct place *pl)
{
	pl->told = true;
	for (unsigned i = 0; i < in->routers.n; i++)
		tell_place(&in->routers.list[i], pl);
}

static struct control_msg about_server(const struct worker *w, const struct place *pl, bool opened)
{
	return (struct control_msg){
		.type = CONTROL_SERVER, .worker = w->id, .listener = pl->id, .state = opened
	};
}

void routers_tell_server(struct init *in, const struct worker *w, struct place *pl, bool opened)
{
	struct control_msg server = about_server(w, pl, opened);
	struct control_msg end = { .type = CONTROL_UNLISTEN, .listener = pl->id };

	tell_all(in, &server);
	if (pl->n_servers == 0)
		tell_all(in, &end);
	else if (!pl->told)
		routers_tell_place(in, pl);
}

static void tell_servers(struct router_process *r, const struct worker *w)
{
	const struct server *s;

	DL_FOREACH(w->servers, s)
	if (s->place && node_address_is_stream(s->place->type)) {
		struct control_msg m = about_server(w, s->place, true);

		tell(r, &m);
	}
}

static struct router_process *first_that_listens(struct routers *rs)
{
	for (unsigned i = 0; i < rs->n; i++)
		if (rs->list[i].up)
			return &rs->list[i];
	return NULL;
}

void routers_tell_session(struct init *in, const struct control_msg *m)
{
	struct router_process *r = first_that_listens(&in->routers);

	if (r)
		tell(r, m);
}

void routers_hand_back(struct init *in, const struct control_msg *m, int fd)
{
	struct router_process *r = &in->routers.list[m->router];
	struct router_process *other = first_that_listens(&in->routers);
	bool is_client = m->kind == HANDOFF_CLIENT || m->kind == HANDOFF_RAW;

	websockets_returned(&in->websockets, m->visitor);
	if (!r->up && is_client && other)
		r = other;
	if (r->channel)
		(void)control_send(r->channel, m, fd); /* else it ends, which both sides see */
	else
		fd_close(&fd);
}

void routers_tell_app_metrics(struct init *in, unsigned router, const struct control_msg *m, int fd)
{
	struct router_process *r = &in->routers.list[router];

	if (r->up)
		router_send(r, m, fd);
	else
		fd_close(&fd);
}

static void tell_frontend(struct router_process *r, const struct listening *at)
{
	tell_with(r,
		  (struct control_msg){ .type = CONTROL_LISTENER,
					.kind = LISTENER_HTTP,
					.state = at->n_fds < r->init->routers.n },
		  frontend_socket(at, r->index));
}

static void tell_access_log(struct router_process *r)
{
	struct control_msg m = { .type = CONTROL_ACCESS_LOG };

	if (r->init->access_file.fd >= 0)
		tell_with(r, m, r->init->access_file.fd);
	else if (r->init->access_file.path)
		tell(r, &m);
}

void routers_tell_access_log(struct init *in)
{
	for (unsigned i = 0; i < in->routers.n; i++)
		tell_access_log(&in->routers.list[i]);
}

static bool adopt(struct router_process *r, const struct control_msg *m, int fd)
{
	router_send(r, m, fd);
	return r->channel;
}

static void tell_everything(struct router_process *r)
{
	struct init *in = r->init;
	struct control_msg phase = about_phase(in);
	struct worker *w;

	tell_with(r, (struct control_msg){ .type = CONTROL_SCOREBOARD, .router = r->index },
		  in->board_fd);
	tell_with(r, (struct control_msg){ .type = CONTROL_SESSIONS }, in->sessions_fd);
	tell_access_log(r);
	DL_FOREACH(in->pool.workers, w)
	{
		struct control_msg m = about_worker(w);

		tell(r, &m);
		tell_servers(r, w);
	}
	for (size_t i = 0; i < in->frontend.n_http; i++)
		tell_frontend(r, &in->frontend.http[i]);
	if (in->frontend.admin >= 0 && r->index == 0)
		tell_with(r, (struct control_msg){ .type = CONTROL_ADMIN }, in->frontend.admin);
	for (struct place *pl = in->places.list; pl; pl = pl->next)
		if (pl->told && pl->fd >= 0)
			tell_place(r, pl);
	lent_polls_give(in, r->index, r, adopt);
	tell(r, &phase);
}

/* Listening */

static void on_handoff(struct router_process *r, struct worker *w, const struct control_msg *m,
		       int *fd)
{
	struct control_msg noted = *m;

	noted.router = r->index;
	noted.visitor = websockets_on_their_way(&r->init->websockets, r->index, m->visitor);
	if (w && *fd >= 0) {
		worker_hand_off(w, &noted, fd_take(fd));
		return;
	}
	noted.type = CONTROL_HANDBACK;
	routers_hand_back(r->init, &noted, fd_take(fd));
}

static void on_idle(struct router_process *r, struct worker *w)
{
	w->idle_at |= 1u << r->index;
	if (w->idle_at == (1u << r->init->routers.n) - 1)
		worker_requests_done(w);
}

static void forget_open_questions(struct init *in)
{
	struct worker *w;

	DL_FOREACH(in->pool.workers, w)
	worker_health_unknown(w);
}

/* It will not hear what the one before has asked. */
static void on_up(struct router_process *r)
{
	r->up = true;
	if (r->index == 0)
		forget_open_questions(r->init);
	tell_everything(r);
}

static void on_health(struct init *in, struct worker *w, const struct control_msg *m)
{
	worker_heard(w, m);
	monitor_judge(in, w);
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

static void on_probed(struct worker *w, const struct control_msg *m)
{
	enum worker_style style = (enum worker_style)m->style;

	if (can_answer_by(w, style))
		worker_answered(w, style, m->state);
}

static void apply(struct router_process *r, const struct control_msg *m, int *fd)
{
	struct worker *w = pool_worker(&r->init->pool, m->worker);

	if (m->type == CONTROL_UP)
		on_up(r);
	else if (m->type == CONTROL_PROBED && w)
		on_probed(w, m);
	else if (m->type == CONTROL_HEALTH && w)
		on_health(r->init, w, m);
	else if (m->type == CONTROL_IDLE && w)
		on_idle(r, w);
	else if (m->type == CONTROL_HANDOFF)
		on_handoff(r, w, m, fd);
	else if (m->type == CONTROL_PARK)
		lent_polls_take(r->init, r->index, m, fd_take(fd));
	else if (m->type == CONTROL_APP_METRICS)
		app_metrics_collect(r->init, r->index, m->token);
	else if (m->type == CONTROL_UNPARK)
		lent_polls_drop(r->init, r->index, m->token);
}

static void on_message(struct control *c, const struct control_msg *m, int fd)
{
	struct router_process *r = c->poll.data;
	struct router_standing standing = { .up = r->up,
					    .first = r->index == 0,
					    .last_worker = r->init->pool.last_id };
	const char *fault = router_message_fault(m, fd, &standing);
	auto_fd int owned = fd;

	if (m->fd_lost)
		log_warn("init: no descriptor left for what router[%u] sent", r->index);
	if (fault)
		router_condemn(r, fault);
	else
		apply(r, m, &owned);
}

/* One that is dying is a moment away from being reaped; one that is not is useless. */
static void on_end(struct control *c, int err)
{
	struct router_process *r = c->poll.data;

	if (err < 0 && err != -ECONNRESET) {
		router_condemn(r, err == -EBADMSG ? "sent what is no message"
						  : "does not take what it is told");
		return;
	}
	drop_channel(r, c);
	if (r->pid > 0)
		(void)kill(r->pid, SIGKILL);
}

static const struct control_ops ops = { on_message, on_end };

/* Life */

static void router_start(struct router_process *r);

static void on_retry(uv_timer_t *t)
{
	router_start(t->data);
}

static void start_later(struct router_process *r, uint64_t after_ms)
{
	(void)uv_timer_start(&r->retry, on_retry, after_ms, 0);
}

/* It becomes whom it runs as by itself, once it is executed: who that is need not be able to reach
 * our binary. */
static pid_t router_spawn(const struct init *in, int far)
{
	char *argv[] = { in->routers.name, NULL };
	char **env = router_env(in->config, &in->credentials, far);
	struct spawn_request rq = { .argv = argv,
				    .env = env,
				    .inherit_fd = far,
				    .own_group = 1,
				    .terminal = -1,
				    .stdio = { -1, -1, -1 } };
	pid_t pid = env ? spawn_self(&rq) : -ENOMEM;

	free(env);
	return pid;
}

/* A new channel; *ret_far is the router's end. */
static int router_connect(struct router_process *r, int *ret_far)
{
	struct control *c = calloc(1, sizeof(*c));
	int sv[2], e;

	if (!c)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0) {
		free(c);
		return -errno;
	}
	*ret_far = sv[1];
	e = control_init(c, &r->init->loop, sv[0], &ops);
	if (e < 0) {
		free(c);
		return e;
	}
	c->poll.data = r;
	r->channel = c;
	return 0;
}

static void router_start(struct router_process *r)
{
	auto_fd int far = -1;
	int e = router_connect(r, &far);

	if (e == 0)
		e = router_spawn(r->init, far);
	if (e < 0) {
		log_error("init: cannot start the router: %s", strerror(-e));
		if (r->channel)
			drop_channel(r, r->channel);
		start_later(r, PAUSE_MS);
		return;
	}
	r->pid = e;
	r->started_ms = uv_now(&r->init->loop);
	counter_add(&r->init->board->router_starts, 1);
}

/* Its sandbox ends a router by SIGSYS. */
static void log_end(const struct router_process *r, int status)
{
	if (WIFEXITED(status))
		log_warn("init: router[%u] ended with exit code %d, starting another", r->index,
			 WEXITSTATUS(status));
	else if (WTERMSIG(status) == SIGSYS)
		log_error(
		    "init: router[%u] was killed: it made a system call that its sandbox "
		    "does not allow (the kernel's log may name it); starting another; without: "
		    "SIOINIT_SANDBOX=off",
		    r->index);
	else
		log_warn("init: router[%u] ended by signal %s, starting another", r->index,
			 sigabbrev_np(WTERMSIG(status)));
}

static void router_ended(struct router_process *r, int status)
{
	bool quick = uv_now(&r->init->loop) - r->started_ms < QUICK_DEATH_MS;

	r->pid = 0;
	if (r->channel)
		drop_channel(r, r->channel);
	scoreboard_router_ended(r->init->board, r->index);
	if (shutdown_is_over(r->init))
		return;
	log_end(r, status);
	start_later(r, quick ? PAUSE_MS : 0);
}

bool routers_ended(struct init *in, pid_t pid, int status)
{
	for (unsigned i = 0; i < in->routers.n; i++)
		if (in->routers.list[i].pid == pid) {
			router_ended(&in->routers.list[i], status);
			return true;
		}
	return false;
}

void routers_start(struct init *in)
{
	for (unsigned i = 0; i < in->routers.n; i++)
		router_start(&in->routers.list[i]);
}

void routers_init(struct init *in, unsigned n, char *name)
{
	in->routers = (struct routers){ .n = n, .name = name };
	counter_set(&in->board->n_routers, n);
	for (unsigned i = 0; i < n; i++) {
		struct router_process *r = &in->routers.list[i];

		r->init = in;
		r->index = i;
		(void)uv_timer_init(&in->loop, &r->retry);
		r->retry.data = r;
	}
}
