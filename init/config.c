/* Settings. The table below is all of them: parser, default, help, `sioinit check` and the man page
 * come from it; adding a setting is adding a row and a field. Happy path: defaults, then the
 * environment, then flags, each over the one before. Anything wrong ends loading with one line for
 * the user: loading never prints and never exits. */
#include "init/config.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/macros.h"
#include "init/config_values.h"

#include "base/ban.h"

enum { NAME_MAX_BYTES = 64, PREFIX_LEN = sizeof("SIOINIT_") - 1, HELP_WIDTH = 78 };

struct alias {
	const char *env;
	config_parse_fn *parse; /* where its unit differs */
	const char *unit;       /* ditto, as the help says it */
};

static const struct setting {
	const char *name;  /* flag; SIOINIT_ and upper case in the environment */
	const char *value; /* what --help shows as the value: type and unit */
	const char *dflt;  /* "" = none */
	config_parse_fn *parse;
	config_print_fn *print;
	size_t offset;
	const char *help;
	struct alias aliases[3];
} settings[] = {
/* clang-format off */
#define ROW(name_, value_, dflt_, read, show, field, help_, ...)                                   \
	{ name_, value_, dflt_, config_parse_##read, config_print_##show,                          \
	  offsetof(struct config, field), help_, { __VA_ARGS__ } }
	/* clang-format on */
	ROW("app", "FILE", "", text, text, app, "script to run when no command is given"),
	ROW("workers", "N", "max", workers, workers, workers,
	    "how many workers: max or auto (one per CPU the container may use), N, -N (CPUs less "
	    "N) or N%",
	    { "WEB_CONCURRENCY", NULL, NULL }),
	ROW("port", "PORT", "8080", port, port, port, "public port, told to the workers as PORT",
	    { "PORT", NULL, NULL }, { "PM2_PORT", NULL, NULL }),
	ROW("admin", "ADDRESS", "127.0.0.1:9090", address, address, admin,
	    "where /livez, /readyz, /metrics and /status answer: IP:PORT, PORT, /path of a unix "
	    "socket, or off"),
	ROW("admin-socket", "PATH", "auto", admin_socket, text, admin_socket,
	    "for sioinit status, reload and the like: /path of a unix socket, off, or auto (an "
	    "abstract name, private to the container)"),
	ROW("serialization", "MODE", "auto", serialization, serialization, serialization,
	    "on the workers' IPC channels: auto, advanced (keeps binary) or json"),
	ROW("restart", "WHEN", "always", restart, restart, restart,
	    "always, or never: the end of a worker is the end of sioinit, with its exit code"),
	ROW("ready-timeout", "SECONDS", "30", seconds, seconds, ready_timeout_ms,
	    "a worker that is not ready by then is replaced; 0 = wait for ever"),
	ROW("min-uptime", "SECONDS", "5", seconds, seconds, min_uptime_ms,
	    "a worker that ends sooner is restarted later each time"),
	ROW("max-restarts", "N", "0", limit, count, max_restarts,
	    "ends before min-uptime in a row after which sioinit ends with the worker's exit code; "
	    "0 = none, but the first workers have five"),
	ROW("stop-exit-codes", "LIST", "", codes, codes, stop_exit_codes,
	    "exit codes, such as 0,78, of a worker that is done and is not restarted"),
	ROW("shutdown-delay", "SECONDS", "0", seconds, seconds, shutdown_delay_ms,
	    "keep serving that long after SIGTERM while /readyz is 503 already (5 in Kubernetes)"),
	ROW("drain-time", "SECONDS", "5", seconds, seconds, drain_time_ms,
	    "close the sockets of a worker that is to stop evenly over this time (10 in "
	    "Kubernetes); part of stop-timeout"),
	ROW("stop-timeout", "SECONDS", "25", seconds, seconds, stop_timeout_ms,
	    "time from the begin of a worker's stop to SIGKILL (20 in Kubernetes)",
	    { "PM2_KILL_TIMEOUT", config_parse_milliseconds, "milliseconds" }),
	ROW("stop-signal", "SIGNAL", "TERM", signal, signal, stop_signal,
	    "what tells a worker to stop"),
	ROW("signal-map", "LIST", "", signal_map, signal_map, signal_map,
	    "take one signal for another, or for none: HUP=TERM,USR2=none"),
	ROW("ping-interval", "SECONDS", "1", seconds, seconds, ping_interval_ms,
	    "how often workers are looked after: event-loop lag, memory, age, CPU limit; 0 = "
	    "never"),
	ROW("lag-warn", "SECONDS", "1", seconds, seconds, lag_warn_ms,
	    "a worker whose event loop takes longer to answer gets no new sessions; 0 = off"),
	ROW("hang-timeout", "SECONDS", "30", seconds, seconds, hang_timeout_ms,
	    "a worker whose event loop has not answered for that long is killed; 0 = off"),
	ROW("hang-signal", "SIGNAL", "none", signal, signal, hang_signal,
	    "sent to a hanging worker one ping-interval before it is killed, for a diagnosis"),
	ROW("max-memory", "BYTES", "0", bytes, bytes, max_memory,
	    "a worker with more resident memory is replaced without a gap (such as 512M); 0 = off"),
	ROW("max-age", "SECONDS", "0", seconds, seconds, max_age_ms,
	    "a worker that old (give or take 10 %) is replaced without a gap; 0 = off"),
	ROW("header-timeout", "SECONDS", "10", seconds, seconds, header_timeout_ms,
	    "how long a client may take to send a request head"),
	ROW("keepalive-timeout", "SECONDS", "75", seconds, seconds, keepalive_timeout_ms,
	    "how long an idle client connection is kept"),
	ROW("body-timeout", "SECONDS", "60", seconds, seconds, body_timeout_ms,
	    "longest pause between two pieces of a request body"),
	ROW("max-connections", "N", "10000", count, count, max_connections,
	    "clients at the router at a time; more get 503"),
	ROW("max-sessions", "N", "262144", count, count, max_sessions,
	    "sessions remembered; the least recently used go first"),
	ROW("max-head-bytes", "N", "16384", count, count, max_head_bytes,
	    "largest request head; more gets 431"),
	ROW("probe-path", "PATH", "/socket.io/", path, text, probe_path,
	    "what is requested to see whether an app of @socket.io/sticky answers"),
	ROW("dispatch", "HOW", "auto", dispatch, dispatch, dispatch,
	    "how requests reach a worker: listen (the app calls listen() under node:cluster), "
	    "sticky "
	    "(setupWorker()), port or unix (it listens by itself where PORT or SIOINIT_SOCKET "
	    "says), "
	    "or auto: by what it does"),
	ROW("worker-port", "PORT", "", port, port, worker_port,
	    "first of the workers' own ports, one per slot (the one after the public port); those "
	    "in "
	    "use are left out"),
	ROW("worker-health-path", "PATH", "", path, text, worker_health_path,
	    "a worker with a port or socket of its own is ready when this answers 2xx, instead of "
	    "when it accepts"),
	ROW("balance", "METHOD", "least-sessions", balance, balance, balance,
	    "who gets a new session: least-sessions (with requests in flight and open sockets), "
	    "least-lag (of the event loop), two-choices (the less loaded of two random workers), "
	    "round-robin or random"),
	ROW("sticky", "BY", "sid", sticky, sticky, sticky,
	    "what tells where a client without a known session belongs: sid (nothing: see "
	    "balance), "
	    "cookie (set by sioinit), address, header:NAME, hash:NAME (of the query), or none: "
	    "sessions do not count either"),
	ROW("sticky-cookie", "NAME", "sioinit", token, text, sticky_cookie,
	    "name of the cookie of sticky=cookie"),
	ROW("sid-param", "NAME", "sid", token, text, sid_param,
	    "parameter of the query that names the session"),
	ROW("slow-start", "SECONDS", "0", seconds, seconds, slow_start_ms,
	    "over this time a new worker's share grows from nothing to that of the others"),
	ROW("log-level", "LEVEL", "info", level, level, log_level,
	    "least severe lines to log: error, warn, info or debug"),
#undef ROW
};

