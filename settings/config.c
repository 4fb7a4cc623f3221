/* Loading settings. Happy path: defaults, the environment, flags and the file they name; each value
 * stays unless one of a later source comes. Anything wrong ends loading with one line for the user:
 * loading never prints and never exits. */
#include "settings/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/macros.h"
#include "settings/config_file.h"
#include "settings/config_loader.h"
#include "settings/config_table.h"

#include "base/ban.h"

/* Set by ourselves for our own processes and for workers. */
static const char *const internal_names[] = { "SIOINIT_SLOT", "SIOINIT_ROLE",   "SIOINIT_ROLE_FD",
					      "SIOINIT_IDS",  "SIOINIT_SOCKET", "SIOINIT_SIDECAR" };

/* Loading */

static int load_defaults(const struct loader *l)
{
	int r = 0;

	for (size_t i = 0; i < config_n_rows && r == 0; i++)
		r = config_loader_apply(l, &config_table[i], config_table[i].parse,
					CONFIG_FROM_DEFAULT, "default", config_table[i].dflt);
	return r;
}

/* The entry "NAME=value" with a value, or NULL. */
static const char *env_find(char *const *envp, const char *name)
{
	size_t n = strlen(name);

	for (; *envp; envp++)
		if (strncmp(*envp, name, n) == 0 && (*envp)[n] == '=' && (*envp)[n + 1])
			return *envp;
	return NULL;
}

/* Kubernetes and Docker links tell a container of every Service: one called "sioinit" gives
 * SIOINIT_SERVICE_HOST, SIOINIT_PORT=tcp://10.0.0.1:80, SIOINIT_PORT_80_TCP_ADDR and more, one
 * called "pm2" PM2_PORT. None of them is meant for us. */
static bool is_service_link(const char *entry)
{
	static const char *const marks[] = { "_SERVICE_HOST", "_SERVICE_PORT", "_PORT_" };
	size_t n = strcspn(entry, "=");
	char name[NAME_MAX_BYTES * 2];

	(void)snprintf(name, sizeof(name), "%.*s", (int)n, entry);
	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (strstr(name, marks[i]))
			return true;
	return n >= 4 && memcmp(entry + n - 4, "PORT", 4) == 0 && strstr(entry + n, "://");
}

/* The entry of environment that @name is set by, or NULL; a service link is none. */
static const char *env_setting(struct config *c, char *const *envp, const char *name)
{
	const char *entry = env_find(envp, name);
	size_t n = strlen(c->links);

	if (!entry || !is_service_link(entry))
		return entry;
	(void)snprintf(c->links + n, sizeof(c->links) - n, "%s%.*s", n ? ", " : "",
		       (int)strcspn(entry, "="), entry);
	return NULL;
}

static int load_sidecars_env(const struct loader *l, char *const *envp)
{
	for (; *envp; envp++) {
		const char *named = sidecar_named(*envp), *eq = strchr(*envp, '='), *wrong;
		struct config_origin from = { CONFIG_FROM_ENV, { *envp, strcspn(*envp, "=") } };

		if (!named || !eq || !eq[1] || is_service_link(*envp))
			continue;
		wrong = config_apply_sidecar(l->config, from, named);
		if (wrong)
			return config_loader_fail(l, "%.*s=\"%s\": %s", (int)from.name.n, *envp,
						  eq + 1, wrong);
	}
	return 0;
}

static int load_env(const struct loader *l, const struct setting *s, char *const *envp)
{
	char name[NAME_MAX_BYTES];
	const char *entry;

	if (setting_is_sidecar(s))
		return load_sidecars_env(l, envp);
	setting_env_name(s, name);
	entry = env_setting(l->config, envp, name);
	if (entry)
		return config_loader_apply(l, s, s->parse, CONFIG_FROM_ENV, entry,
					   strchr(entry, '=') + 1);
	for (size_t i = 0; i < ARRAY_LEN(s->aliases) && s->aliases[i].env; i++) {
		const struct alias *a = &s->aliases[i];

		entry = env_setting(l->config, envp, a->env);
		if (entry)
			return config_loader_apply(l, s, a->parse ? a->parse : s->parse,
						   CONFIG_FROM_ENV, entry, strchr(entry, '=') + 1);
	}
	return 0;
}

