/* PID 1.
 *
 * Start: listeners (a port in use is said before any worker runs), router, workers. A worker that
 * ends is announced to the others in the same turn of the loop, then replaced with exponential
 * back-off; if the first workers keep ending before any was ever ready, sioinit ends with their
 * code. The router is replaced at once and is told everything again; the session table is in memory
 * that init keeps. End: lame duck (the router says not ready), drain, SIGTERM to the workers,
 * cluster's disconnect, SIGKILL at the deadline. */
#include "init/init.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utlist.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "init/cpus.h"
#include "init/notify.h"
#include "init/reap.h"
#include "init/spawn.h"
#include "init/worker.h"

#include "base/ban.h"

enum {
	BACKOFF_FIRST_MS = 100,
	BACKOFF_MAX_MS = 15000,
	STABLE_MS = 5000,
	EARLY_DEATHS_MAX = 5,
	ROUTER_PAUSE_MS = 200,
	SIGNALS = 16,
};

struct slot {
	struct init *init;
	uint32_t number;
	struct worker *worker;
	unsigned failures;
	uv_timer_t backoff;
};

struct init {
	uv_loop_t loop;
	const struct config *config;
	const struct command *command;
	char *const *self_argv;
	struct dialect dialect;
	struct hub hub;
	struct primary primary;
	struct slot *slots;
	unsigned n_slots, n_workers;
	struct worker *workers;
	uint32_t last_id;
	int public_fd, admin_fd, sessions_fd;
	struct control *router;
	pid_t router_pid;
	uint64_t router_started_ms;
	uv_timer_t router_restart, shutdown, watchdog;
	uv_signal_t signals[SIGNALS];
	bool was_ready, told_ready, stopping, stopped_workers;
	int exit_code;
};

static void slot_start(struct slot *s);
static void router_start(struct init *in);
static void stop_workers(struct init *in);

/* The router */

static void tell(struct init *in, const struct control_msg *m, int fd)
{
	if (in->router)
		(void)control_send(in->router, m, fd);
	else
		fd_close(&fd);
}

/* A descriptor that we keep. */
static void tell_dup(struct init *in, struct control_msg m, int fd)
{
	int copy = dup(fd);

	if (copy >= 0)
		tell(in, &m, copy);
}

static void tell_worker(struct worker *w)
{
	struct control_msg m = { .type = CONTROL_WORKER,
				 .worker = w->id,
				 .slot = w->slot,
				 .pid = (uint32_t)w->pid,
				 .state = w->state,
				 .style = w->style,
				 .kind = w->announced };

	tell(w->owner, &m, -1);
}

static void tell_phase(struct init *in, enum phase phase)
{
	struct control_msg m = { .type = CONTROL_PHASE, .state = phase };

	tell(in, &m, -1);
}

static void tell_place(struct init *in, struct place *pl, bool http)
{
	struct control_msg m = { .type = CONTROL_LISTENER,
				 .listener = http ? 0 : pl->id,
				 .kind = http ? LISTENER_HTTP : LISTENER_RAW };

	pl->announced = http ? 2 : 1;
	tell_dup(in, m, pl->fd);
}

static void tell_everything(struct init *in)
{
	struct worker *w;

	tell_dup(in, (struct control_msg){ .type = CONTROL_SESSIONS }, in->sessions_fd);
	DL_FOREACH(in->workers, w)
	tell_worker(w);
	tell_dup(in, (struct control_msg){ .type = CONTROL_LISTENER, .kind = LISTENER_HTTP },
		 in->public_fd);
	if (in->admin_fd >= 0)
		tell_dup(in, (struct control_msg){ .type = CONTROL_ADMIN }, in->admin_fd);
	for (struct place *pl = in->primary.places; pl; pl = pl->next)
		if (pl->announced)
			tell_place(in, pl, pl->announced == 2);
	if (in->stopping)
		tell_phase(in, in->stopped_workers ? PHASE_DRAINING : PHASE_LAME_DUCK);
}

static struct worker *find_worker(struct init *in, uint32_t id)
{
	struct worker *w;

	DL_SEARCH_SCALAR(in->workers, w, id, id);
	return w;
}

