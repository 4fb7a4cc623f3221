/* What makes one instance of an app differ from another, and what all of them are told. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "settings/ecosystem/ecosystem_reader.h"
#include "settings/ecosystem/ecosystem_words.h"

#include "base/ban.h"

void ecosystem_add_own(struct ecosystem_reader *r, struct ecosystem_list *l, const char *name,
		       const char *value)
{
	const struct ecosystem_list *env = &r->eco->env;

	for (size_t i = 0; i < env->n; i++)
		if (strcmp(env->items[i].name, name) == 0)
			return;
	ecosystem_add(r, l, name, value, r->key);
}

/* pm2 makes a cluster of what node runs where instances is such a number. */
static bool makes_cluster(const json_t *v)
{
	const char *text = json_string_value(v);
	double n = text ? (double)strtol(text, NULL, 10) : json_number_value(v);

	return n >= 1 || n == 0 || n == -1;
}

/* pm2's default is one, ours is all CPUs: put after all keys are read. */
void ecosystem_take_instances(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	char *text = ecosystem_text_of(v);

	r->instances = k->name;
	r->eco->has_instances = makes_cluster(v);
	if (text)
		ecosystem_set(r, k->text, text);
	else
		ecosystem_fail(r, "out of memory");
	free(text);
}

void ecosystem_take_exec_mode(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	const char *mode = json_string_value(v);

	if (mode && (strcmp(mode, "cluster") == 0 || strcmp(mode, "cluster_mode") == 0)) {
		r->eco->exec_mode = "cluster_mode";
		r->is_cluster = true;
	} else if (mode && (strcmp(mode, "fork") == 0 || strcmp(mode, "fork_mode") == 0)) {
		r->eco->exec_mode = "fork_mode";
		ecosystem_add(r, &r->eco->changed, r->key, k->text, r->key);
	} else {
		ecosystem_fail(r, "%s: not cluster or fork", r->key);
	}
}

void ecosystem_take_increment_var(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	(void)k;
	r->increment_var = json_string_value(v);
	if (!r->increment_var)
		ecosystem_fail(r, "%s: not the name of a variable", r->key);
}

/* A port of its own for each worker, the first of which env has. */
static void spread_port(struct ecosystem_reader *r)
{
	struct ecosystem_list *l = &r->eco->settings;

	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->items[i].name, "port") == 0) {
			ecosystem_set(r, "worker-port", l->items[i].value);
			ecosystem_item_free(&l->items[i]);
			l->items[i] = l->items[--l->n];
			break;
		}
	ecosystem_set(r, "dispatch", "port");
	ecosystem_add(r, &r->eco->changed, r->key,
		      "each worker has a port of its own, and SIOINIT_PORT is for all of them",
		      r->key);
}

void ecosystem_settle_instances(struct ecosystem_reader *r)
{
	r->key = "increment_var";
	if (r->increment_var && strcmp(r->increment_var, "PORT") == 0 && !r->beside)
		spread_port(r);
	else if (r->increment_var)
		ecosystem_set(r, "increment-var", r->increment_var);
}

/* Variables that are not passed on */

static int add_names(struct ecosystem_words *names, const json_t *v)
{
	int n = 0;

	if (json_is_string(v))
		return ecosystem_words_add(names, str_of(json_string_value(v)));
	for (size_t i = 0; i < json_array_size(v) && n == 0; i++) {
		const char *part = json_string_value(json_array_get(v, i));

		n = part && *part ? ecosystem_words_add(names, str_of(part)) : -EINVAL;
	}
	return n;
}

void ecosystem_take_filter(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	struct ecosystem_words names = { 0 };

	(void)k;
	if (json_is_boolean(v))
		return;
	if (!(json_is_string(v) || json_is_array(v)) || add_names(&names, v) < 0)
		ecosystem_fail(r, "%s: not a variable or a list of parts of their names", r->key);
	ecosystem_texts_free(r->eco->filter.names);
	r->eco->filter = (struct ecosystem_filter){ names.list, json_is_array(v) };
}

static bool is_filtered(const struct ecosystem_filter *f, const char *entry)
{
	size_t n = strcspn(entry, "=");

	if (strncmp(entry, "SIOINIT_", sizeof("SIOINIT_") - 1) == 0)
		return false;
	for (char **name = f->names; *name; name++) {
		size_t m = strlen(*name);

		if (f->parts ? memmem(entry, n, *name, m) != NULL
			     : m == n && memcmp(entry, *name, n) == 0)
			return true;
	}
	return false;
}

char **ecosystem_filtered(const struct ecosystem *e, char *const *env)
{
	size_t n = 0, at = 0;
	char **kept;

	while (env[n])
		n++;
	kept = malloc((n + 1) * sizeof(*kept));
	if (!kept)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (!is_filtered(&e->filter, env[i]))
			kept[at++] = env[i];
	kept[at] = NULL;
	return kept;
}

/* Switches */

void ecosystem_take_source_maps(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	(void)k;
	r->no_source_maps = json_is_true(v);
}

void ecosystem_take_append_env(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	(void)k;
	r->append_env_to_name = json_is_true(v);
}
