/* All of them, and their part of the end. */
#include "init/sidecars/sidecars.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/macros.h"
#include "init/sidecars/sidecar.h"

#include "base/ban.h"

_Static_assert((int)SIDECARS_MAX == (int)SCOREBOARD_SIDECARS, "a row for each");
_Static_assert((int)SIDECAR_NAME_SIZE == (int)SCOREBOARD_NAME_SIZE, "room for its name");

static void on_one_less(struct sidecars *s)
{
	if (s->closed && sidecars_are_over(s))
		s->context.ops->over(s->context.ctx, s->forced);
}

void sidecars_init(struct sidecars *s, const struct sidecars_context *context)
{
	const struct config_sidecars *wanted = &context->config->sidecars;
	char err[512];

	s->context = *context;
	s->n = wanted->n;
	s->one_less = on_one_less;
	(void)uv_timer_init(context->loop, &s->latest);
	for (unsigned i = 0; i < s->n; i++) {
		const struct config_sidecar *what = &wanted->list[i];
		int code = sidecar_init(&s->list[i], s, what, &context->board->sidecars[i], err,
					sizeof(err));

		if (code)
			die(code, SIO_431, "sidecar %s (%.*s): %s", what->name,
			    (int)what->from.name.n, what->from.name.p, err);
	}
	counter_set(&context->board->n_sidecars, s->n);
}

void sidecars_start(struct sidecars *s, unsigned n_workers)
{
	s->n_workers = n_workers;
	for (unsigned i = 0; i < s->n && !s->closed; i++) {
		const struct config *own = s->list[i].what->policy;

		if (own && own->cron_restart.text)
			cron_clock_start(&s->list[i].cron, &own->cron_restart.cron, time(NULL));
		sidecar_start(&s->list[i]);
	}
}

int sidecars_restart(struct sidecars *s, const char *name)
{
	if (s->closed)
		return -ESHUTDOWN;
	for (unsigned i = 0; i < s->n; i++)
		if (strcmp(s->list[i].what->name, name) == 0) {
			sidecar_restart(&s->list[i]);
			return 0;
		}
	return -ENOENT;
}

void sidecars_look(struct sidecars *s, int64_t now)
{
	for (unsigned i = 0; i < s->n && !s->closed; i++)
		if (cron_clock_is_due(&s->list[i].cron, now)) {
			log_info("sidecar[%s]: its time has come (cron_restart)",
				 s->list[i].what->name);
			sidecar_restart(&s->list[i]);
		}
}

bool sidecars_ended(struct sidecars *s, pid_t pid, int status, const struct rusage *usage)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->list[i].pid == pid) {
			sidecar_ended(&s->list[i], status, usage);
			return true;
		}
	for (unsigned i = 0; i < s->n; i++)
		sidecar_look_after_group(&s->list[i]);
	return false;
}

/* The end */

bool sidecars_are_over(const struct sidecars *s)
{
	for (unsigned i = 0; i < s->n; i++)
		if (sidecar_lives(&s->list[i]))
			return false;
	return true;
}

static void on_latest(uv_timer_t *t)
{
	sidecars_stop(container_of(t, struct sidecars, latest));
}

void sidecars_close(struct sidecars *s, uint64_t within_ms)
{
	if (s->closed || s->n == 0)
		return;
	s->closed = true;
	s->deadline_ms = uv_now(s->context.loop) + within_ms;
	for (unsigned i = 0; i < s->n; i++)
		if (s->list[i].state != SIDECAR_RUNNING)
			sidecar_stop(&s->list[i]);
	(void)uv_timer_start(&s->latest, on_latest, within_ms - within_ms / 10, 0);
}

void sidecars_stop(struct sidecars *s)
{
	if (!s->closed)
		return;
	(void)uv_timer_stop(&s->latest);
	for (unsigned i = 0; i < s->n; i++)
		sidecar_stop(&s->list[i]);
}

void sidecars_kill(struct sidecars *s)
{
	for (unsigned i = 0; i < s->n && s->closed; i++)
		sidecar_kill(&s->list[i]);
}