static void on_router_message(struct control *c, const struct control_msg *m, int fd)
{
	struct init *in = c->poll.data;
	struct worker *w = find_worker(in, m->worker);
	auto_fd int owned = fd;
	struct control_msg back = *m;

	if (m->type == CONTROL_UP) {
		tell_everything(in);
	} else if (m->type == CONTROL_PROBED && w) {
		if (w->state == WORKER_BOOTING) {
			(void)uv_timer_stop(&w->deadline);
			worker_set_state(w, WORKER_READY);
		}
	} else if (m->type == CONTROL_HANDOFF && w) {
		worker_hand_off(w, m, fd_take(&owned));
	} else if (m->type == CONTROL_HANDOFF) {
		back.type = CONTROL_HANDBACK;
		tell(in, &back, fd_take(&owned));
	}
}

static void on_router_closed(struct control *c)
{
	free(c);
}

static void on_router_end(struct control *c, int err)
{
	struct init *in = c->poll.data;

	(void)err;
	if (in->router == c)
		in->router = NULL;
	control_close(c, on_router_closed);
}

static const struct control_ops router_ops = { on_router_message, on_router_end };

static void on_router_restart(uv_timer_t *t)
{
	router_start(t->data);
}

static void router_retry(struct init *in, uint64_t after_ms)
{
	(void)uv_timer_start(&in->router_restart, on_router_restart, after_ms, 0);
}

static pid_t router_spawn(struct init *in, int far)
{
	char fd_env[40];
	char *extra[] = { "SIOINIT_ROLE=router", fd_env, NULL };
	size_t n = 0;
	char **env;
	struct spawn_request rq = { .argv = in->self_argv, .inherit_fd = far, .own_group = 1 };
	pid_t pid;

	(void)snprintf(fd_env, sizeof(fd_env), "SIOINIT_CONTROL_FD=%d", far);
	for (char **e = environ; *e; e++)
		n++;
	env = calloc(n + 3, sizeof(*env));
	if (!env)
		return -ENOMEM;
	memcpy(env, environ, n * sizeof(*env));
	memcpy(env + n, extra, 2 * sizeof(*env));
	rq.env = env;
	pid = spawn_self(&rq);
	free(env);
	return pid;
}

static void router_start(struct init *in)
{
	auto_fd int near = -1, far = -1;
	struct control *c = calloc(1, sizeof(*c));
	int sv[2];

	if (!c || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0) {
		free(c);
		router_retry(in, ROUTER_PAUSE_MS);
		return;
	}
	near = sv[0];
	far = sv[1];
	if (control_init(c, &in->loop, fd_take(&near), &router_ops) < 0) {
		free(c);
		router_retry(in, ROUTER_PAUSE_MS);
		return;
	}
	c->poll.data = in;
	in->router_pid = router_spawn(in, far);
	if (in->router_pid < 0) {
		log_error("init: cannot start the router: %s", strerror(-in->router_pid));
		control_close(c, on_router_closed);
		router_retry(in, ROUTER_PAUSE_MS);
		return;
	}
	in->router = c;
	in->router_started_ms = uv_now(&in->loop);
}

static void on_router_exit(struct init *in, int status)
{
	bool quick = uv_now(&in->loop) - in->router_started_ms < 1000;

	in->router_pid = 0;
	if (in->router)
		on_router_end(in->router, 0);
	if (in->stopping && in->n_workers == 0)
		return;
	log_warn("init: router ended (status %d), starting another", status);
	router_retry(in, quick ? ROUTER_PAUSE_MS : 0);
}

/* Workers */

static unsigned count_ready(const struct init *in)
{
	struct worker *w;
	unsigned n = 0;

	DL_FOREACH(in->workers, w)
	n += w->state == WORKER_READY;
	return n;
}

static void on_state(struct worker *w)
{
	struct init *in = w->owner;
	unsigned ready = count_ready(in);

	tell_worker(w);
	notify_status("%u/%u workers ready", ready, in->n_slots);
	if (w->state != WORKER_READY)
		return;
	in->was_ready = true;
	if (ready == in->n_slots && !in->told_ready) {
		in->told_ready = true;
		log_info("serving on port %u with %u workers", in->config->port, in->n_slots);
		notify_ready();
	}
}