_Static_assert(ARRAY_LEN(settings) <= CONFIG_SETTINGS_MAX, "struct config remembers every origin");

/* Set by ourselves for our own processes and for workers. */
static const char *const internal_names[] = { "SIOINIT_SLOT", "SIOINIT_ROLE", "SIOINIT_CONTROL_FD",
					      "SIOINIT_SOCKET" };

/* Names */

static bool is_name(const char *candidate, const char *name, size_t n)
{
	return strlen(candidate) == n && memcmp(candidate, name, n) == 0;
}

/* A letter as it stands in a variable's name. */
static char upper(char c)
{
	if (c == '-')
		return '_';
	if (c >= 'a' && c <= 'z')
		return (char)(c - 'a' + 'A');
	return c;
}

static void env_name(const struct setting *s, char dst[static NAME_MAX_BYTES])
{
	size_t n = (size_t)snprintf(dst, NAME_MAX_BYTES, "SIOINIT_%s", s->name);

	for (size_t i = PREFIX_LEN; i < n; i++)
		dst[i] = upper(dst[i]);
}

static const struct setting *find_flag(const char *name, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		if (is_name(settings[i].name, name, n))
			return &settings[i];
	return NULL;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Levenshtein's distance between texts shorter than NAME_MAX_BYTES. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[NAME_MAX_BYTES];
	size_t len = strlen(b);

	for (unsigned j = 0; j <= len; j++)
		row[j] = j;
	for (; *a; a++) {
		unsigned diagonal = row[0]++;

		for (size_t j = 1; j <= len; j++) {
			unsigned replaced = diagonal + (*a != b[j - 1]);

			diagonal = row[j];
			row[j] = min3(row[j] + 1, row[j - 1] + 1, replaced);
		}
	}
	return row[len];
}

