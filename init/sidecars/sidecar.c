/* A process beside the workers: started, judged, stopped with all that it has started. */
#include "init/sidecars/sidecar.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "init/logs/logs.h"
#include "init/system/credentials.h"
#include "init/system/reap.h"
#include "init/system/spawn.h"
#include "settings/config_command.h"

#include "base/ban.h"

static uint64_t now(const struct sidecar *s)
{
	return uv_now(s->all->context.loop);
}

static void set_state(struct sidecar *s, enum sidecar_state state)
{
	s->state = state;
	counter_set(&s->row->state, state);
	counter_set(&s->row->pid, (uint64_t)s->pid);
	counter_set(&s->row->started_ms, s->pid ? s->started_ms : 0);
}

/* Its command */

static int resolve_words(struct sidecar *s, char *const *words, char *err, size_t err_size)
{
	struct config c = *s->all->context.config;
	int code = 0;

	c.command = words;
	c.command_len = 0;
	while (words[c.command_len])
		c.command_len++;
	return command_resolve(&c, &s->command, &code, err, err_size) < 0 ? code : 0;
}

static int resolve(struct sidecar *s, char *err, size_t err_size)
{
	const char *line = s->what->line;
	char *in_shell[] = { "/bin/sh", "-c", (char *)line, NULL }, **words;
	int code;

	if (!line)
		return resolve_words(s, s->what->words, err, err_size);
	if (config_command_wants_shell(line))
		return resolve_words(s, in_shell, err, err_size);
	if (config_command_split(line, &words) < 0) {
		(void)snprintf(err, err_size, "out of memory");
		return EXIT_OUR_FAILURE;
	}
	code = resolve_words(s, words, err, err_size);
	free(words);
	return code;
}

/* From where it will run: relative paths start there. */
static int resolve_there(struct sidecar *s, char *err, size_t err_size)
{
	auto_fd int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int code;

	if (here < 0 || chdir(s->what->cwd) < 0) {
		(void)snprintf(err, err_size, "cwd \"%s\": %s", s->what->cwd, strerror(errno));
		return EXIT_BAD_CONFIG;
	}
	code = resolve(s, err, err_size);
	if (fchdir(here) < 0) {
		(void)snprintf(err, err_size, "working directory: %s", strerror(errno));
		return EXIT_OUR_FAILURE;
	}
	return code;
}

int sidecar_init(struct sidecar *s, struct sidecars *all, const struct config_sidecar *what,
		 struct scoreboard_sidecar *row, char *err, size_t err_size)
{
	*s = (struct sidecar){ .all = all,
			       .what = what,
			       .policy = what->policy ? what->policy : all->context.config,
			       .row = row };
	(void)uv_timer_init(all->context.loop, &s->timer);
	(void)snprintf(row->name, sizeof(row->name), "%s", what->name);
	set_state(s, SIDECAR_WAITING);
	return what->cwd ? resolve_there(s, err, err_size) : resolve(s, err, err_size);
}

/* Starting */

/* What it is told of itself: its name, and its number among pm2's. */
struct identity {
	char name[sizeof("SIOINIT_SIDECAR=") + SIDECAR_NAME_SIZE], pm_id[sizeof("pm_id=") + 12];
};

static void identify(const struct sidecar *s, struct identity *id)
{
	const struct config_sidecar *what = s->what;

	(void)snprintf(id->name, sizeof(id->name), "SIOINIT_SIDECAR=%s", what->name);
	(void)snprintf(id->pm_id, sizeof(id->pm_id), "pm_id=%u",
		       what->pm_id + (what->behind_workers ? s->all->n_workers : 0));
}

/* What is added to what it inherits: its own variables and @id. NULL: no memory. */
static char **own_variables(const struct sidecar *s, struct identity *id)
{
	char *const *own = s->what->env;
	size_t n = 0;
	char **all;

	while (own && own[n])
		n++;
	all = malloc((n + 3) * sizeof(*all));
	if (!all)
		return NULL;
	if (n)
		memcpy(all, own, n * sizeof(*all));
	all[n++] = id->name;
	if (s->what->has_pm_id)
		all[n++] = id->pm_id;
	all[n] = NULL;
	return all;
}