static void on_handback(struct worker *w, const struct control_msg *m, int fd)
{
	tell(w->owner, m, fd);
}

static void on_session(struct worker *w, const char *sid, bool opened)
{
	struct control_msg m = {
		.type = CONTROL_SESSION, .worker = w->id, .state = opened, .text = str_of(sid)
	};

	tell(w->owner, &m, -1);
}

static void on_place(struct worker *w, struct place *pl, bool http)
{
	if (!pl->announced)
		tell_place(w->owner, pl, http);
}

static const struct worker_ops worker_ops = { on_state, on_handback, on_session, on_place };

static void on_not_ready_in_time(uv_timer_t *t)
{
	struct worker *w = container_of(t, struct worker, deadline);

	log_error("worker[%u]: not ready in time (SIOINIT_READY_TIMEOUT), replaced pid=%d", w->slot,
		  (int)w->pid);
	w->killed = true;
	worker_signal(w, SIGKILL);
}

static pid_t worker_spawn(struct slot *s, uint32_t id, int far)
{
	struct init *in = s->init;
	char app[40], number[40], count[40], port[40], channel[40], mode[64], unique[40];
	char *extra[] = { app, number, count, port, channel, mode, unique, NULL };
	struct spawn_request rq = { .argv = in->command->argv, .inherit_fd = far, .own_group = 1 };
	pid_t pid;

	(void)snprintf(app, sizeof(app), "NODE_APP_INSTANCE=%u", s->number);
	(void)snprintf(number, sizeof(number), "SIOINIT_SLOT=%u", s->number);
	(void)snprintf(count, sizeof(count), "SIOINIT_WORKERS=%u", in->n_slots);
	(void)snprintf(port, sizeof(port), "PORT=%u", in->config->port);
	(void)snprintf(channel, sizeof(channel), "NODE_CHANNEL_FD=%d", far);
	(void)snprintf(mode, sizeof(mode), "NODE_CHANNEL_SERIALIZATION_MODE=%s",
		       in->dialect.mode == SERIAL_JSON ? "json" : "advanced");
	(void)snprintf(unique, sizeof(unique), "NODE_UNIQUE_ID=%u", id);
	rq.env = spawn_env(extra);
	if (!rq.env)
		return -ENOMEM;
	pid = spawn(&rq);
	free((void *)rq.env);
	return pid;
}

static void slot_retry(struct slot *s);

static int slot_try(struct slot *s)
{
	struct init *in = s->init;
	auto_fd int near = -1, far = -1;
	struct worker *w = calloc(1, sizeof(*w));
	int sv[2], r;

	if (!w || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0) {
		free(w);
		return -ENOMEM;
	}
	near = sv[0];
	far = sv[1];
	*w = (struct worker){ .ops = &worker_ops,
			      .owner = in,
			      .primary = &in->primary,
			      .public_port = in->config->port,
			      .id = ++in->last_id,
			      .slot = s->number,
			      .started_ms = uv_now(&in->loop) };
	w->pid = worker_spawn(s, w->id, far);
	r = w->pid < 0 ? w->pid : worker_init(w, &in->loop, fd_take(&near), &in->hub);
	if (r == 0 && in->dialect.bound_unread)
		channel_bound_unread(&w->channel);
	if (r < 0) {
		free(w);
		return r;
	}
	DL_APPEND(in->workers, w);
	s->worker = w;
	in->n_workers++;
	if (in->config->ready_timeout_ms && in->command->runtime != RUNTIME_OTHER)
		(void)uv_timer_start(&w->deadline, on_not_ready_in_time,
				     in->config->ready_timeout_ms, 0);
	tell_worker(w);
	return 0;
}

static void slot_start(struct slot *s)
{
	int r = slot_try(s);

	if (r == 0)
		return;
	log_error("worker[%u]: cannot start: %s", s->number, strerror(-r));
	s->failures++;
	slot_retry(s);
}

static void on_backoff(uv_timer_t *t)
{
	struct slot *s = container_of(t, struct slot, backoff);

	if (!s->init->stopping)
		slot_start(s);
}

static uint64_t backoff_ms(unsigned failures)
{
	uint64_t ms = BACKOFF_FIRST_MS;

	while (failures-- > 1 && ms < BACKOFF_MAX_MS)
		ms *= 2;
	ms = ms > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : ms;
	return ms * (80 + (uint64_t)(random() % 41)) / 100;
}