static bool is_known_env(const char *entry, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(internal_names); i++)
		if (setting_is_called(internal_names[i], entry, n))
			return true;
	for (size_t i = 0; i < config_n_rows; i++) {
		char name[NAME_MAX_BYTES];

		setting_env_name(&config_table[i], name);
		if (setting_is_called(name, entry, n))
			return true;
	}
	return sidecar_named(entry) || is_service_link(entry);
}

static int refuse_unknown_env(const struct loader *l, char *const *envp)
{
	for (; *envp; envp++) {
		size_t n = strcspn(*envp, "=");
		char name[NAME_MAX_BYTES], meant[NAME_MAX_BYTES];

		if (strncmp(*envp, "SIOINIT_", PREFIX_LEN) != 0 || is_known_env(*envp, n))
			continue;
		(void)snprintf(name, sizeof(name), "%.*s", (int)n, *envp);
		setting_suggest(name, setting_env_name, meant);
		return config_loader_fail(l, "%s is no setting; did you mean %s?", name, meant);
	}
	return 0;
}

/* Together below its terminationGracePeriodSeconds of 30. */
static const struct {
	const char *name, *value;
} kubernetes_defaults[] = { { "shutdown-delay", "5" },
			    { "drain-time", "10" },
			    { "stop-timeout", "20" } };

static int load_kubernetes_defaults(const struct loader *l)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(kubernetes_defaults) && r == 0; i++) {
		const char *name = kubernetes_defaults[i].name;
		const struct setting *s = setting_find_flag(name, strlen(name));

		r = config_loader_apply(l, s, s->parse, CONFIG_FROM_DEFAULT,
					"KUBERNETES_SERVICE_HOST", kubernetes_defaults[i].value);
	}
	return r;
}

static int load_environment(const struct loader *l, char *const *envp)
{
	int r = load_defaults(l);

	if (r == 0 && env_find(envp, "KUBERNETES_SERVICE_HOST"))
		r = load_kubernetes_defaults(l);
	for (size_t i = 0; i < config_n_rows && r == 0; i++)
		r = load_env(l, &config_table[i], envp);
	return r == 0 ? refuse_unknown_env(l, envp) : r;
}

/* The settings file */

/* NAME=COMMAND of what is called by its variable's name. NULL: no memory. */
static const char *join_sidecar(struct config *c, const char *name, const char *value)
{
	size_t n = strlen(name) + 1 + strlen(value);
	char *text = malloc(n + 1);
	const char *kept;

	if (!text)
		return NULL;
	(void)snprintf(text, n + 1, "%s=%s", name, value);
	kept = config_keep(c, (struct str){ text, n });
	free(text);
	return kept;
}

/* All three texts are copied by the caller. */
static int apply_named(const struct loader *l, const char *name, const char *value,
		       struct config_origin from)
{
	char meant[NAME_MAX_BYTES];
	const struct setting *s = setting_find(name, meant);
	int place = (int)from.name.n;
	const char *wrong, *text = value;

	if (!s)
		return config_loader_fail(l, "%.*s: %s is no setting; did you mean %s?", place,
					  from.name.p, name, meant);
	if (s->offset == offsetof(struct config, config_file))
		return config_loader_fail(
		    l, "%.*s: %s: not here: it is for the environment or an option", place,
		    from.name.p, name);
	if (sidecar_named(name) && *value)
		text = join_sidecar(l->config, sidecar_named(name), value);
	wrong = text ? config_apply(l->config, s, s->parse, from, text) : "out of memory";
	if (wrong)
		return config_loader_fail(l, "%.*s: %s=\"%s\": %s", place, from.name.p, name,
					  setting_shown(s, value), wrong);
	return 0;
}

static int load_line(const struct loader *l, const char *path, unsigned number,
		     const struct config_line *line)
{
	char place[512];
	struct config_origin from = { .source = CONFIG_FROM_FILE };
	const char *name = config_keep(l->config, line->name),
		   *value = config_keep(l->config, line->value);

	(void)snprintf(place, sizeof(place), "%s:%u", path, number);
	from.name = str_of(config_keep(l->config, str_of(place)));
	if (!name || !value || !from.name.p)
		return config_loader_fail(l, "%s: out of memory", path);
	return apply_named(l, name, value, from);
}

static int load_lines(const struct loader *l, const char *path, struct str text)
{
	struct config_file f = { .rest = text };
	struct config_line line;
	int r;

	while ((r = config_file_next(&f, &line)) == 1) {
		r = load_line(l, path, f.line, &line);
		if (r < 0)
			return r;
	}
	return r == 0 ? 0 : config_loader_fail(l, "%s:%u: %s", path, f.line, f.wrong);
}

