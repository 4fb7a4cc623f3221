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
#include "settings/ecosystem/ecosystem_reader.h"
#include "settings/ecosystem/ecosystem_tree.h"

#include "base/ban.h"

enum { FILE_MAX = 1 << 20 };

/* Files */

enum reader_kind { READ_JSON, READ_YAML, READ_SCRIPT };

static const struct {
	const char *ending;
	enum reader_kind kind;
} endings[] = {
	{ ".json", READ_JSON },         { ".yaml", READ_YAML },
	{ ".yml", READ_YAML },          { ".config.js", READ_SCRIPT },
	{ ".config.cjs", READ_SCRIPT }, { ".config.mjs", READ_SCRIPT },
};

static bool ends_with(const char *name, const char *ending)
{
	size_t n = strlen(name), m = strlen(ending);

	return n > m && strcmp(name + n - m, ending) == 0;
}

bool ecosystem_is_file(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(endings); i++)
		if (ends_with(name, endings[i].ending))
			return true;
	return false;
}

static enum reader_kind kind_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(endings); i++)
		if (ends_with(name, endings[i].ending))
			return endings[i].kind;
	return READ_SCRIPT;
}

/* If the JSON does not parse, let node read it: pm2 allows comments. */
static json_t *tree_of_file(const char *file, unsigned timeout_ms, char *why, size_t why_size)
{
	enum reader_kind kind = kind_of(file);
	json_t *tree = NULL;
	char *text;
	size_t n;
	int r = file_read(file, FILE_MAX, &text, &n);

	if (r < 0) {
		(void)snprintf(why, why_size, "%s", strerror(-r));
		return NULL;
	}
	if (kind == READ_YAML)
		tree = ecosystem_tree_of_yaml((struct str){ text, n }, why, why_size);
	if (kind == READ_JSON)
		tree = ecosystem_tree_of_json((struct str){ text, n }, why, why_size);
	if (!tree && kind != READ_YAML)
		tree = ecosystem_tree_of_script(file, timeout_ms, why, why_size);
	free(text);
	return tree;
}

int ecosystem_load(const struct ecosystem_request *rq, unsigned timeout_ms, struct ecosystem *ret,
		   char *err, size_t err_size)
{
	char why[256] = "";
	json_t *tree = tree_of_file(rq->file, timeout_ms, why, sizeof(why));
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

static void log_keys(enum log_level level, const struct ecosystem_list *l, const char *file,
		     const char *app, const char *what)
{
	char text[512];
	size_t n = 0;

	if (l->n == 0)
		return;
	for (size_t i = 0; i < l->n && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? ", " : "",
				      l->items[i].name);
	log_at(level, "%s: %s%s%s: %s (sioinit migrate %s says more)", file, app, *app ? ": " : "",
	       what, text, file);
}

static void say_differences(const struct ecosystem *e, const char *file, const char *app)
{
	log_keys(LOG_LEVEL_WARN, &e->ignored, file, app, "no effect");
	log_keys(LOG_LEVEL_INFO, &e->changed, file, app, "another meaning");
	for (size_t i = 0; i < e->n_others; i++)
		say_differences(&e->others[i], file, e->others[i].app);
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
	say_differences(e, rq->file, "");
	return 0;
}
