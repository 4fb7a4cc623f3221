/* Settings that sioinit looks at each time it needs them, and whose values stand in struct config
 * itself, can change under way; those that the routers were started with, or that something was
 * opened by, cannot. */
#include "settings/config_reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "settings/config_table.h"

#include "base/ban.h"

#define ROW(name_, field, when_)                                                                   \
	{                                                                                          \
		name_, when_, sizeof(((struct config *)NULL)->field)                               \
	}

/* None of these is a text: that would end with the settings it was loaded with. */
static const struct reloadable {
	const char *name;
	enum config_when when;
	size_t size;
} reloadable[] = {
	ROW("workers", workers, CONFIG_AT_ONCE),
	ROW("restart", restart, CONFIG_AT_ONCE),
	ROW("min-uptime", min_uptime_ms, CONFIG_AT_ONCE),
	ROW("restart-delay", restart_delay_ms, CONFIG_AT_ONCE),
	ROW("restart-backoff", restart_backoff, CONFIG_AT_ONCE),
	ROW("max-restarts", max_restarts, CONFIG_AT_ONCE),
	ROW("stop-exit-codes", stop_exit_codes, CONFIG_AT_ONCE),
	ROW("shutdown-delay", shutdown_delay_ms, CONFIG_AT_ONCE),
	ROW("rebalance", rebalance, CONFIG_AT_ONCE),
	ROW("stop-timeout", stop_timeout_ms, CONFIG_AT_ONCE),
	ROW("stop-signal", stop_signal, CONFIG_AT_ONCE),
	ROW("signal-map", signal_map, CONFIG_AT_ONCE),
	ROW("lag-warn", lag_warn_ms, CONFIG_AT_ONCE),
	ROW("hang-timeout", hang_timeout_ms, CONFIG_AT_ONCE),
	ROW("hang-signal", hang_signal, CONFIG_AT_ONCE),
	ROW("max-memory", max_memory, CONFIG_AT_ONCE),
	ROW("max-sessions", max_sessions, CONFIG_AT_ONCE),
	ROW("max-age", max_age_ms, CONFIG_AT_ONCE),
	ROW("memory-pressure", memory_pressure, CONFIG_AT_ONCE),
	ROW("log-level", log_level, CONFIG_AT_ONCE),
	ROW("wait-ready", wait_ready, CONFIG_AT_ONCE),
	ROW("ready-timeout", ready_timeout_ms, CONFIG_FOR_NEW_WORKERS),
	ROW("wait-ready-timeout", wait_ready_timeout_ms, CONFIG_FOR_NEW_WORKERS),
	ROW("heap", heap_mb, CONFIG_FOR_NEW_WORKERS),
	ROW("no-new-privs", no_new_privs, CONFIG_FOR_NEW_WORKERS),
};

static const struct reloadable *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(reloadable); i++)
		if (strcmp(reloadable[i].name, name) == 0)
			return &reloadable[i];
	return NULL;
}

enum config_when config_reload_when(const char *name)
{
	const struct reloadable *r = find(name);

	return r ? r->when : CONFIG_AT_RESTART;
}

/* To be compared; free() it. NULL: out of memory. */
static char *print(const struct config *c, const struct setting *s)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	if (!out)
		return NULL;
	(setting_is_secret(s) ? config_print_text : s->print)((const char *)c + s->offset, out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* Whether the file says of it, or has said. A line that is gone leaves the value of a source before
 * it, which is known but for pm2's ecosystem file: that is read at the start only. */
static bool is_of_file(const struct config *c, const struct config *fresh, size_t i)
{
	return c->from[i].source == CONFIG_FROM_FILE || fresh->from[i].source == CONFIG_FROM_FILE;
}

static bool can_take(const struct config *c, const struct config *fresh, size_t i)
{
	return config_reload_when(config_table[i].name) != CONFIG_AT_RESTART &&
	       (!c->ecosystem || fresh->from[i].source >= CONFIG_FROM_FILE);
}

/* A value of another source was there when sioinit was loaded, and so is its name. */
static void take(struct config *c, const struct config *fresh, size_t i)
{
	const struct setting *s = &config_table[i];

	memcpy((char *)c + s->offset, (const char *)fresh + s->offset, find(s->name)->size);
	c->from[i] = fresh->from[i];
	if (c->from[i].source == CONFIG_FROM_FILE)
		c->from[i].name = STR("the settings file, read again");
}

static void change(struct config *c, const struct config *fresh, size_t i,
		   struct config_change *told)
{
	told->when = CONFIG_AT_RESTART;
	if (!can_take(c, fresh, i))
		return;
	told->when = config_reload_when(config_table[i].name);
	take(c, fresh, i);
}

/* 1: changed, and told; 0; or -ENOMEM. */
static int compare(struct config *c, const struct config *fresh, size_t i,
		   config_change_fn *on_change, void *ctx)
{
	const struct setting *s = &config_table[i];
	char name[NAME_MAX_BYTES], *before = print(c, s), *after = print(fresh, s);
	struct config_change told = { .name = name,
				      .before = setting_shown(s, before),
				      .after = setting_shown(s, after) };
	int r = !before || !after ? -ENOMEM : strcmp(before, after) != 0;

	if (r > 0) {
		setting_env_name(s, name);
		change(c, fresh, i, &told);
		on_change(&told, ctx);
	}
	free(before);
	free(after);
	return r;
}

int config_reload(struct config *c, struct str text, config_change_fn *on_change, void *ctx,
		  char *err, size_t err_size)
{
	struct config fresh;
	int n = 0, r = config_load_again(c, text, &fresh, err, err_size);

	if (r < 0)
		return r;
	for (size_t i = 0; i < config_n_rows && r >= 0; i++) {
		r = is_of_file(c, &fresh, i) ? compare(c, &fresh, i, on_change, ctx) : 0;
		n += r > 0;
	}
	config_free(&fresh);
	return r < 0 ? r : n;
}
