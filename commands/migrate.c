/* The environment first, in lines that --env-file and SIOINIT_CONFIG take, then what belongs into
 * the Dockerfile; comments say what has no place in either. */
#include "commands/migrate.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/macros.h"
#include "settings/config_command.h"
#include "settings/ecosystem/ecosystem.h"

#include "base/ban.h"

enum { MISUSED = 2 };

/* One line of an environment file, or a comment where it cannot be one. */
static void print_variable(const char *name, const char *value)
{
	if (strpbrk(value, "\r\n"))
		printf("# %s: its value has several lines: set it where you start the container\n",
		       name);
	else
		printf("%s=%s\n", name, value);
}

/* In the order of the table, with the values' own spelling. */
static int print_settings(const struct ecosystem *e, const char *file, char *err, size_t err_size)
{
	char *no_environment[] = { NULL }, *no_arguments[] = { NULL }, *text;
	enum config_action action;
	struct config c;
	int r = config_load(0, no_arguments, no_environment, &c, &action, err, err_size);

	for (size_t i = 0; i < e->settings.n && r == 0; i++)
		r = config_set(&c, e->settings.items[i].name, e->settings.items[i].value,
			       CONFIG_FROM_ECOSYSTEM, file, err, err_size);
	text = r == 0 ? config_environment(&c, CONFIG_FROM_ECOSYSTEM) : NULL;
	for (char *entry = text; entry && *entry; entry += strlen(entry) + 1)
		printf("%s\n", entry);
	free(text);
	config_free(&c);
	return r;
}

/* JSON, as the Dockerfile wants it. */
static void print_words(const char *instruction, char *const *words, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(list, json_string(words[i]));
	printf("%s ", instruction);
	(void)json_dumpf(list, stdout, 0);
	printf("\n");
	json_decref(list);
}

static void print_comments(const char *title, const struct ecosystem_list *l)
{
	if (l->n == 0)
		return;
	printf("\n# %s\n", title);
	for (size_t i = 0; i < l->n; i++)
		printf("# %s: %s\n", l->items[i].name, l->items[i].value);
}

static void print_dockerfile(const struct ecosystem *e)
{
	char *init[] = { "sioinit" };

	printf("\n# Dockerfile\n");
	if (e->cwd)
		printf("WORKDIR %s\n", e->cwd);
	print_words("ENTRYPOINT", init, 1);
	print_words("CMD", e->command, e->command_len);
}

/* A shell does not know that node is meant. */
static bool wants_node(const struct ecosystem *e)
{
	static const char *const extensions[] = { ".js", ".mjs", ".cjs", ".ts", ".mts" };
	const char *dot = e->bare ? strrchr(e->command[0], '.') : NULL;

	for (size_t i = 0; dot && i < ARRAY_LEN(extensions); i++)
		if (strcmp(dot, extensions[i]) == 0)
			return true;
	return false;
}

/* The command line of a sidecar: what a shell makes of its directory and its variables. */
static void print_sidecar_line(const struct ecosystem *e, FILE *out)
{
	if (e->cwd) {
		(void)fputs("cd ", out);
		config_command_print_word(e->cwd, out);
		(void)fputs(" && ", out);
	}
	for (size_t i = 0; i < e->env.n; i++) {
		(void)fprintf(out, "%s=", e->env.items[i].name);
		config_command_print_word(e->env.items[i].value, out);
		(void)fputc(' ', out);
	}
	if (wants_node(e))
		(void)fputs("node ", out);
	config_command_print(e->command, out);
}

static void print_sidecars(const struct ecosystem *e)
{
	for (size_t i = 0; i < e->n_others; i++) {
		char name[SIDECAR_NAME_SIZE], *line = NULL,
					      variable[sizeof("SIOINIT_SIDECAR_") + sizeof(name)];
		size_t n;
		FILE *out = open_memstream(&line, &n);

		ecosystem_other_name(e, i, name);
		for (char *p = name; *p; p++)
			*p = (char)toupper((unsigned char)*p);
		(void)snprintf(variable, sizeof(variable), "SIOINIT_SIDECAR_%s", name);
		if (out)
			print_sidecar_line(&e->others[i], out);
		if (out && fclose(out) == 0)
			print_variable(variable, line);
		free(line);
	}
}

static void print_differences(const struct ecosystem *e)
{
	print_comments("is told to the app with the file only", &e->identity);
	print_comments("means something else with sioinit", &e->changed);
	print_comments("has no equivalent", &e->ignored);
	for (size_t i = 0; i < e->n_others; i++) {
		const struct ecosystem *o = &e->others[i];

		if (o->settings.n + o->changed.n + o->ignored.n + o->once > 0)
			printf("\n# app %s, beside it:\n", o->app);
		if (o->once)
			printf("# autorestart: false holds with the file only\n");
		if (o->settings.n)
			print_comments("is the app's own with the file only", &o->settings);
		print_comments("means something else with sioinit", &o->changed);
		print_comments("has no equivalent", &o->ignored);
	}
}

static int print(const struct ecosystem *e, const struct ecosystem_request *rq, char *err,
		 size_t err_size)
{
	int r;

	printf("# %s, app %s", rq->file, e->app);
	if (rq->env_name)
		printf(", NODE_ENV=%s", rq->env_name);
	printf("\n\n# environment\n");
	r = print_settings(e, rq->file, err, err_size);
	if (r < 0)
		return r;
	for (size_t i = 0; i < e->env.n; i++)
		print_variable(e->env.items[i].name, e->env.items[i].value);
	print_sidecars(e);
	print_dockerfile(e);
	print_differences(e);
	return 0;
}

int migrate_run(const struct config *c, char *const *words, size_t n)
{
	struct ecosystem_request rq = { .file = n > 1 ? words[1] : NULL,
					.app = n > 2 ? words[2] : c->ecosystem_app,
					.env_name = getenv("NODE_ENV") };
	struct ecosystem e;
	char err[512] = "out of memory";
	int r;

	if (n == 2 && strcmp(words[1], "--keys") == 0) {
		ecosystem_print_keys(stdout);
		return 0;
	}
	if (n < 2 || n > 3) {
		(void)fputs("usage: sioinit migrate FILE [APP]\n"
			    "       sioinit migrate --keys\n",
			    stderr);
		return MISUSED;
	}
	r = ecosystem_load(&rq, ECOSYSTEM_TIMEOUT_MS, &e, err, sizeof(err));
	if (r == 0) {
		r = print(&e, &rq, err, sizeof(err));
		ecosystem_free(&e);
	}
	if (r == 0)
		return 0;
	log_error(SIO_025, "%s", err);
	return EXIT_BAD_CONFIG;
}
