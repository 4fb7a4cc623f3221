/* Settings. The table below is all of them: parser, default, help, `sioinit check` and the man page come from it; adding a
 * setting is adding a row. Loading never prints and never exits: the caller says what the one line in @err says. */
#include "init/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/macros.h"
#include "base/str.h"

#include "base/ban.h"

enum { PREFIX_LEN = sizeof("SIOINIT_") - 1, TIMEOUT_MAX_S = 86400 };

struct setting;
typedef const char *parse_fn(const char *s, void *dst); /* NULL, or what is wrong with it */
typedef void print_fn(const void *src, FILE *out);

static parse_fn parse_workers, parse_text, parse_port, parse_address, parse_serialization, parse_restart, parse_level,
	parse_seconds, parse_milliseconds, parse_count;
static print_fn print_workers, print_text, print_port, print_address, print_serialization, print_restart, print_level,
	print_seconds, print_count;

struct alias {
	const char *env;
	parse_fn *parse; /* where its unit differs */
};

static const struct setting {
	const char *name; /* flag; SIOINIT_ and upper case in the environment */
	const char *value; /* what --help shows as the value */
	const char *dflt;
	parse_fn *parse;
	print_fn *print;
	size_t offset;
	const char *help;
	struct alias aliases[3];
} settings[] = {
#define SETTING(name_, value_, dflt_, kind, field, help_, ...)                                                       \
	{ name_, value_, dflt_, parse_##kind, print_##kind, offsetof(struct config, field), help_, { __VA_ARGS__ } }
	SETTING("app", "FILE", "", text, app, "script to run when no command is given"),
	SETTING("workers", "N", "max", workers, workers,
		"how many workers: max (one per CPU the container may use), N, -N (CPUs less N) or N%",
		{ "WEB_CONCURRENCY", NULL }),
	SETTING("port", "PORT", "8080", port, port, "public port, told to the workers as PORT", { "PORT", NULL },
		{ "PM2_PORT", NULL }),
	SETTING("admin", "ADDRESS", "127.0.0.1:9090", address, admin,
		"where /livez and /readyz answer: IP:PORT, PORT, /path of a unix socket, or off"),
	SETTING("serialization", "MODE", "auto", serialization, serialization,
		"of the workers' IPC channels: auto, advanced (keeps binary) or json"),
	SETTING("restart", "WHEN", "always", restart, restart,
		"always, or never: the end of a worker is the end of sioinit, with its exit code"),
	SETTING("stop-timeout", "SECONDS", "25", seconds, stop_timeout_ms,
		"from the polite stop of the workers to SIGKILL", { "PM2_KILL_TIMEOUT", parse_milliseconds }),
	SETTING("shutdown-delay", "SECONDS", "0", seconds, shutdown_delay_ms,
		"keep serving that long after SIGTERM while /readyz is 503 already (5 in Kubernetes)"),
	SETTING("ready-timeout", "SECONDS", "30", seconds, ready_timeout_ms,
		"a worker that is not ready by then is replaced; 0 = wait for ever"),
	SETTING("header-timeout", "SECONDS", "10", seconds, header_timeout_ms, "for a whole request head"),
	SETTING("keepalive-timeout", "SECONDS", "75", seconds, keepalive_timeout_ms,
		"how long an idle client connection is kept"),
	SETTING("body-timeout", "SECONDS", "60", seconds, body_timeout_ms, "between two pieces of a request body"),
	SETTING("max-connections", "N", "10000", count, max_connections, "clients at the router at a time; more get 503"),
	SETTING("max-sessions", "N", "262144", count, max_sessions, "sessions remembered; the least recently used go first"),
	SETTING("max-head-bytes", "N", "16384", count, max_head_bytes, "of a request head; more gets 431"),
	SETTING("probe-path", "PATH", "/socket.io/", text, probe_path,
		"what is requested to see whether a setupWorker() app answers"),
	SETTING("log-level", "LEVEL", "info", level, log_level, "error, warn, info or debug"),
#undef SETTING
};

/* Set by ourselves for our own processes and for workers. */
static const char *const internal_names[] = { "SIOINIT_SLOT", "SIOINIT_ROLE", "SIOINIT_CONTROL_FD" };

/* Values */

static const char *parse_text(const char *s, void *dst)
{
	*(const char **)dst = *s ? s : NULL;
	return NULL;
}

static void print_text(const void *src, FILE *out)
{
	const char *s = *(const char *const *)src;

	(void)fputs(s ? s : "", out);
}

static const char *parse_workers(const char *s, void *dst)
{
	struct config *c = container_of(dst, struct config, workers);
	struct str digits = str_of(s);
	uint64_t n = 0;

	c->workers.kind = WORKERS_FIXED;
	if (strcmp(s, "max") == 0 || strcmp(s, "auto") == 0 || strcmp(s, "0") == 0) {
		c->workers.kind = WORKERS_AUTO;
		return NULL;
	}
	if (digits.n > 1 && digits.p[0] == '-') {
		c->workers.kind = WORKERS_LESS;
		digits = (struct str){ digits.p + 1, digits.n - 1 };
	} else if (digits.n > 1 && digits.p[digits.n - 1] == '%') {
		c->workers.kind = WORKERS_PERCENT;
		digits.n--;
	}
	if (str_to_u64(digits, 1024, &n) < 0)
		return "neither a number up to 1024, -N, N%, nor max";
	c->workers.n = (unsigned)n;
	return NULL;
}

static void print_workers(const void *src, FILE *out)
{
	const struct config *c = container_of(src, const struct config, workers);

	switch (c->workers.kind) {
	case WORKERS_AUTO:
		(void)fputs("max", out);
		break;
	case WORKERS_FIXED:
		(void)fprintf(out, "%u", c->workers.n);
		break;
	case WORKERS_LESS:
		(void)fprintf(out, "-%u", c->workers.n);
		break;
	case WORKERS_PERCENT:
		(void)fprintf(out, "%u%%", c->workers.n);
		break;
	}
}

static const char *parse_port(const char *s, void *dst)
{
	uint64_t n;

	if (str_to_u64(str_of(s), UINT16_MAX, &n) < 0 || n == 0)
		return "not a port number (1 to 65535)";
	*(uint16_t *)dst = (uint16_t)n;
	return NULL;
}

static void print_port(const void *src, FILE *out)
{
	(void)fprintf(out, "%u", *(const uint16_t *)src);
}

static const char *parse_host_port(const char *s, struct config_address *a)
{
	const char *colon = strrchr(s, ':');
	size_t n = colon ? (size_t)(colon - s) : 0;

	if (colon && n > 1 && s[0] == '[' && s[n - 1] == ']') { /* [::1]:9090 */
		s++;
		n -= 2;
	}
	if (n >= sizeof(a->host))
		return "too long";
	memcpy(a->host, s, n);
	a->host[n] = '\0';
	return parse_port(colon ? colon + 1 : s, &a->port) ? "not IP:PORT, PORT, /path or off" : NULL;
}

static const char *parse_address(const char *s, void *dst)
{
	struct config_address *a = dst;

	*a = (struct config_address){ .off = strcmp(s, "off") == 0 };
	if (a->off)
		return NULL;
	while (s[0] == '/' && s[1] == '/')
		s++;
	if (s[0] != '/')
		return parse_host_port(s, a);
	if (strlen(s) >= sizeof(a->host))
		return "path too long for a unix socket (107 bytes)";
	memcpy(a->host, s, strlen(s) + 1);
	return NULL;
}

static void print_address(const void *src, FILE *out)
{
	const struct config_address *a = src;

	if (a->off)
		(void)fputs("off", out);
	else if (a->host[0] == '/')
		(void)fputs(a->host, out);
	else if (strchr(a->host, ':'))
		(void)fprintf(out, "[%s]:%u", a->host, a->port);
	else
		(void)fprintf(out, "%s%s%u", a->host, a->host[0] ? ":" : "", a->port);
}

/* Words stand in the order of their enum. */
static const char *parse_word(const char *s, const char *const *words, size_t n, const char *wrong, void *dst)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(s, words[i]) == 0) {
			*(int *)dst = (int)i;
			return NULL;
		}
	return wrong;
}