static void slot_retry(struct slot *s)
{
	(void)uv_timer_start(&s->backoff, on_backoff, s->failures ? backoff_ms(s->failures) : 0, 0);
}

static int code_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void begin_stop(struct init *in, int code, bool at_once);

static void end_loop_if_done(struct init *in)
{
	if (!in->stopping || in->n_workers > 0)
		return;
	uv_stop(&in->loop);
}

static void on_worker_exit(struct init *in, struct worker *w, int status)
{
	struct slot *s = &in->slots[w->slot];
	bool stable = uv_now(&in->loop) - w->started_ms > STABLE_MS,
	     forced = w->killed && w->state == WORKER_STOPPING;
	int code = code_of(status);

	log_info("worker[%u]: ended pid=%d code=%d uptime=%.1fs", w->slot, (int)w->pid, code,
		 (double)(uv_now(&in->loop) - w->started_ms) / 1000);
	(void)kill(-w->pid, SIGKILL); /* what it left in its group */
	DL_DELETE(in->workers, w);
	in->n_workers--;
	s->worker = NULL;
	worker_close(w);
	if (in->stopping) {
		if (forced)
			in->exit_code = EXIT_FORCED;
		end_loop_if_done(in);
		return;
	}
	s->failures = stable ? 1 : s->failures + 1;
	if (in->config->restart == RESTART_NEVER ||
	    (!in->was_ready && s->failures >= EARLY_DEATHS_MAX)) {
		log_error("init: worker[%u] ended with %d; giving up", s->number, code);
		begin_stop(in, code, true);
		return;
	}
	slot_retry(s);
}

static void on_exit_status(pid_t pid, int status, void *ctx)
{
	struct init *in = ctx;
	struct worker *w;

	if (pid == in->router_pid) {
		on_router_exit(in, status);
		return;
	}
	DL_SEARCH_SCALAR(in->workers, w, pid, pid);
	if (w)
		on_worker_exit(in, w, status);
	else
		log_debug("init: reaped orphan %d", (int)pid);
}

/* The end */

static void stop_workers(struct init *in)
{
	struct worker *w, *next;

	if (in->stopped_workers)
		return;
	in->stopped_workers = true;
	tell_phase(in, PHASE_DRAINING);
	DL_FOREACH_SAFE(in->workers, w, next)
	worker_stop(w, in->config->stop_timeout_ms);
	end_loop_if_done(in);
}

static void on_delay_over(uv_timer_t *t)
{
	stop_workers(t->data);
}

static void begin_stop(struct init *in, int code, bool at_once)
{
	if (in->stopping) {
		stop_workers(in);
		return;
	}
	in->stopping = true;
	in->exit_code = code;
	notify_stopping();
	tell_phase(in, PHASE_LAME_DUCK);
	(void)uv_timer_start(&in->shutdown, on_delay_over,
			     at_once ? 0 : in->config->shutdown_delay_ms, 0);
}

/* Signals */

static void on_stop_signal(uv_signal_t *h, int sig)
{
	log_info("init: signal %d, stopping", sig);
	begin_stop(h->data, 0, false);
}

static void on_child_signal(uv_signal_t *h, int sig)
{
	(void)sig;
	reap_all(on_exit_status, h->data);
}

static void on_forwarded_signal(uv_signal_t *h, int sig)
{
	struct init *in = h->data;
	struct worker *w;

	DL_FOREACH(in->workers, w)
	worker_signal(w, sig);
}

/* USR1 would open Node's inspector; HUP is kept for reloading. */
static void on_ignored_signal(uv_signal_t *h, int sig)
{
	(void)h;
	log_debug("init: signal %d ignored", sig);
}

static const struct {
	int sig;
	void (*act)(uv_signal_t *h, int sig);
} signal_table[] = {
	{ SIGCHLD, on_child_signal },     { SIGTERM, on_stop_signal },
	{ SIGINT, on_stop_signal },       { SIGQUIT, on_stop_signal },
	{ SIGUSR2, on_forwarded_signal }, { SIGWINCH, on_forwarded_signal },
	{ SIGCONT, on_forwarded_signal }, { SIGUSR1, on_ignored_signal },
	{ SIGHUP, on_ignored_signal },    { SIGPIPE, on_ignored_signal },
};