/* The name of the setting that @name was perhaps meant to be. */
static void suggest(const char *name, bool env, char ret[static NAME_MAX_BYTES])
{
	unsigned least = NAME_MAX_BYTES;

	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		char candidate[NAME_MAX_BYTES];
		unsigned d;

		if (env)
			env_name(&settings[i], candidate);
		else
			(void)snprintf(candidate, sizeof(candidate), "--%s", settings[i].name);
		d = distance(name, candidate);
		if (d < least) {
			least = d;
			memcpy(ret, candidate, sizeof(candidate));
		}
	}
}

/* Loading */

struct loader {
	struct config *config;
	char *err;
	size_t err_size;
};

static int fail(const struct loader *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int fail(const struct loader *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(l->err, l->err_size, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* @from names the place where @value was found, for the user. An empty value is none. */
static int apply(const struct loader *l, const struct setting *s, config_parse_fn *parse,
		 const char *from, const char *value)
{
	const char *wrong = *value ? parse(value, (char *)l->config + s->offset) : NULL;

	if (wrong)
		return fail(l, "%.*s=\"%s\": %s", (int)strcspn(from, "="), from, value, wrong);
	if (*value)
		l->config->from[s - settings] = from;
	return 0;
}

static int load_defaults(const struct loader *l)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		int r = apply(l, &settings[i], settings[i].parse, "default", settings[i].dflt);

		if (r < 0)
			return r;
	}
	return 0;
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
 * SIOINIT_SERVICE_HOST, SIOINIT_PORT=tcp://10.0.0.1:80, SIOINIT_PORT_80_TCP_ADDR and more. None of
 * them is meant for us. */
static bool is_service_link(const char *entry)
{
	static const char *const marks[] = { "_SERVICE_HOST", "_SERVICE_PORT", "_PORT_" };
	size_t n = strcspn(entry, "=");
	char name[NAME_MAX_BYTES * 2];

	(void)snprintf(name, sizeof(name), "%.*s", (int)n, entry);
	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (strstr(name, marks[i]))
			return true;
	return n >= 5 && memcmp(entry + n - 5, "_PORT", 5) == 0 && strstr(entry + n, "://");
}

static int load_env(const struct loader *l, const struct setting *s, char *const *envp)
{
	char name[NAME_MAX_BYTES];
	const char *entry;

	env_name(s, name);
	entry = env_find(envp, name);
	if (entry && !is_service_link(entry))
		return apply(l, s, s->parse, entry, strchr(entry, '=') + 1);
	for (size_t i = 0; i < ARRAY_LEN(s->aliases) && s->aliases[i].env; i++) {
		const struct alias *a = &s->aliases[i];

		entry = env_find(envp, a->env);
		if (entry)
			return apply(l, s, a->parse ? a->parse : s->parse, entry,
				     strchr(entry, '=') + 1);
	}
	return 0;
}

static bool is_known_env(const char *entry, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(internal_names); i++)
		if (is_name(internal_names[i], entry, n))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		char name[NAME_MAX_BYTES];

		env_name(&settings[i], name);
		if (is_name(name, entry, n))
			return true;
	}
	return is_service_link(entry);
}

