/* A queue of events, a few children, one timer.
 *
 * An event is queued where it happens, perhaps while children are reaped, and its command is
 * started by the timer, in a later turn of the loop. */
#include "init/supervisor/hooks.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/log.h"
#include "base/macros.h"
#include "init/system/credentials.h"
#include "init/system/shell.h"
#include "settings/config.h"

#include "base/ban.h"

enum { VARIABLES = 9, VARIABLE_SIZE = 48 };

static const struct {
	const char *event, *setting;
} kinds[] = {
	[HOOK_READY] = { "ready", "SIOINIT_ON_READY" }, [HOOK_END] = { "end", "SIOINIT_ON_END" }
};

static const char *command_of(const struct hooks *h, const struct hook_event *e)
{
	return e->kind == HOOK_READY ? h->config->on_ready : h->config->on_end;
}

/* The environment */

struct variables {
	char text[VARIABLES][VARIABLE_SIZE];
	char *list[VARIABLES + CREDENTIALS_ENV_MAX];
	size_t n;
};

static void add(struct variables *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct variables *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(v->text[v->n], VARIABLE_SIZE, fmt, ap);
	va_end(ap);
	v->list[v->n] = v->text[v->n];
	v->n++;
}

static void describe(const struct hook_event *e, struct variables *v)
{
	bool exited = e->kind == HOOK_END && WIFEXITED(e->status),
	     killed = e->kind == HOOK_END && WIFSIGNALED(e->status);
	const char *signal = killed ? sigabbrev_np(WTERMSIG(e->status)) : "";

	add(v, "SIOINIT_EVENT=%s", kinds[e->kind].event);
	add(v, "SIOINIT_SLOT=%u", e->slot);
	add(v, "SIOINIT_PID=%d", (int)e->pid);
	add(v, "SIOINIT_UPTIME=%.3f", (double)e->uptime_ms / 1000);
	add(v, "SIOINIT_READY=%u", e->ready);
	add(v, "SIOINIT_WORKERS=%u", e->wanted);
	if (exited)
		add(v, "SIOINIT_EXIT_CODE=%d", WEXITSTATUS(e->status));
	else
		add(v, "SIOINIT_EXIT_CODE=");
	if (signal)
		add(v, "SIOINIT_SIGNAL=%s", signal);
	else
		add(v, "SIOINIT_SIGNAL=%d", WTERMSIG(e->status)); /* a real-time signal */
}

/* Running */

static pid_t start(const struct hooks *h, const struct hook_event *e)
{
	struct variables v = { .n = 0 };

	describe(e, &v);
	credentials_env(h->as, v.list + v.n);
	return shell_start(command_of(h, e), v.list, h->as, h->config->no_new_privs);
}

static void cannot_start(struct hooks *h, const struct hook_event *e, int err)
{
	if (err == ENOENT) {
		h->shell_missing = true;
		log_error(SIO_405,
			  "init: %s wants %s, which this image does not have: no hook is run",
			  kinds[e->kind].setting, SHELL_PATH);
	} else {
		log_error(SIO_406, "init: %s: %s: %s", kinds[e->kind].setting, SHELL_PATH,
			  strerror(err));
	}
}

static void run(struct hooks *h, struct hook_run *r)
{
	const struct hook_event *e = &h->queue[h->first];
	uint64_t now = uv_now(h->timer.loop);
	pid_t pid = h->shell_missing ? 0 : start(h, e);

	if (pid > 0)
		*r = (struct hook_run){ pid, now + HOOK_LIMIT_MS };
	else if (pid < 0)
		cannot_start(h, e, -pid);
	h->first = (h->first + 1) % HOOKS_QUEUED;
	h->n_queued--;
}

static void start_queued(struct hooks *h)
{
	for (size_t i = 0; i < HOOKS_MAX; i++)
		while (h->runs[i].pid == 0 && h->n_queued > 0)
			run(h, &h->runs[i]);
	if (h->left_out && h->n_queued == 0) {
		log_warn(SIO_407, "init: %u events without their hook: too many at a time",
			 h->left_out);
		h->left_out = 0;
	}
}