/* The array alone is the caller's; @id holds texts. */
static char **make_env(const struct sidecar *s, struct identity *id)
{
	char *const *ours = s->what->inherits ? s->what->inherits : environ;
	char *user[CREDENTIALS_ENV_MAX], **own = own_variables(s, id), **base, **env = NULL;

	credentials_env(s->all->context.credentials, user);
	base = own ? spawn_env_of(ours, user) : NULL;
	if (base)
		env = spawn_env_of(base, own);
	free(base);
	free(own);
	return env;
}

static pid_t launch(const struct sidecar *s, const struct log_pipes *logs)
{
	const struct sidecars_context *c = &s->all->context;
	auto_fd int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct spawn_request rq = { .argv = s->command.argv,
				    .inherit_fd = -1,
				    .own_group = 1,
				    .terminal = -1,
				    .stdio = { input, logs->out, logs->err },
				    .cwd = s->what->cwd,
				    .as = c->credentials,
				    .no_new_privs = c->config->no_new_privs };
	struct identity id;
	char **env;
	pid_t pid;

	identify(s, &id);
	env = make_env(s, &id);
	rq.env = env;
	pid = env ? spawn(&rq) : -ENOMEM;
	free(env);
	return pid;
}

static void judge(struct sidecar *s, int code);

