/* See cron_restart.h. */
#include "init/supervisor/cron_restart.h"

#include <time.h>

#include "base/log.h"
#include "init/supervisor/core.h"

#include "base/ban.h"

static void say_next(const struct init *in)
{
	time_t due = (time_t)in->cron.due;
	char text[64] = "never";
	struct tm tm;

	if (due >= 0 && localtime_r(&due, &tm))
		(void)strftime(text, sizeof(text), "%FT%T%z", &tm);
	log_info("init: workers are replaced next at %s (SIOINIT_CRON_RESTART)", text);
}

void cron_restart_start(struct init *in)
{
	const struct config_cron *c = &in->config->cron_restart;

	if (!c->text)
		return;
	cron_clock_start(&in->cron, &c->cron, time(NULL));
	say_next(in);
}

void cron_restart_look(struct init *in)
{
	int64_t now = time(NULL);

	sidecars_look(&in->sidecars, now);
	if (!cron_clock_is_due(&in->cron, now) || shutdown_has_begun(in))
		return;
	pool_start_done(&in->pool);
	reload_all(&in->pool);
	say_next(in);
}