static int load_file(const struct loader *l, const char *path)
{
	char *text;
	size_t n;
	int r;

	if (l->text)
		return load_lines(l, path, *l->text);
	r = file_read(path, CONFIG_FILE_MAX, &text, &n);
	if (r < 0)
		return config_loader_fail(l, "settings file %s (SIOINIT_CONFIG): %s", path,
					  strerror(-r));
	r = load_lines(l, path, (struct str){ text, n });
	free(text);
	return r;
}

int config_set(struct config *c, const char *name, const char *value, enum config_source source,
	       const char *origin, char *err, size_t err_size)
{
	struct loader l = { c, err, err_size, NULL };
	struct config_origin from = { source, str_of(config_keep(c, str_of(origin))) };
	const char *kept = config_keep(c, str_of(value));

	if (!from.name.p || !kept)
		return -ENOMEM;
	return apply_named(&l, name, kept, from);
}

static const struct config_origin *origin(const struct config *c, const char *name)
{
	return &c->from[setting_find_flag(name, strlen(name)) - config_table];
}

static bool is_set(const struct config *c, const char *name)
{
	return origin(c, name)->source > CONFIG_FROM_DEFAULT;
}

struct str config_origin(const struct config *c, const char *name)
{
	return is_set(c, name) ? origin(c, name)->name : (struct str){ NULL, 0 };
}

bool config_port_is_set(const struct config *c)
{
	return is_set(c, "port");
}

bool config_admin_is_set(const struct config *c)
{
	return is_set(c, "admin");
}

/* Loading all */

static bool wants_settings(enum config_action a)
{
	return a != CONFIG_HELP && a != CONFIG_VERSION && a != CONFIG_COMPLETION &&
	       a != CONFIG_EXPLAIN;
}

/* help and version are there whatever the environment is like */
static int load_all(const struct loader *l, int argc, char *const *argv, char *const *envp,
		    enum config_action *action)
{
	char flag_err[512];
	struct loader flags = { l->config, flag_err, sizeof(flag_err), NULL };
	struct config *c = l->config;
	int r = load_environment(l, envp);
	int arguments = config_load_arguments(&flags, argc, argv, action);

	if (r < 0 && wants_settings(*action))
		return r;
	if (arguments < 0)
		return config_loader_fail(l, "%s", flag_err);
	r = c->config_file && wants_settings(*action) ? load_file(l, c->config_file) : 0;
	if (r == 0 && c->admin_token && c->admin_token_file && wants_settings(*action))
		return config_loader_fail(
		    l, "SIOINIT_ADMIN_TOKEN and SIOINIT_ADMIN_TOKEN_FILE are both set: one is "
		       "enough");
	return r;
}

static int load(const struct loader *of, int argc, char *const *argv, char *const *envp,
		struct config *ret, enum config_action *ret_action)
{
	struct config c = { .argc = argc, .argv = argv, .envp = envp };
	struct loader l = { &c, of->err, of->err_size, of->text };
	enum config_action action = CONFIG_RUN;
	int r = load_all(&l, argc, argv, envp, &action);

	if (r < 0) {
		config_free(&c);
		return r;
	}
	*ret = c;
	*ret_action = action;
	return 0;
}

int config_load(int argc, char *const *argv, char *const *envp, struct config *ret,
		enum config_action *ret_action, char *err, size_t err_size)
{
	struct loader l = { .err = err, .err_size = err_size };

	return load(&l, argc, argv, envp, ret, ret_action);
}

int config_take_secrets(struct config *c)
{
	for (size_t i = 0; i < config_n_rows; i++) {
		const char **field = (const char **)(void *)((char *)c + config_table[i].offset);
		const char *kept;

		if (!setting_is_secret(&config_table[i]) || c->from[i].source != CONFIG_FROM_ENV ||
		    !*field)
			continue;
		kept = config_keep(c, str_of(*field));
		if (!kept)
			return -ENOMEM;
		explicit_bzero((char *)*field, strlen(*field));
		*field = kept;
	}
	return 0;
}

int config_load_again(const struct config *c, struct str text, struct config *ret, char *err,
		      size_t err_size)
{
	struct loader l = { .err = err, .err_size = err_size, .text = &text };
	enum config_action action;

	return load(&l, c->argc, c->argv, c->envp, ret, &action);
}