static int refuse_unknown_env(const struct loader *l, char *const *envp)
{
	for (; *envp; envp++) {
		size_t n = strcspn(*envp, "=");
		char name[NAME_MAX_BYTES], meant[NAME_MAX_BYTES];

		if (strncmp(*envp, "SIOINIT_", PREFIX_LEN) != 0 || is_known_env(*envp, n))
			continue;
		(void)snprintf(name, sizeof(name), "%.*s", (int)n, *envp);
		suggest(name, true, meant);
		return fail(l, "%s is no setting; did you mean %s?", name, meant);
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
		const struct setting *s = find_flag(name, strlen(name));

		r = apply(l, s, s->parse, "KUBERNETES_SERVICE_HOST", kubernetes_defaults[i].value);
	}
	return r;
}

static int load_environment(const struct loader *l, char *const *envp)
{
	int r = load_defaults(l);

	if (r == 0 && env_find(envp, "KUBERNETES_SERVICE_HOST"))
		r = load_kubernetes_defaults(l);
	for (size_t i = 0; i < ARRAY_LEN(settings) && r == 0; i++)
		r = load_env(l, &settings[i], envp);
	return r == 0 ? refuse_unknown_env(l, envp) : r;
}

/* The flag argv[*i]; moves *i to its value. */
static int load_flag(const struct loader *l, int argc, char *const *argv, int *i)
{
	const char *flag = argv[*i], *eq = strchr(flag, '=');
	size_t n = strcspn(flag, "=");
	const struct setting *s = find_flag(flag + 2, n - 2);
	char name[NAME_MAX_BYTES], meant[NAME_MAX_BYTES];

	if (!s) {
		(void)snprintf(name, sizeof(name), "%.*s", (int)n, flag);
		suggest(name, false, meant);
		return fail(l, "%s is no option; did you mean %s?", name, meant);
	}
	if (!eq && *i + 1 >= argc)
		return fail(l, "%s wants a value: %s", flag, s->help);
	return apply(l, s, s->parse, flag, eq ? eq + 1 : argv[++*i]);
}

static const struct {
	const char *word;
	enum config_action before, after;
} subcommands[] = {
	{ "check", CONFIG_RUN, CONFIG_CHECK },
	{ "version", CONFIG_RUN, CONFIG_VERSION },
	{ "health", CONFIG_RUN, CONFIG_HEALTH },
	{ "--ready", CONFIG_HEALTH, CONFIG_HEALTH_READY },
};

static bool take_subcommand(const char *word, enum config_action *action)
{
	for (size_t i = 0; i < ARRAY_LEN(subcommands); i++)
		if (*action == subcommands[i].before && strcmp(word, subcommands[i].word) == 0) {
			*action = subcommands[i].after;
			return true;
		}
	return false;
}

