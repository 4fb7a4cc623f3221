/* The other apps into force, as sidecars: each with its own directory, with what the environment
 * was before the app that is routed to added to it, and with settings of its own where the file has
 * some. */
#include "settings/ecosystem/ecosystem_beside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "settings/ecosystem/ecosystem_reader.h"

#include "base/ban.h"

static int print_variables(const struct ecosystem_list *l, char **dst)
{
	for (size_t i = 0; i < l->n; i++)
		if (asprintf(&dst[i], "%s=%s", l->items[i].name, l->items[i].value) < 0) {
			dst[i] = NULL;
			return -ENOMEM;
		}
	return 0;
}

/* NAME=value, as execve(2) wants them. 0, -ENOMEM. */
static int make_variables(struct ecosystem *e)
{
	int r;

	e->variables = calloc(e->env.n + e->identity.n + 1, sizeof(*e->variables));
	if (!e->variables)
		return -ENOMEM;
	r = print_variables(&e->env, e->variables);
	return r == 0 ? print_variables(&e->identity, e->variables + e->env.n) : r;
}

/* From where sioinit is now to where it will be, too. 0, -errno. */
static int make_cwd_absolute(struct ecosystem *e)
{
	char *here, *there = NULL;
	int r = 0;

	if (e->cwd && e->cwd[0] == '/')
		return 0;
	here = getcwd(NULL, 0);
	if (!here)
		return -errno;
	if (!e->cwd)
		there = strdup(here);
	else if (asprintf(&there, "%s/%s", here, e->cwd) < 0)
		there = NULL;
	if (there) {
		free(e->cwd);
		e->cwd = there;
	} else {
		r = -ENOMEM;
	}
	free(here);
	return r;
}

/* @c as it is without what the file says of the app that is routed to, and with what it says of
 * this one. 0, -ENOMEM, or -EINVAL: @err says why. */
static int make_policy(struct ecosystem *e, const struct ecosystem_request *rq,
		       const struct config *c, char *err, size_t err_size)
{
	int r = 0;

	e->policy = malloc(sizeof(*e->policy));
	if (!e->policy)
		return -ENOMEM;
	*e->policy = *c;
	e->policy->texts = NULL;
	for (size_t i = 0; i < e->settings.n && r == 0; i++) {
		const struct ecosystem_item *s = &e->settings.items[i];
		char origin[512];

		(void)snprintf(origin, sizeof(origin), "%s: app %s: %s", rq->file, e->app, s->key);
		r = config_set(e->policy, s->name, s->value, CONFIG_FROM_ECOSYSTEM, origin, err,
			       err_size);
	}
	return r;
}

static int take_one(struct ecosystem *all, size_t i, const struct ecosystem_request *rq,
		    char *const *inherits, struct config *c, char *err, size_t err_size)
{
	struct ecosystem *e = &all->others[i];
	struct config_sidecar one = { .once = e->once,
				      .inherits = inherits,
				      .words = e->command,
				      .has_pm_id = true,
				      .behind_workers = e->behind_workers,
				      .pm_id = e->pm_id,
				      .from = { CONFIG_FROM_ECOSYSTEM, str_of(rq->file) } };
	const char *wrong;
	int r;

	ecosystem_other_name(all, i, one.name);
	r = make_variables(e);
	if (r == 0)
		r = make_cwd_absolute(e);
	if (r == 0)
		r = make_policy(e, rq, c, err, err_size);
	if (r == 0 && e->filter.names) {
		e->inherited = ecosystem_filtered(e, inherits);
		r = e->inherited ? 0 : -ENOMEM;
		one.inherits = e->inherited;
	}
	if (r < 0)
		return r;
	one.policy = e->policy;
	one.cwd = e->cwd;
	one.env = e->variables;
	wrong = config_add_sidecar(c, &one);
	if (!wrong)
		return 0;
	(void)snprintf(err, err_size, "%s: app %s: %s", rq->file, e->app, wrong);
	return -EINVAL;
}

static void say_others(const struct ecosystem *e, const struct ecosystem_request *rq)
{
	char text[512] = "";
	size_t n = 0;

	for (size_t i = 0; i < e->n_others && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? ", " : "",
				      e->others[i].app);
	log_info("%s: clients are routed to app %s; beside it: %s (SIOINIT_ECOSYSTEM_APP runs one "
		 "alone)",
		 rq->file, e->app, text);
}

/* The pointers: setenv(3) does not free what was there before. */
static char **copy_environment(void)
{
	size_t n = 1;
	char **copy;

	for (char **e = environ; *e; e++)
		n++;
	copy = malloc(n * sizeof(*copy));
	if (copy)
		memcpy(copy, environ, n * sizeof(*copy));
	return copy;
}

int ecosystem_apply_others(struct ecosystem *e, const struct ecosystem_request *rq,
			   struct config *c, char *err, size_t err_size)
{
	int r = 0;

	if (e->n_others == 0)
		return 0;
	e->inherited = copy_environment();
	if (!e->inherited)
		return -ENOMEM;
	for (size_t i = 0; i < e->n_others && r == 0; i++)
		r = take_one(e, i, rq, e->inherited, c, err, err_size);
	if (r == 0)
		say_others(e, rq);
	return r;
}