void sidecar_start(struct sidecar *s)
{
	struct log_pipes logs;
	pid_t pid = logs_open_sidecar(s->all->context.logs, s->what->name, &logs);

	if (pid == 0)
		pid = launch(s, &logs);
	logs_started(&logs, pid);
	s->started_ms = now(s);
	counter_add(&s->row->starts, 1);
	if (pid < 0) {
		log_error(SIO_428, "sidecar[%s]: cannot start: %s", s->what->name, strerror(-pid));
		judge(s, pid == -ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
		return;
	}
	s->pid = s->group = pid;
	set_state(s, SIDECAR_RUNNING);
	log_info("sidecar[%s]: started pid=%d", s->what->name, (int)pid);
}

static void on_backoff(uv_timer_t *t)
{
	sidecar_start(container_of(t, struct sidecar, timer));
}

/* Ending */

static void done(struct sidecar *s)
{
	(void)uv_timer_stop(&s->timer);
	s->again = false;
	set_state(s, SIDECAR_DONE);
	s->all->one_less(s->all);
}

/* It has ended by itself. */
static void judge(struct sidecar *s, int code)
{
	struct restart_end end = { .code = code,
				   .now_ms = now(s),
				   .uptime_ms = now(s) - s->started_ms,
				   .n_workers = 1,
				   .was_ready = true,
				   .random = (uint32_t)random() };
	const struct sidecars_context *c = &s->all->context;
	struct start_limit first = { 0 }; /* which is for workers: here each end is the first */
	const char *why;
	uint64_t delay_ms;

	if (s->all->closed || s->what->once) {
		log_info("sidecar[%s]: done (%s)", s->what->name,
			 s->all->closed ? "sioinit is stopping" : "autorestart: false");
		done(s);
		return;
	}
	switch (restart_judge(&s->restart, &first, s->policy, &end, &delay_ms, &why)) {
	case RESTART_AFTER:
		set_state(s, SIDECAR_WAITING);
		(void)uv_timer_start(&s->timer, on_backoff, delay_ms, 0);
		break;
	case RESTART_NOT:
		log_info("sidecar[%s]: done (%s)", s->what->name, why);
		done(s);
		break;
	case RESTART_GIVE_UP:
		log_error(SIO_429, "init: sidecar[%s] ended with %d; giving up (%s)", s->what->name,
			  code, why);
		done(s);
		c->ops->give_up(c->ctx, code);
		break;
	}
}

/* Nothing of it is left after its stop. */
static void stopped(struct sidecar *s)
{
	s->group = 0;
	(void)uv_timer_stop(&s->timer);
	if (!s->again || s->all->closed) {
		done(s);
		return;
	}
	s->again = false;
	set_state(s, SIDECAR_WAITING);
	(void)uv_timer_start(&s->timer, on_backoff, 0, 0); /* starting takes memory: not here */
}

void sidecar_look_after_group(struct sidecar *s)
{
	if (s->state == SIDECAR_STOPPING && !s->pid && kill(-s->group, 0) < 0 && errno == ESRCH)
		stopped(s);
}

void sidecar_kill(struct sidecar *s)
{
	if (!sidecar_lives(s))
		return;
	(void)uv_timer_stop(&s->timer);
	(void)kill(-s->group, SIGKILL);
	s->all->forced |= s->all->closed;
	if (!s->pid) {
		stopped(s);
		return;
	}
	s->killed = true;
	set_state(s, SIDECAR_STOPPING);
}

static void on_kill_time(uv_timer_t *t)
{
	struct sidecar *s = container_of(t, struct sidecar, timer);

	log_warn(SIO_430, "sidecar[%s]: still there at the stop timeout, killed", s->what->name);
	sidecar_kill(s);
}

/* Until SIGKILL. */
static uint64_t time_left(const struct sidecar *s)
{
	uint64_t left = s->policy->stop_timeout_ms, all = s->all->deadline_ms;

	if (!s->all->closed)
		return left;
	all = all > now(s) ? all - now(s) : 0;
	return all < left ? all : left;
}

/* It was on its way to another start when the end began. */
static void hurry(struct sidecar *s)
{
	uint64_t left = time_left(s);

	s->again = false;
	if (!s->killed && left < uv_timer_get_due_in(&s->timer))
		(void)uv_timer_start(&s->timer, on_kill_time, left, 0);
}

void sidecar_stop(struct sidecar *s)
{
	if (s->state == SIDECAR_WAITING)
		done(s);
	if (s->state == SIDECAR_STOPPING && s->all->closed)
		hurry(s);
	if (s->state != SIDECAR_RUNNING)
		return;
	(void)uv_timer_start(&s->timer, on_kill_time, time_left(s), 0);
	(void)kill(-s->group, s->policy->stop_signal);
	(void)kill(-s->group, SIGCONT); /* one that is stopped would not see it */
	set_state(s, SIDECAR_STOPPING);
}

void sidecar_restart(struct sidecar *s)
{
	s->restart = (struct restart){ 0 };
	if (sidecar_lives(s)) {
		s->again = true;
		sidecar_stop(s);
	} else {
		(void)uv_timer_stop(&s->timer);
		sidecar_start(s);
	}
}

static void tell_death(const struct sidecar *s, int status, const struct rusage *usage)
{
	const struct sidecars_context *c = &s->all->context;
	char how[32], line[160];

	if (WIFEXITED(status))
		(void)snprintf(how, sizeof(how), "code=%d", WEXITSTATUS(status));
	else
		(void)snprintf(how, sizeof(how), "signal=%s", sigabbrev_np(WTERMSIG(status)));
	(void)snprintf(line, sizeof(line), "sidecar[%s]: ended pid=%d %s uptime=%.1fs max_rss=%ldM",
		       s->what->name, (int)s->pid, how, (double)(now(s) - s->started_ms) / 1000,
		       usage->ru_maxrss / 1024);
	c->ops->died(c->ctx, line);
}

void sidecar_ended(struct sidecar *s, int status, const struct rusage *usage)
{
	bool is_stopped = s->state == SIDECAR_STOPPING, killed = s->killed;

	logs_worker_ended(s->all->context.logs, s->pid);
	tell_death(s, status, usage);
	s->pid = 0;
	s->killed = false;
	set_state(s, s->state);
	if (is_stopped && !killed) {
		sidecar_look_after_group(s);
		return;
	}
	(void)kill(-s->group, SIGKILL); /* what it left in its group */
	s->group = 0;
	if (is_stopped)
		stopped(s);
	else
		judge(s, reap_exit_code(status));
}
