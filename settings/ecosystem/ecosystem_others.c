/* Several apps in one file: one is routed to, the others run beside it. What a process beside the
 * workers can have of its own is a table; the rest of what workers have is said to have no effect.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "settings/ecosystem/ecosystem_reader.h"

#include "base/ban.h"

/* Which one is routed to */

static const json_t *value_of(const json_t *app, const char *key, const char *camel)
{
	const json_t *v = json_object_get(app, key);

	return v ? v : json_object_get(app, camel);
}

/* One, said as a number or as a text, is no cluster; 0, -1 and "max" are. */
static bool has_several(const json_t *app)
{
	const json_t *v = json_object_get(app, "instances");
	const char *text = json_string_value(v);

	return (json_is_number(v) && json_number_value(v) != 1) || (text && strcmp(text, "1") != 0);
}

static bool is_cluster(const json_t *app)
{
	const char *mode = json_string_value(value_of(app, "exec_mode", "execMode"));

	return mode && strncmp(mode, "cluster", 7) == 0;
}

bool ecosystem_is_not_started(const json_t *app)
{
	return json_is_false(json_object_get(app, "autostart"));
}

static bool is_any(const json_t *app)
{
	(void)app;
	return true;
}

static const json_t *first(const json_t *apps, bool (*is)(const json_t *app))
{
	for (size_t i = 0; i < json_array_size(apps); i++) {
		const json_t *app = json_array_get(apps, i);

		if (!ecosystem_is_not_started(app) && is(app))
			return app;
	}
	return NULL;
}

const json_t *ecosystem_routed(const json_t *apps)
{
	const json_t *app = first(apps, has_several);

	if (!app)
		app = first(apps, is_cluster);
	return app ? app : first(apps, is_any);
}

/* The settings of one that is not */

static const struct ecosystem_item *setting_of(const struct ecosystem *e, const char *name)
{
	for (size_t i = 0; e && i < e->settings.n; i++)
		if (strcmp(e->settings.items[i].name, name) == 0)
			return &e->settings.items[i];
	return NULL;
}

static void keep(struct ecosystem_reader *r, const struct ecosystem_item *s)
{
	ecosystem_set(r, s->name, s->value);
}

static void take_port(struct ecosystem_reader *r, const struct ecosystem_item *s)
{
	ecosystem_add_variable(r, "PORT", s->value);
}

static void take_restart(struct ecosystem_reader *r, const struct ecosystem_item *s)
{
	r->eco->once = strcmp(s->value, "always") != 0;
}

static void take_workers(struct ecosystem_reader *r, const struct ecosystem_item *s)
{
	if (strcmp(s->value, "1") != 0)
		ecosystem_add(r, &r->eco->changed, s->key,
			      "runs once: only the app that clients are routed to has several",
			      s->key);
}

static void take_instance_var(struct ecosystem_reader *r, const struct ecosystem_item *s)
{
	ecosystem_add_own(r, &r->eco->identity, s->value, "0");
}

static void take_increment_var(struct ecosystem_reader *r, const struct ecosystem_item *s)
{
	ecosystem_add_own(r, &r->eco->identity, s->value, "0");
}

/* All processes beside the workers are of the workers' user. */
static void take_user(struct ecosystem_reader *r, const struct ecosystem_item *s)
{
	const struct ecosystem_item *workers = setting_of(r->routed, s->name);

	if (!workers || strcmp(workers->value, s->value) != 0)
		ecosystem_fail(r,
			       "%s: what runs beside the workers runs as their user, which is "
			       "another one: run it alone, in a container of its own "
			       "(SIOINIT_ECOSYSTEM_APP)",
			       s->key);
}

static void leave_out(struct ecosystem_reader *r, const struct ecosystem_item *s)
{
	if (strcmp(s->value, "off") != 0)
		ecosystem_add(r, &r->eco->ignored, s->key,
			      "only for the app that clients are routed to", s->key);
}

static const struct {
	const char *setting;
	void (*take)(struct ecosystem_reader *r, const struct ecosystem_item *s);
} settings[] = {
	{ "restart", take_restart },
	{ "port", take_port },
	{ "workers", take_workers },
	{ "restart-delay", keep },
	{ "max-restarts", keep },
	{ "min-uptime", keep },
	{ "stop-exit-codes", keep },
	{ "stop-timeout", keep },
	{ "stop-signal", keep },
	{ "user", take_user },
	{ "group", take_user },
	{ "instance-var", take_instance_var },
	{ "increment-var", take_increment_var },
	{ "restart-backoff", keep },
	{ "cron-restart", keep },
};

