/* The app in the tree, its keys through the table (ecosystem_keys.c), the command put together. */
#include "settings/ecosystem/ecosystem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "settings/ecosystem/ecosystem_call.h"
#include "settings/ecosystem/ecosystem_reader.h"
#include "settings/ecosystem/ecosystem_tree.h"
#include "settings/interpreter.h"

#include "base/ban.h"

enum { NAME_MAX_BYTES = 128, NAMES_MAX = 256 };

/* env_production and the like. pm2 chooses by --env. */
static bool is_env_of_a_name(const char *key)
{
	return strncmp(key, "env_", 4) == 0;
}

static void say_choice(struct ecosystem_reader *r, const char *key)
{
	char text[NAME_MAX_BYTES];

	(void)snprintf(text, sizeof(text), "counts when NODE_ENV is %s", key + 4);
	ecosystem_add(r, &r->eco->changed, key, text, key);
}

/* After env, whose variables it replaces. */
static void take_env_of_a_name(struct ecosystem_reader *r, const json_t *app)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)app, key, value)
	{
		if (!is_env_of_a_name(key))
			continue;
		r->key = key;
		if (r->rq->env_name && strcmp(key + 4, r->rq->env_name) == 0)
			ecosystem_take_env(r, value);
		else
			say_choice(r, key);
	}
}

/* The command */

static int add_all(struct ecosystem_words *to, const struct ecosystem_words *from)
{
	int r = 0;

	for (size_t i = 0; i < from->n && r == 0; i++)
		r = ecosystem_words_add(to, str_of(from->list[i]));
	return r;
}

/* "npm start", "node server.js | tee log": pm2 runs it in a shell. We do when one is needed. */
static int build_line(struct ecosystem_reader *r, struct ecosystem_words *command)
{
	int n = 0;

	if (!strpbrk(r->script, "|&;<>()$`\\*?[]#~=%{}!\n"))
		return ecosystem_words_split(command, r->script);
	n = ecosystem_words_add(command, STR("sh"));
	if (n == 0)
		n = ecosystem_words_add(command, STR("-c"));
	return n == 0 ? ecosystem_words_add(command, str_of(r->script)) : n;
}

/* Not where our own command line has some of pm2's options. */
static bool is_as_pm2(const struct ecosystem_reader *r)
{
	const struct pm2_call *call = r->rq->call;

	return !(call && call->script && !call->start);
}

static bool is_run_by_itself(const struct ecosystem_reader *r)
{
	return r->interpreter && strcmp(r->interpreter, "none") == 0;
}

static int build_words(struct ecosystem_reader *r, struct ecosystem_words *command)
{
	const char *interpreter =
	    r->interpreter ? r->interpreter : interpreter_for(r->script, INTERPRETER_OF_PM2);
	bool none = is_run_by_itself(r);
	int n = 0;

	if (!interpreter && r->node_args.n > 0)
		interpreter = "node";
	if (interpreter && strstr(interpreter, "python"))
		ecosystem_add_own(r, &r->eco->env, "PYTHONUNBUFFERED", "1");
	if (interpreter && !none) {
		n = ecosystem_words_add(command, str_of(interpreter));
		if (n == 0)
			n = add_all(command, &r->node_args);
	}
	r->eco->bare = !interpreter;
	r->eco->has_interpreter = r->interpreter;
	if (n == 0)
		n = ecosystem_words_add(command, str_of(r->script));
	return n == 0 ? add_all(command, &r->args) : n;
}

static void build_command(struct ecosystem_reader *r)
{
	struct ecosystem_words command = { 0 };
	bool is_line;
	int n;

	if (!r->script || !r->script[strspn(r->script, " \t\n")]) {
		ecosystem_fail(r, "app \"%s\" has no script", r->eco->app);
		return;
	}
	if (strcmp(r->script, "serve") == 0) {
		ecosystem_fail(r, "script \"serve\" is pm2's own file server, which is not here: "
				  "install npm's and write \"npx\", args \"serve ...\"");
		return;
	}
	is_line = strchr(r->script, ' ');
	n = is_line ? build_line(r, &command) : build_words(r, &command);
	if (n < 0) {
		ecosystem_fail(r, "script: %s", strerror(-n));
		ecosystem_words_free(&command);
		return;
	}
	r->eco->command = command.list;
	r->eco->command_len = command.n;
	r->eco->script_at = is_line ? command.n : command.n - 1 - r->args.n;
	r->eco->source_maps =
	    !is_line && !r->no_source_maps && !is_run_by_itself(r) && is_as_pm2(r);
}

