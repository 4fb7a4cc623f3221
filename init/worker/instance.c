#include "init/worker/instance.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "init/worker/context.h"

#include "base/ban.h"

static unsigned pm_id(const struct worker_context *cx, unsigned slot)
{
	const struct config_pm_ids *ids = &cx->config->pm_ids;

	return ids->before + slot + (slot < cx->at_start ? 0 : ids->behind);
}

/* What is no number counts as 0, as for pm2. */
static double number_in(const char *variable)
{
	const char *text = getenv(variable);
	char *end = NULL;
	double n = text ? strtod(text, &end) : 0;

	return end && end != text && !*end && isfinite(n) ? n : 0;
}

size_t instance_variables(const struct worker_context *cx, unsigned slot,
			  char ret[INSTANCE_VARIABLES][INSTANCE_VARIABLE_SIZE])
{
	const struct config *c = cx->config;
	size_t n = 0;

	(void)snprintf(ret[n++], INSTANCE_VARIABLE_SIZE, "%s=%u", c->instance_var, slot);
	(void)snprintf(ret[n++], INSTANCE_VARIABLE_SIZE, "pm_id=%u", pm_id(cx, slot));
	if (c->app_name)
		(void)snprintf(ret[n++], INSTANCE_VARIABLE_SIZE, "instances=%u", cx->wanted);
	if (c->increment_var)
		(void)snprintf(ret[n++], INSTANCE_VARIABLE_SIZE, "%s=%.15g", c->increment_var,
			       number_in(c->increment_var) + slot);
	return n;
}