static const char *const serializations[] = { "auto", "advanced", "json" };
static const char *const restarts[] = { "always", "never" };
static const char *const levels[] = { "error", "warn", "info", "debug" };

_Static_assert(sizeof(enum config_serialization) == sizeof(int), "words are stored as int");

static const char *parse_serialization(const char *s, void *dst)
{
	return parse_word(s, serializations, ARRAY_LEN(serializations), "neither auto, advanced nor json", dst);
}

static void print_serialization(const void *src, FILE *out)
{
	(void)fputs(serializations[*(const int *)src], out);
}

static const char *parse_restart(const char *s, void *dst)
{
	return parse_word(s, restarts, ARRAY_LEN(restarts), "neither always nor never", dst);
}

static void print_restart(const void *src, FILE *out)
{
	(void)fputs(restarts[*(const int *)src], out);
}

static const char *parse_level(const char *s, void *dst)
{
	return parse_word(s, levels, ARRAY_LEN(levels), "neither error, warn, info nor debug", dst);
}

static void print_level(const void *src, FILE *out)
{
	(void)fputs(levels[*(const int *)src], out);
}

static const char *parse_seconds(const char *s, void *dst)
{
	char *end;
	double seconds = strtod(s, &end);

	if (end == s || *end || !(seconds >= 0 && seconds <= TIMEOUT_MAX_S))
		return "not a number of seconds (0 to 86400)";
	*(uint32_t *)dst = (uint32_t)(seconds * 1000 + 0.5);
	return NULL;
}