/* The app */

/* As pm2 names it: the script without folders and extension. */
static void app_name(const json_t *app, char *dst, size_t size)
{
	const char *name = json_string_value(json_object_get(app, "name")),
		   *script = json_string_value(json_object_get(app, "script")), *slash, *dot;

	if (!name && script) {
		slash = strrchr(script, '/');
		script = slash ? slash + 1 : script;
		dot = strrchr(script, '.');
		(void)snprintf(dst, size, "%.*s", dot ? (int)(dot - script) : (int)strlen(script),
			       script);
		return;
	}
	(void)snprintf(dst, size, "%s", name ? name : "");
}

static void list_names(const json_t *apps, char *dst, size_t size)
{
	size_t n = 0;

	dst[0] = '\0';
	for (size_t i = 0; i < json_array_size(apps) && n < size; i++) {
		char name[NAME_MAX_BYTES];

		app_name(json_array_get(apps, i), name, sizeof(name));
		n += (size_t)snprintf(dst + n, size - n, "%s%s", i ? ", " : "", name);
	}
}

static const json_t *named(const json_t *apps, const char *wanted)
{
	for (size_t i = 0; i < json_array_size(apps); i++) {
		char name[NAMES_MAX];

		app_name(json_array_get(apps, i), name, sizeof(name));
		if (strcmp(name, wanted) == 0)
			return json_array_get(apps, i);
	}
	return NULL;
}

/* The apps of the request, in the file's order. NULL: one of them is none, or no memory. */
static json_t *only(struct ecosystem_reader *r, const json_t *apps)
{
	const char *rest = r->rq->app;
	json_t *all = json_array();
	char names[NAMES_MAX];

	list_names(apps, names, sizeof(names));
	while (*(rest += strspn(rest, ", "))) {
		size_t n = strcspn(rest, ", ");
		char name[NAMES_MAX];
		const json_t *app;

		(void)snprintf(name, sizeof(name), "%.*s", (int)n, rest);
		rest += n;
		app = named(apps, name);
		if (app && json_array_append(all, (json_t *)app) == 0)
			continue;
		ecosystem_fail(r, "no app \"%s\" in it, but %s (SIOINIT_ECOSYSTEM_APP)", name,
			       names);
		json_decref(all);
		return NULL;
	}
	return all;
}

/* { apps: [...] }, { apps: {...} }, { pm2: ... }, [...] or the app itself */
static const json_t *find_apps(const json_t *tree)
{
	const json_t *apps = json_object_get(tree, "apps");

	if (!apps)
		apps = json_object_get(tree, "pm2");
	return apps ? apps : tree;
}

/* The list of those to run; an app alone is itself. A new reference, or NULL: it has failed. */
static json_t *wanted(struct ecosystem_reader *r, const json_t *tree)
{
	const json_t *apps = find_apps(tree);

	if (json_is_array(apps) && r->rq->app && json_array_size(apps) > 0)
		return only(r, apps);
	return json_incref((json_t *)apps);
}

/* One that is not to be started is when it is named. */
static const json_t *choose_of(struct ecosystem_reader *r, const json_t *apps)
{
	const json_t *app = ecosystem_routed(apps);
	char names[NAMES_MAX];

	if (app || r->rq->app)
		return app ? app : json_array_get(apps, 0);
	list_names(apps, names, sizeof(names));
	ecosystem_fail(
	    r,
	    "autostart: no app in it is to be started (SIOINIT_ECOSYSTEM_APP runs one by "
	    "its name: %s)",
	    names);
	return NULL;
}

static const json_t *choose(struct ecosystem_reader *r, const json_t *apps)
{
	if (json_is_array(apps) && json_array_size(apps) == 0)
		ecosystem_fail(r, "no apps in it");
	else if (json_is_array(apps))
		return choose_of(r, apps);
	else if (!json_is_object(apps))
		ecosystem_fail(r, "no app in it: { apps: [{ script: ... }] } is wanted");
	else if (ecosystem_is_not_started(apps) && !r->rq->app)
		ecosystem_fail(r, "autostart: its app is not to be started (SIOINIT_ECOSYSTEM_APP "
				  "runs it by its name)");
	return apps;
}

static void take_other_sections(struct ecosystem_reader *r, const json_t *tree)
{
	if (json_object_get(tree, "deploy"))
		ecosystem_add(r, &r->eco->ignored, "deploy", "images are deployed by the platform",
			      "deploy");
	if (json_array_size(json_object_get(tree, "static")) > 0 && !r->rq->app)
		ecosystem_fail(r, "static is pm2's own file server, which is not here: serve these "
				  "files elsewhere, or run npm's serve as an app");
}