static void kill_late(struct hooks *h)
{
	uint64_t now = uv_now(h->timer.loop);

	for (size_t i = 0; i < HOOKS_MAX; i++) {
		struct hook_run *r = &h->runs[i];

		if (r->pid == 0 || now < r->kill_at_ms)
			continue;
		log_warn(SIO_408, "init: a hook takes too long, killed pid=%d", (int)r->pid);
		(void)kill(-r->pid, SIGKILL);
		r->kill_at_ms = UINT64_MAX;
	}
}

static bool is_idle(const struct hooks *h)
{
	for (size_t i = 0; i < HOOKS_MAX; i++)
		if (h->runs[i].pid)
			return false;
	return h->n_queued == 0;
}

/* The next run to be killed, or the end of the grace. */
static void arm(struct hooks *h)
{
	uint64_t now = uv_now(h->timer.loop), at = h->finishing ? h->finish_at_ms : UINT64_MAX;

	for (size_t i = 0; i < HOOKS_MAX; i++)
		if (h->runs[i].pid && h->runs[i].kill_at_ms < at)
			at = h->runs[i].kill_at_ms;
	(void)uv_timer_stop(&h->timer);
	if (at != UINT64_MAX)
		(void)uv_timer_start(&h->timer, h->timer.timer_cb, at > now ? at - now : 0, 0);
}

static void on_time(uv_timer_t *t)
{
	struct hooks *h = container_of(t, struct hooks, timer);

	bool is_late = h->finishing && uv_now(t->loop) >= h->finish_at_ms;

	kill_late(h);
	if (!is_late)
		start_queued(h);
	if (is_late || (h->finishing && is_idle(h)))
		h->on_done(h->ctx); /* what still runs is swept away with all else */
	else
		arm(h);
}

static void soon(struct hooks *h)
{
	(void)uv_timer_start(&h->timer, on_time, 0, 0);
}

void hooks_init(struct hooks *h, uv_loop_t *loop, const struct config *c,
		const struct credentials *as, void (*on_done)(void *ctx), void *ctx)
{
	*h = (struct hooks){ .config = c, .as = as, .on_done = on_done, .ctx = ctx };
	(void)uv_timer_init(loop, &h->timer);
}

void hooks_add(struct hooks *h, const struct hook_event *e)
{
	if (!h->config || !command_of(h, e) || h->shell_missing)
		return;
	if (h->n_queued == HOOKS_QUEUED) {
		h->left_out++;
		return;
	}
	h->queue[(h->first + h->n_queued++) % HOOKS_QUEUED] = *e;
	soon(h);
}

static void say_end(pid_t pid, int status)
{
	if (WIFSIGNALED(status))
		log_warn(SIO_409, "init: a hook was ended by SIG%s pid=%d",
			 sigabbrev_np(WTERMSIG(status)), (int)pid);
	else if (WEXITSTATUS(status))
		log_warn(SIO_410, "init: a hook ended with %d pid=%d", WEXITSTATUS(status),
			 (int)pid);
}

bool hooks_ended(struct hooks *h, pid_t pid, int status)
{
	for (size_t i = 0; i < HOOKS_MAX; i++) {
		if (h->runs[i].pid != pid)
			continue;
		(void)kill(-pid, SIGKILL); /* what it left in its group */
		say_end(pid, status);
		h->runs[i].pid = 0;
		soon(h);
		return true;
	}
	return false;
}

bool hooks_finish(struct hooks *h)
{
	if (!h->config || is_idle(h))
		return true;
	if (!h->finishing)
		h->finish_at_ms = uv_now(h->timer.loop) + HOOK_GRACE_MS;
	h->finishing = true;
	soon(h);
	return false;
}

void hooks_hurry(struct hooks *h)
{
	h->finish_at_ms = 0;
	if (h->finishing)
		soon(h);
}