static bool is_cli(const char *word)
{
	static const char *const words[] = { "status",  "reload", "scale", "drain",
					     "restart", "signal", "logs" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

static bool is_either(const char *word, const char *long_option, const char *short_option)
{
	return strcmp(word, long_option) == 0 || strcmp(word, short_option) == 0;
}

/* Options up to the command. Returns where the command starts, or -EINVAL. */
static int load_flags(const struct loader *l, int argc, char *const *argv,
		      enum config_action *action)
{
	for (int i = 1; i < argc; i++) {
		int r;

		if (strcmp(argv[i], "--") == 0)
			return i + 1;
		if (take_subcommand(argv[i], action))
			continue;
		if (*action == CONFIG_RUN && is_cli(argv[i]))
			*action = CONFIG_CLI;
		if (argv[i][0] != '-')
			return i;
		if (is_either(argv[i], "--help", "-h") || is_either(argv[i], "--version", "-V")) {
			*action = is_either(argv[i], "--help", "-h") ? CONFIG_HELP : CONFIG_VERSION;
			return argc;
		}
		if (strncmp(argv[i], "--", 2) != 0)
			return fail(l, "%s is no option; see sioinit --help", argv[i]);
		r = load_flag(l, argc, argv, &i);
		if (r < 0)
			return r;
	}
	return argc;
}

int config_load(int argc, char *const *argv, char *const *envp, struct config *ret,
		enum config_action *ret_action, char *err, size_t err_size)
{
	struct config c = { 0 };
	char flag_err[256];
	struct loader env = { &c, err, err_size }, flags = { &c, flag_err, sizeof(flag_err) };
	enum config_action action = CONFIG_RUN;
	int r = load_environment(&env, envp), command = load_flags(&flags, argc, argv, &action);

	/* help and version are there whatever the environment is like */
	if (r < 0 && action != CONFIG_HELP && action != CONFIG_VERSION)
		return r;
	if (command < 0)
		return fail(&env, "%s", flag_err);
	if (command < argc) {
		c.command = argv + command;
		c.command_len = (size_t)(argc - command);
	}
	*ret = c;
	*ret_action = action;
	return 0;
}

/* Showing */

static const char usage[] =
    "usage: sioinit [options] [--] COMMAND [ARGUMENT ...]\n"
    "       sioinit [options] FILE [ARGUMENT ...]   .js .mjs .cjs .ts: node, .py: python3\n"
    "       sioinit check [options] [COMMAND ...]   validate and print the settings\n"
    "       sioinit health [options] [--ready]      ask the one that runs here; exit 0 or 1\n"
    "       sioinit status [--json] [--watch]       its workers and what they do\n"
    "       sioinit reload                          replace every worker without a gap\n"
    "       sioinit scale N                         run N workers\n"
    "       sioinit restart SLOT                    replace one worker without a gap\n"
    "       sioinit signal SLOT SIGNAL              send a signal to one worker\n"
    "       sioinit drain [off]                     /readyz says 503, serving goes on\n"
    "       sioinit logs --death                    how the last workers ended\n"
    "       sioinit version\n\n"
    "Every option is an environment variable, too: --stop-timeout is SIOINIT_STOP_TIMEOUT.\n\n"
    "options:\n";

/* Words of @text in lines of at most HELP_WIDTH, each after @indent. */
static void put_wrapped(FILE *out, const char *text, const char *indent)
{
	size_t column = 0;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (column > 0 && column + 1 + n > HELP_WIDTH) {
			(void)fputc('\n', out);
			column = 0;
		}
		(void)fprintf(out, "%s%.*s", column ? " " : indent, (int)n, text);
		column += n + (column ? 1 : strlen(indent));
		text += n + (text[n] == ' ');
	}
	(void)fputc('\n', out);
}

static void help_row(const struct setting *s, FILE *out)
{
	char text[512];
	size_t n = (size_t)snprintf(text, sizeof(text), "%s", s->help);

	if (s->dflt[0])
		n += (size_t)snprintf(text + n, sizeof(text) - n, " [%s]", s->dflt);
	for (size_t a = 0; a < ARRAY_LEN(s->aliases) && s->aliases[a].env; a++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s %s%s%s", a ? "," : "; also",
				      s->aliases[a].env, s->aliases[a].unit ? " in " : "",
				      s->aliases[a].unit ? s->aliases[a].unit : "");
	(void)fprintf(out, "  --%s %s\n", s->name, s->value);
	put_wrapped(out, text, "        ");
}

void config_help(FILE *out)
{
	(void)fputs(usage, out);
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		help_row(&settings[i], out);
	(void)fputs("  --help, --version\n", out);
}

void config_print(const struct config *c, FILE *out)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		const char *from = c->from[i] ? c->from[i] : "not set";
		char name[NAME_MAX_BYTES];

		env_name(&settings[i], name);
		(void)fprintf(out, "%s=", name);
		settings[i].print((const char *)c + settings[i].offset, out);
		(void)fprintf(out, " (%.*s)\n", (int)strcspn(from, "="), from);
	}
}

static void mdoc_row(const struct setting *s, FILE *out)
{
	char name[NAME_MAX_BYTES], text[512];

	env_name(s, name);
	(void)fprintf(out, ".It Fl -%s Ar %s , Ev %s\n", s->name, s->value, name);
	(void)snprintf(text, sizeof(text), "%s.", s->help);
	text[0] = upper(text[0]);
	put_wrapped(out, text, "");
	if (s->dflt[0])
		(void)fprintf(out, "Default: %s.\n", s->dflt);
}

static void mdoc_aliases(const struct setting *s, FILE *out)
{
	for (size_t a = 0; a < ARRAY_LEN(s->aliases) && s->aliases[a].env; a++) {
		(void)fprintf(out, "%s.Ev %s", a ? " ,\n" : "Also:\n", s->aliases[a].env);
		if (s->aliases[a].unit)
			(void)fprintf(out, "\n(in %s)", s->aliases[a].unit);
	}
	if (s->aliases[0].env)
		(void)fprintf(out, "%s.\n", s->aliases[0].unit ? "" : " ");
}

void config_print_mdoc(FILE *out)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		mdoc_row(&settings[i], out);
		mdoc_aliases(&settings[i], out);
	}
}