/* Where pm2's default is what the app was written for: one process, and handlers for SIGINT. */
static void take_defaults(struct ecosystem_reader *r)
{
	if (!is_as_pm2(r))
		return;
	r->key = "as pm2";
	if (!r->instances)
		ecosystem_set(r, "workers", "1");
	ecosystem_set(r, "stop-signal", "INT");
}

/* The name, with the environment's behind it where the file wants that. */
static void take_name(struct ecosystem_reader *r, const json_t *app)
{
	char name[NAMES_MAX];
	size_t n;

	app_name(app, name, sizeof(name));
	n = strlen(name);
	if (r->append_env_to_name && r->rq->env_name)
		(void)snprintf(name + n, sizeof(name) - n, "-%s", r->rq->env_name);
	free(r->eco->app);
	r->eco->app = strdup(name);
	if (!r->eco->app)
		ecosystem_fail(r, "out of memory");
}

static void take_app(struct ecosystem_reader *r, const json_t *app)
{
	const char *key;
	json_t *value;

	take_name(r, app);
	json_object_foreach((json_t *)app, key, value) if (!is_env_of_a_name(key))
	    ecosystem_take_key(r, key, value);
	take_name(r, app);
	take_env_of_a_name(r, app);
	ecosystem_take_readiness(r);
	ecosystem_take_logs(r);
	ecosystem_settle_instances(r);
	ecosystem_settle_watch(r);
	take_defaults(r);
	build_command(r);
}

static void take_all(struct ecosystem_reader *r, const json_t *tree, const json_t *apps)
{
	const json_t *app = choose(r, apps);

	if (r->result == 0 && !json_is_object(app))
		ecosystem_fail(r, "an app that is no object");
	if (r->result < 0)
		return;
	if (r->rq->call && ecosystem_add_call((json_t *)app, r->rq->call) < 0)
		ecosystem_fail(r, "out of memory");
	take_app(r, app);
	take_other_sections(r, tree);
	if (json_is_array(apps))
		ecosystem_take_others(r, apps, app, take_app);
}

static int read_tree(const struct ecosystem_request *rq, const json_t *tree, struct ecosystem *ret,
		     char *err, size_t err_size)
{
	struct ecosystem eco = { 0 };
	struct ecosystem_reader r = { .rq = rq, .eco = &eco, .err = err, .err_size = err_size };
	json_t *apps = wanted(&r, tree);

	if (r.result == 0)
		take_all(&r, tree, apps);
	json_decref(apps);
	ecosystem_words_free(&r.args);
	ecosystem_words_free(&r.node_args);
	if (r.result < 0)
		ecosystem_free(&eco);
	else
		*ret = eco;
	return r.result;
}

int ecosystem_read(const struct ecosystem_request *rq, json_t *tree, const char *why,
		   struct ecosystem *ret, char *err, size_t err_size)
{
	int r = -EINVAL;

	if (tree)
		r = read_tree(rq, tree, ret, err, err_size);
	else
		(void)snprintf(err, err_size, "%s: %s", rq->file, why);
	json_decref(tree);
	return r;
}

int ecosystem_parse(const struct ecosystem_request *rq, enum ecosystem_format format,
		    struct str text, struct ecosystem *ret, char *err, size_t err_size)
{
	char why[256] = "";
	json_t *tree = format == ECOSYSTEM_JSON ? ecosystem_tree_of_json(text, why, sizeof(why))
						: ecosystem_tree_of_yaml(text, why, sizeof(why));

	return ecosystem_read(rq, tree, why, ret, err, err_size);
}

void ecosystem_free(struct ecosystem *e)
{
	struct ecosystem_words command = { e->command, e->command_len };

	free(e->app);
	free(e->cwd);
	ecosystem_words_free(&command);
	ecosystem_list_free(&e->settings);
	ecosystem_list_free(&e->env);
	ecosystem_list_free(&e->identity);
	ecosystem_texts_free(e->filter.names);
	ecosystem_list_free(&e->changed);
	ecosystem_list_free(&e->ignored);
	ecosystem_texts_free(e->variables);
	if (e->policy)
		config_free(e->policy);
	free(e->policy);
	for (size_t i = 0; i < e->n_others; i++)
		ecosystem_free(&e->others[i]);
	free(e->others);
	free(e->inherited);
	*e = (struct ecosystem){ 0 };
}