_Static_assert(ARRAY_LEN(signal_table) <= SIGNALS, "one handle per signal");

static void watch_signals(struct init *in)
{
	for (size_t i = 0; i < ARRAY_LEN(signal_table); i++) {
		(void)uv_signal_init(&in->loop, &in->signals[i]);
		in->signals[i].data = in;
		(void)uv_signal_start(&in->signals[i], signal_table[i].act, signal_table[i].sig);
	}
	if (getpid() != 1)
		(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
}

/* The beginning */

static void open_listeners(struct init *in)
{
	const struct config_address *a = &in->config->admin;

	in->public_fd = notify_take_listener("http");
	if (in->public_fd < 0)
		in->public_fd = primary_listen_tcp("", in->config->port, 0);
	if (in->public_fd < 0)
		die(EXIT_BAD_CONFIG, "port %u: %s; choose another with SIOINIT_PORT or PORT",
		    in->config->port, strerror(-in->public_fd));
	in->admin_fd = notify_take_listener("admin");
	if (in->admin_fd >= 0 || a->off)
		return;
	in->admin_fd = a->host[0] == '/' ? primary_listen_unix(a->host, 0)
					 : primary_listen_tcp(a->host, a->port, 0);
	if (in->admin_fd < 0)
		die(EXIT_BAD_CONFIG,
		    "admin address %s:%u: %s; choose another with SIOINIT_ADMIN, or off", a->host,
		    a->port, strerror(-in->admin_fd));
}

static void on_watchdog(uv_timer_t *t)
{
	(void)t;
	notify_watchdog();
}

static void start_timers(struct init *in)
{
	uint64_t interval = notify_watchdog_interval_ms();

	(void)uv_timer_init(&in->loop, &in->router_restart);
	(void)uv_timer_init(&in->loop, &in->shutdown);
	(void)uv_timer_init(&in->loop, &in->watchdog);
	in->router_restart.data = in->shutdown.data = in;
	if (interval)
		(void)uv_timer_start(&in->watchdog, on_watchdog, interval, interval);
}

static void start_workers(struct init *in, const struct cpus *cpus)
{
	in->n_slots = cpus_workers(in->config, cpus);
	in->slots = calloc(in->n_slots, sizeof(*in->slots));
	if (!in->slots)
		die(EXIT_OUR_FAILURE, "no memory for %u workers", in->n_slots);
	log_info("init: %u workers (%s)", in->n_slots, cpus->why);
	for (unsigned i = 0; i < in->n_slots; i++) {
		in->slots[i] = (struct slot){ .init = in, .number = i };
		(void)uv_timer_init(&in->loop, &in->slots[i].backoff);
		slot_start(&in->slots[i]);
	}
}

int init_main(const struct config *c, const struct command *cmd, char *const *self_argv)
{
	static struct init in; /* for the life of the process */
	struct cpus cpus;

	in = (struct init){ .config = c, .command = cmd, .self_argv = self_argv };
	srandom((unsigned)getpid());
	(void)fd_raise_limit();
	notify_init();
	open_listeners(&in);
	in.sessions_fd = memfd_create("sioinit-sessions", MFD_CLOEXEC);
	if (uv_loop_init(&in.loop) < 0)
		die(EXIT_OUR_FAILURE, "no event loop");
	watch_signals(&in); /* before the first child, so that neither its end nor an early SIGTERM
			       is missed */
	in.dialect = command_dialect(c, cmd);
	log_info("init: serialization %s (%s)",
		 in.dialect.mode == SERIAL_JSON ? "json" : "advanced", in.dialect.why);
	hub_init(&in.hub, in.dialect.mode);
	start_timers(&in);
	cpus_detect("", &cpus);
	router_start(&in);
	start_workers(&in, &cpus);
	(void)uv_run(&in.loop, UV_RUN_DEFAULT);
	(void)reap_sweep(); /* the router, and what escaped from its worker's group */
	primary_close(&in.primary);
	log_info("init: done code=%d", in.exit_code);
	return in.exit_code;
}