static const char *parse_milliseconds(const char *s, void *dst)
{
	uint64_t n;

	if (str_to_u64(str_of(s), TIMEOUT_MAX_S * 1000, &n) < 0)
		return "not a number of milliseconds";
	*(uint32_t *)dst = (uint32_t)n;
	return NULL;
}

static void print_seconds(const void *src, FILE *out)
{
	(void)fprintf(out, "%g", *(const uint32_t *)src / 1000.0);
}

static const char *parse_count(const char *s, void *dst)
{
	uint64_t n;

	if (str_to_u64(str_of(s), 1 << 24, &n) < 0 || n == 0)
		return "not a positive number";
	*(uint32_t *)dst = (uint32_t)n;
	return NULL;
}

static void print_count(const void *src, FILE *out)
{
	(void)fprintf(out, "%u", *(const uint32_t *)src);
}

/* Names */

static void env_name(const struct setting *s, char *dst, size_t size)
{
	size_t n = (size_t)snprintf(dst, size, "SIOINIT_%s", s->name);

	for (size_t i = PREFIX_LEN; i < n && i < size; i++)
		dst[i] = dst[i] == '-' ? '_' : (dst[i] >= 'a' && dst[i] <= 'z') ? (char)(dst[i] - 32) : dst[i];
}

static const struct setting *find_flag(const char *name, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		if (strlen(settings[i].name) == n && memcmp(settings[i].name, name, n) == 0)
			return &settings[i];
	return NULL;
}

/* Levenshtein distance, for names of at most 63 characters. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[64], la = (unsigned)strlen(a), lb = (unsigned)strlen(b);

	if (la >= ARRAY_LEN(row) || lb >= ARRAY_LEN(row))
		return 64;
	for (unsigned j = 0; j <= lb; j++)
		row[j] = j;
	for (unsigned i = 1; i <= la; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= lb; j++) {
			unsigned replaced = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			row[j] = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
			row[j] = replaced < row[j] ? replaced : row[j];
		}
	}
	return row[lb];
}

static const struct setting *nearest(const char *name, bool env)
{
	const struct setting *best = &settings[0];
	unsigned best_distance = 64;

	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		char buf[64];
		const char *candidate = settings[i].name;
		unsigned d;

		if (env) {
			env_name(&settings[i], buf, sizeof(buf));
			candidate = buf;
		}
		d = distance(name, candidate);
		if (d < best_distance) {
			best_distance = d;
			best = &settings[i];
		}
	}
	return best;
}

/* Loading */

