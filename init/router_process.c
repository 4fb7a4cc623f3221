/* The router's life. It is told all that init knows when it says that it is up; from then on what
 * changes. While there is none, nothing is queued: the next one learns it from tell_everything().
 */
#include "init/router_process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "base/fd.h"
#include "base/log.h"
#include "init/core.h"
#include "init/spawn.h"
#include "init/worker.h"

#include "base/ban.h"

enum { PAUSE_MS = 200, QUICK_DEATH_MS = 1000 };

/* Telling */

void router_tell(struct init *in, const struct control_msg *m, int fd)
{
	if (in->router.channel)
		(void)control_send(in->router.channel, m, fd);
	else
		fd_close(&fd);
}

/* A descriptor that we keep. */
static void tell_dup(struct init *in, struct control_msg m, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy >= 0)
		router_tell(in, &m, copy);
}

void router_tell_worker(struct init *in, const struct worker *w)
{
	struct control_msg m = { .type = CONTROL_WORKER,
				 .worker = w->id,
				 .slot = w->slot,
				 .pid = (uint32_t)w->pid,
				 .state = w->state,
				 .style = w->style,
				 .port = w->endpoint.port,
				 .text = str_of(w->endpoint.path),
				 .kind = w->announced };

	router_tell(in, &m, -1);
}

void router_tell_phase(struct init *in)
{
	struct control_msg m = { .type = CONTROL_PHASE, .state = shutdown_phase(in) };

	counter_set(&in->board->phase, m.state);
	router_tell(in, &m, -1);
}

void router_tell_place(struct init *in, struct place *pl, bool http)
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

	tell_dup(in, (struct control_msg){ .type = CONTROL_SCOREBOARD }, in->board_fd);
	tell_dup(in, (struct control_msg){ .type = CONTROL_SESSIONS }, in->sessions_fd);
	DL_FOREACH(in->pool.workers, w)
	router_tell_worker(in, w);
	for (size_t i = 0; i < in->frontend.n_http; i++)
		tell_dup(in,
			 (struct control_msg){ .type = CONTROL_LISTENER, .kind = LISTENER_HTTP },
			 in->frontend.http[i].fd);
	if (in->frontend.admin >= 0)
		tell_dup(in, (struct control_msg){ .type = CONTROL_ADMIN }, in->frontend.admin);
	for (struct place *pl = in->primary.places; pl; pl = pl->next)
		if (pl->announced)
			router_tell_place(in, pl, pl->announced == 2);
	router_tell_phase(in);
}

/* Listening */

static void on_handoff(struct init *in, struct worker *w, const struct control_msg *m, int *fd)
{
	struct control_msg back = *m;

	if (w) {
		worker_hand_off(w, m, fd_take(fd));
		return;
	}
	back.type = CONTROL_HANDBACK;
	router_tell(in, &back, fd_take(fd));
}

static void on_message(struct control *c, const struct control_msg *m, int fd)
{
	struct init *in = c->poll.data;
	struct worker *w = pool_worker(&in->pool, m->worker);
	auto_fd int owned = fd;

	if (m->type == CONTROL_UP)
		tell_everything(in);
	else if (m->type == CONTROL_PROBED && w)
		worker_answered(w, (enum worker_style)m->style);
	else if (m->type == CONTROL_IDLE && w)
		worker_requests_done(w);
	else if (m->type == CONTROL_HANDOFF)
		on_handoff(in, w, m, &owned);
}

static void on_channel_closed(struct control *c)
{
	free(c);
}

static void drop_channel(struct init *in, struct control *c)
{
	if (in->router.channel == c)
		in->router.channel = NULL;
	control_close(c, on_channel_closed);
}

static void on_end(struct control *c, int err)
{
	(void)err;
	drop_channel(c->poll.data, c);
}

static const struct control_ops ops = { on_message, on_end };

/* Life */

static void on_retry(uv_timer_t *t)
{
	router_start(t->data);
}

static void start_later(struct init *in, uint64_t after_ms)
{
	(void)uv_timer_start(&in->router.retry, on_retry, after_ms, 0);
}

/* @env as entries of @settings, each of which ends with NUL. */
static size_t add_settings(char **env, char *settings)
{
	size_t n = 0;

	for (; *settings; settings += strlen(settings) + 1)
		env[n++] = settings;
	return n;
}

/* Our environment, with the settings as they are in force and the two names that make it a router:
 * it reads neither options nor files again. */
static char **router_env(char *settings, char *control_fd)
{
	size_t n = 0;
	char **env;

	while (environ[n])
		n++;
	env = calloc(n + CONFIG_SETTINGS_MAX + 3, sizeof(*env));
	if (!env)
		return NULL;
	n = 0;
	for (char **e = environ; *e; e++)
		if (strncmp(*e, "SIOINIT_", sizeof("SIOINIT_") - 1) != 0)
			env[n++] = *e;
	n += add_settings(env + n, settings);
	env[n] = "SIOINIT_ROLE=router";
	env[n + 1] = control_fd;
	return env;
}

static pid_t spawn_with(struct init *in, int far, char **env)
{
	char *argv[] = { in->router.name, NULL };
	struct spawn_request rq = { .argv = argv,
				    .env = env,
				    .inherit_fd = far,
				    .own_group = 1,
				    .terminal = -1,
				    .stdio = { -1, -1, -1 },
				    .as = &in->credentials };
	pid_t pid = spawn_self(&rq);

	if (pid != -EACCES)
		return pid;
	rq.as = NULL; /* our own binary is not for everybody */
	return spawn_self(&rq);
}

static pid_t router_spawn(struct init *in, int far)
{
	char control_fd[40], *settings = config_environment(in->config, CONFIG_FROM_DEFAULT);
	char **env;
	pid_t pid;

	(void)snprintf(control_fd, sizeof(control_fd), "SIOINIT_CONTROL_FD=%d", far);
	env = settings ? router_env(settings, control_fd) : NULL;
	pid = env ? spawn_with(in, far, env) : -ENOMEM;
	free(env);
	free(settings);
	return pid;
}

/* A new channel; *ret_far is the router's end. */
static int router_connect(struct init *in, int *ret_far)
{
	struct control *c = calloc(1, sizeof(*c));
	int sv[2], r;

	if (!c)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0) {
		free(c);
		return -errno;
	}
	*ret_far = sv[1];
	r = control_init(c, &in->loop, sv[0], &ops);
	if (r < 0) {
		free(c);
		return r;
	}
	c->poll.data = in;
	in->router.channel = c;
	return 0;
}

void router_start(struct init *in)
{
	auto_fd int far = -1;
	int r = router_connect(in, &far);

	if (r == 0)
		r = router_spawn(in, far);
	if (r < 0) {
		log_error("init: cannot start the router: %s", strerror(-r));
		if (in->router.channel)
			drop_channel(in, in->router.channel);
		start_later(in, PAUSE_MS);
		return;
	}
	in->router.pid = r;
	in->router.started_ms = uv_now(&in->loop);
	counter_add(&in->board->router_starts, 1);
}

void router_ended(struct init *in, int status)
{
	bool quick = uv_now(&in->loop) - in->router.started_ms < QUICK_DEATH_MS;

	in->router.pid = 0;
	if (in->router.channel)
		drop_channel(in, in->router.channel);
	if (shutdown_is_over(in))
		return;
	log_warn("init: router ended (status %d), starting another", status);
	start_later(in, quick ? PAUSE_MS : 0);
}

void router_init(struct init *in, char *name)
{
	in->router = (struct router_process){ .name = name };
	(void)uv_timer_init(&in->loop, &in->router.retry);
	in->router.retry.data = in;
}