static void take_setting(struct ecosystem_reader *r, const struct ecosystem_item *s)
{
	r->key = s->key;
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		if (strcmp(settings[i].setting, s->name) == 0) {
			settings[i].take(r, s);
			return;
		}
	leave_out(r, s);
}

/* A process of its own is what it gets in either mode. */
static void forget_exec_mode(struct ecosystem_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (strncmp(l->items[i].name, "exec", 4) == 0) {
			ecosystem_item_free(&l->items[i]);
			l->items[i--] = l->items[--l->n];
		}
}

static void sort_settings(struct ecosystem_reader *r)
{
	struct ecosystem_list all = r->eco->settings;

	r->eco->settings = (struct ecosystem_list){ 0 };
	for (size_t i = 0; i < all.n && r->result == 0; i++)
		take_setting(r, &all.items[i]);
	forget_exec_mode(&r->eco->changed);
	ecosystem_list_free(&all);
}

/* pm2 tells each app the number of its instance; here it has but one. */
static void number(struct ecosystem_reader *r)
{
	if (!setting_of(r->eco, "instance-var"))
		ecosystem_set(r, "instance-var", "NODE_APP_INSTANCE");
}

/* It would be root's under pm2. */
static void say_user(struct ecosystem_reader *r)
{
	const struct ecosystem_item *workers = setting_of(r->routed, "user");

	if (workers && !setting_of(r->eco, "user"))
		ecosystem_add(r, &r->eco->changed, workers->key, "runs as the workers do",
			      workers->key);
}

static void take_other(struct ecosystem_reader *r, const json_t *app, ecosystem_take_fn *take_app)
{
	struct ecosystem *eco = &r->eco->others[r->eco->n_others++];
	struct ecosystem_reader other = { .rq = r->rq,
					  .eco = eco,
					  .err = r->err,
					  .err_size = r->err_size,
					  .beside = true,
					  .routed = r->eco };

	if (json_is_object(app)) {
		take_app(&other, app);
		number(&other);
		say_user(&other);
		sort_settings(&other);
	} else {
		ecosystem_fail(r, "an app that is no object");
	}
	ecosystem_words_free(&other.args);
	ecosystem_words_free(&other.node_args);
	if (other.result < 0)
		r->result = other.result;
}

void ecosystem_take_others(struct ecosystem_reader *r, const json_t *apps, const json_t *routed,
			   ecosystem_take_fn *take_app)
{
	struct config_pm_ids *ids = &r->eco->pm_ids;
	size_t n = json_array_size(apps);
	bool behind = false;

	if (n < 2)
		return;
	r->eco->others = calloc(n - 1, sizeof(*r->eco->others));
	if (!r->eco->others) {
		ecosystem_fail(r, "out of memory");
		return;
	}
	for (size_t i = 0; i < n && r->result == 0; i++) {
		const json_t *app = json_array_get(apps, i);

		if (app == routed) {
			behind = true;
			continue;
		}
		if (!ecosystem_is_not_started(app)) {
			struct ecosystem *other = &r->eco->others[r->eco->n_others];

			take_other(r, app, take_app);
			other->pm_id = ids->before + ids->behind;
			other->behind_workers = behind;
		}
		*(behind ? &ids->behind : &ids->before) += 1;
	}
}

/* The name of a setting from the name of an app: log-shipper is log_shipper. */
static void setting_name(const char *app, size_t n_before, char dst[static SIDECAR_NAME_SIZE])
{
	bool prefixed = !isalpha((unsigned char)app[0]);
	size_t n = (size_t)snprintf(dst, SIDECAR_NAME_SIZE, "%s%.*s", prefixed ? "app_" : "",
				    SIDECAR_NAME_SIZE - 8, app);

	for (size_t i = 0; i < n; i++)
		dst[i] =
		    (char)(isalnum((unsigned char)dst[i]) ? tolower((unsigned char)dst[i]) : '_');
	if (n_before)
		(void)snprintf(dst + n, SIDECAR_NAME_SIZE - n, "_%zu", n_before + 1);
}

static bool is_taken(const struct ecosystem *e, size_t before, const char *name)
{
	for (size_t i = 0; i < before; i++) {
		char other[SIDECAR_NAME_SIZE];

		ecosystem_other_name(e, i, other);
		if (strcmp(other, name) == 0)
			return true;
	}
	return false;
}

void ecosystem_other_name(const struct ecosystem *e, size_t i, char dst[static SIDECAR_NAME_SIZE])
{
	setting_name(e->others[i].app, 0, dst);
	if (is_taken(e, i, dst))
		setting_name(e->others[i].app, i, dst);
}