struct loader {
	struct config *config;
	char *err;
	size_t err_size;
};

static int apply(struct loader *l, const struct setting *s, parse_fn *parse, const char *name, const char *value)
{
	const char *wrong = parse(value, (char *)l->config + s->offset);

	if (!wrong)
		return 0;
	(void)snprintf(l->err, l->err_size, "%s=\"%s\": %s; it is: %s", name, value, wrong, s->help);
	return -EINVAL;
}

static const char *env_get(char *const *envp, const char *name)
{
	size_t n = strlen(name);

	for (; *envp; envp++)
		if (strncmp(*envp, name, n) == 0 && (*envp)[n] == '=' && (*envp)[n + 1])
			return *envp + n + 1;
	return NULL;
}

static int load_env(struct loader *l, const struct setting *s, char *const *envp)
{
	char name[64];
	const char *value;

	env_name(s, name, sizeof(name));
	value = env_get(envp, name);
	if (value)
		return apply(l, s, s->parse, name, value);
	for (size_t i = 0; i < ARRAY_LEN(s->aliases) && s->aliases[i].env; i++) {
		const struct alias *a = &s->aliases[i];

		value = env_get(envp, a->env);
		if (value)
			return apply(l, s, a->parse ? a->parse : s->parse, a->env, value);
	}
	return 0;
}

static bool is_known_env(const char *entry, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(internal_names); i++)
		if (strlen(internal_names[i]) == n && memcmp(entry, internal_names[i], n) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		char name[64];

		env_name(&settings[i], name, sizeof(name));
		if (strlen(name) == n && memcmp(entry, name, n) == 0)
			return true;
	}
	return false;
}

static int refuse_unknown_env(struct loader *l, char *const *envp)
{
	for (; *envp; envp++) {
		const char *eq = strchr(*envp, '=');
		size_t n = eq ? (size_t)(eq - *envp) : strlen(*envp);
		char name[64], suggestion[64];

		if (strncmp(*envp, "SIOINIT_", PREFIX_LEN) != 0 || is_known_env(*envp, n))
			continue;
		(void)snprintf(name, sizeof(name), "%.*s", (int)n, *envp);
		env_name(nearest(name, true), suggestion, sizeof(suggestion));
		(void)snprintf(l->err, l->err_size, "%s is no setting; did you mean %s?", name, suggestion);
		return -EINVAL;
	}
	return 0;
}

static int load_defaults(struct loader *l, char *const *envp)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(settings) && r == 0; i++)
		r = apply(l, &settings[i], settings[i].parse, settings[i].name, settings[i].dflt);
	if (env_get(envp, "KUBERNETES_SERVICE_HOST"))
		l->config->shutdown_delay_ms = 5000;
	for (size_t i = 0; i < ARRAY_LEN(settings) && r == 0; i++)
		r = load_env(l, &settings[i], envp);
	return r == 0 ? refuse_unknown_env(l, envp) : r;
}

/* One flag at argv[*i]; moves *i over its value. */
static int load_flag(struct loader *l, char *const *argv, int argc, int *i)
{
	const char *flag = argv[*i] + 2, *eq = strchr(flag, '=');
	size_t n = eq ? (size_t)(eq - flag) : strlen(flag);
	const struct setting *s = find_flag(flag, n);
	char name[66];

	(void)snprintf(name, sizeof(name), "--%.*s", (int)(n < 63 ? n : 63), flag);
	if (!s) {
		(void)snprintf(l->err, l->err_size, "%s is no option; did you mean --%s?", name,
			       nearest(name + 2, false)->name);
		return -EINVAL;
	}
	if (!eq && *i + 1 >= argc) {
		(void)snprintf(l->err, l->err_size, "%s wants a value: %s", name, s->help);
		return -EINVAL;
	}
	return apply(l, s, s->parse, name, eq ? eq + 1 : argv[++*i]);
}

