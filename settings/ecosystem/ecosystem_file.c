/* The file, and what it says into force. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/macros.h"
#include "settings/ecosystem/ecosystem.h"
#include "settings/ecosystem/ecosystem_beside.h"
#include "settings/ecosystem/ecosystem_call.h"
#include "settings/ecosystem/ecosystem_name.h"
#include "settings/ecosystem/ecosystem_reader.h"
#include "settings/ecosystem/ecosystem_tree.h"

#include "base/ban.h"

enum { FILE_MAX = 1 << 20 };

/* Files */

/* If the JSON does not parse, let node read it: pm2 allows comments. */
static json_t *tree_of_file(const char *file, unsigned timeout_ms, char *why, size_t why_size)
{
	enum ecosystem_kind kind = ecosystem_kind_of(file);
	json_t *tree = NULL;
	char *text;
	size_t n;
	int r = file_read(file, FILE_MAX, &text, &n);

	if (r < 0) {
		(void)snprintf(why, why_size, "%s", strerror(-r));
		return NULL;
	}
	if (kind == ECOSYSTEM_FILE_YAML)
		tree = ecosystem_tree_of_yaml((struct str){ text, n }, why, why_size);
	if (kind == ECOSYSTEM_FILE_JSON)
		tree = ecosystem_tree_of_json((struct str){ text, n }, why, why_size);
	if (!tree && kind != ECOSYSTEM_FILE_YAML)
		tree = ecosystem_tree_of_script(file, timeout_ms, why, why_size);
	free(text);
	return tree;
}

/* @tree is consumed. */
static int settle_tree(const struct ecosystem_request *rq, json_t *tree, const char *why,
		       struct ecosystem *ret, char *err, size_t err_size)
{
	struct ecosystem_reader reader = { .rq = rq, .eco = ret, .err = err, .err_size = err_size };
	int r = ecosystem_read(rq, tree, why, ret, err, err_size);

	if (r < 0)
		return r;
	ecosystem_settle_program(&reader);
	reader.beside = true;
	for (size_t i = 0; i < ret->n_others; i++) {
		reader.eco = &ret->others[i];
		ecosystem_settle_program(&reader);
	}
	if (reader.result < 0)
		ecosystem_free(ret);
	return reader.result;
}

int ecosystem_load(const struct ecosystem_request *rq, unsigned timeout_ms, struct ecosystem *ret,
		   char *err, size_t err_size)
{
	char why[256] = "";
	json_t *tree = tree_of_file(rq->file, timeout_ms, why, sizeof(why));

	return settle_tree(rq, tree, why, ret, err, err_size);
}

int ecosystem_of_call(const struct ecosystem_request *rq, struct ecosystem *ret, char *err,
		      size_t err_size)
{
	return settle_tree(rq, ecosystem_tree_of_call(rq->call), "no memory, or no UTF-8", ret, err,
			   err_size);
}

/* Into force */

static int apply_settings(const struct ecosystem *e, const struct ecosystem_request *rq,
			  struct config *c, char *err, size_t err_size)
{
	int r = 0;

	for (size_t i = 0; i < e->settings.n && r == 0; i++) {
		const struct ecosystem_item *s = &e->settings.items[i];
		char origin[512];

		(void)snprintf(origin, sizeof(origin), "%s: %s", rq->file, s->key);
		r = config_set(c, s->name, s->value, CONFIG_FROM_ECOSYSTEM, origin, err, err_size);
	}
	return r;
}

static int set_variables(const struct ecosystem_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (setenv(l->items[i].name, l->items[i].value, 1) < 0)
			return -errno;
	return 0;
}

static int apply_environment(const struct ecosystem *e)
{
	char **filtered = e->filter.names ? ecosystem_filtered(e, environ) : environ;
	int r;

	if (!filtered)
		return -ENOMEM;
	environ = filtered; /* for good */
	r = set_variables(&e->identity);
	return r == 0 ? set_variables(&e->env) : r;
}

static void log_keys(enum log_level level, const struct ecosystem_list *l,
		     const struct ecosystem_request *rq, const char *app, const char *what)
{
	bool more = ecosystem_is_file(rq->file);
	char text[512];
	size_t n = 0;

	if (l->n == 0)
		return;
	for (size_t i = 0; i < l->n && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, more ? "%s%s" : "%s%s (%s)",
				      i ? ", " : "", l->items[i].name, l->items[i].value);
	log_at(level, SIO_050, "%s: %s%s%s: %s%s%s%s", rq->file, app, *app ? ": " : "", what, text,
	       more ? " (sioinit migrate " : "", more ? rq->file : "", more ? " says more)" : "");
}

static void say_differences(const struct ecosystem *e, const struct ecosystem_request *rq,
			    const char *app)
{
	log_keys(LOG_LEVEL_WARN, &e->ignored, rq, app, "no effect");
	log_keys(LOG_LEVEL_INFO, &e->changed, rq, app, "another meaning");
	for (size_t i = 0; i < e->n_others; i++)
		say_differences(&e->others[i], rq, e->others[i].app);
}

int ecosystem_apply(struct ecosystem *e, const struct ecosystem_request *rq, struct config *c,
		    char *err, size_t err_size)
{
	bool has_command = c->command || c->app;
	int r = ecosystem_apply_others(e, rq, c, err, err_size);

	if (r == 0)
		r = apply_settings(e, rq, c, err, err_size);
	if (r < 0)
		return r;
	c->pm_ids = e->pm_ids;
	r = apply_environment(e);
	if (r == 0 && e->cwd && chdir(e->cwd) < 0) {
		(void)snprintf(err, err_size, "%s: cwd \"%s\": %s", rq->file, e->cwd,
			       strerror(errno));
		return -EINVAL;
	}
	if (r < 0) {
		(void)snprintf(err, err_size, "%s: env: %s", rq->file, strerror(-r));
		return r;
	}
	if (!has_command) {
		c->command = e->command;
		c->command_len = e->command_len;
	}
	c->app_name = e->app && *e->app ? e->app : NULL;
	say_differences(e, rq, "");
	return 0;
}