static const struct {
	const char *word;
	enum config_action action;
} options[] = {
	{ "--help", CONFIG_HELP }, { "-h", CONFIG_HELP }, { "--version", CONFIG_VERSION }, { "-V", CONFIG_VERSION },
};

static bool is_action(const char *word, enum config_action *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (strcmp(word, options[i].word) == 0) {
			*ret = options[i].action;
			return true;
		}
	return false;
}

/* Options up to the command. Returns where the command starts, or -EINVAL. */
static int load_flags(struct loader *l, int argc, char *const *argv, enum config_action *ret_action)
{
	int i = 1, r;

	*ret_action = CONFIG_RUN;
	if (i < argc && strcmp(argv[i], "check") == 0) {
		*ret_action = CONFIG_CHECK;
		i++;
	}
	for (; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "--") == 0)
			return i + 1;
		if (is_action(argv[i], ret_action))
			return argc;
		if (strncmp(argv[i], "--", 2) != 0) {
			(void)snprintf(l->err, l->err_size, "%s is no option; see sioinit --help", argv[i]);
			return -EINVAL;
		}
		r = load_flag(l, argv, argc, &i);
		if (r < 0)
			return r;
	}
	return i;
}

int config_load(int argc, char *const *argv, char *const *envp, struct config *ret,
		enum config_action *ret_action, char *err, size_t err_size)
{
	struct config c = { 0 };
	struct loader l = { &c, err, err_size };
	int r = load_defaults(&l, envp), command;

	/* --help must work however the environment looks */
	command = r == 0 || argc > 1 ? load_flags(&l, argc, argv, ret_action) : r;
	if (command >= 0 && (*ret_action == CONFIG_HELP || *ret_action == CONFIG_VERSION))
		return 0;
	if (r == 0 && command < 0)
		r = command;
	if (r < 0)
		return r;
	c.command = command < argc ? argv + command : NULL;
	c.command_len = command < argc ? (size_t)(argc - command) : 0;
	*ret = c;
	return 0;
}

/* Showing */

void config_help(FILE *out)
{
	(void)fputs("usage: sioinit [options] [--] COMMAND [ARGUMENT ...]\n"
		    "       sioinit [options] FILE.js [ARGUMENT ...]     (node, or python3 for .py)\n"
		    "       sioinit check [options] [COMMAND ...]        validate and print the settings\n"
		    "\n"
		    "Every option is an environment variable, too: --stop-timeout is SIOINIT_STOP_TIMEOUT.\n\n"
		    "options:\n",
		    out);
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		const struct setting *s = &settings[i];

		(void)fprintf(out, "  --%s %s\n        %s", s->name, s->value, s->help);
		if (s->dflt[0])
			(void)fprintf(out, " [%s]", s->dflt);
		for (size_t a = 0; a < ARRAY_LEN(s->aliases) && s->aliases[a].env; a++)
			(void)fprintf(out, "%s%s%s", a ? ", " : " (also ", s->aliases[a].env,
				      a + 1 == ARRAY_LEN(s->aliases) || !s->aliases[a + 1].env ? ")" : "");
		(void)fputc('\n', out);
	}
	(void)fputs("  --help, --version\n", out);
}

void config_print(const struct config *c, FILE *out)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		char name[64];

		env_name(&settings[i], name, sizeof(name));
		(void)fprintf(out, "%s=", name);
		settings[i].print((const char *)c + settings[i].offset, out);
		(void)fputc('\n', out);
	}
}

void config_print_mdoc(FILE *out)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		const struct setting *s = &settings[i];
		char name[64];

		env_name(s, name, sizeof(name));
		(void)fprintf(out, ".It Fl -%s Ar %s , Ev %s\n%s.\n", s->name, s->value, name, s->help);
		if (s->dflt[0])
			(void)fprintf(out, "Default: %s.\n", s->dflt);
	}
}
