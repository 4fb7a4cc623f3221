/* Settings. The table below is all of them: parser, default, help, `sioinit check` and the man page
 * come from it; adding a setting is adding a row and a field. Happy path: defaults, the
 * environment, flags and the file they name; each value stays unless one of a later source comes.
 * Anything wrong ends loading with one line for
 * the user: loading never prints and never exits. */
#include "init/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/file.h"
#include "base/macros.h"
#include "init/config_file.h"
#include "init/config_values.h"

#include "base/ban.h"

enum {
	NAME_MAX_BYTES = 64,
	PREFIX_LEN = sizeof("SIOINIT_") - 1,
	HELP_WIDTH = 78,
	FILE_MAX = 65536
};

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
	ROW("config", "FILE", "", text, text, config_file,
	    "settings file: lines NAME=value, where NAME is an option without its dashes or the "
	    "variable, and # comments; environment and options come first"),
	ROW("ecosystem", "FILE", "", text, text, ecosystem,
	    "pm2's ecosystem file (.js, .cjs, .mjs, .json, .yaml) to run the app of; all other "
	    "settings come first"),
	ROW("ecosystem-app", "NAME", "", text, text, ecosystem_app,
	    "which app of the ecosystem file, when it has several"),
	ROW("app", "FILE", "", text, text, app, "script to run when no command is given"),
	ROW("workers", "N", "max", workers, workers, workers,
	    "how many workers: max or auto (one per CPU the container may use), N, -N (CPUs less "
	    "N) or N%",
	    { "WEB_CONCURRENCY", NULL, NULL }),
	ROW("port", "PORT", "8080", port, port, port, "public port, told to the workers as PORT",
	    { "PORT", NULL, NULL }, { "PM2_PORT", NULL, NULL }),
	ROW("routers", "N", "1", routers, routers, routers,
	    "processes that accept clients: N (up to 16), or auto (one for every 8 workers)"),
	ROW("listen", "LIST", "", addresses, addresses, listen,
	    "more places to serve at: IP:PORT, [IP]:PORT, PORT or the /path of a unix socket"),
	ROW("backlog", "N", "511", count, count, backlog,
	    "connections that may wait to be accepted, at each of them"),
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
	ROW("wait-ready", "SWITCH", "off", switch, switch, wait_ready,
	    "on: a worker is ready when it says process.send('ready'), and not before"),
	ROW("min-uptime", "SECONDS", "5", seconds, seconds, min_uptime_ms,
	    "a worker that ends sooner, or before it is ready, is restarted later each time"),
	ROW("restart-delay", "SECONDS", "0.1", seconds, seconds, restart_delay_ms,
	    "pause before a worker that ended is started again; doubles up to 15 with every one "
	    "that ends before min-uptime"),
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
	ROW("rebalance", "SWITCH", "off", switch, switch, rebalance,
	    "after a scale-up, close what workers hold above their share of the sockets, over "
	    "drain-time: the clients come back to the new ones"),
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
	ROW("max-sessions", "N", "0", limit, count, max_sessions,
	    "a worker that has had that many sessions (give or take 10 %) is replaced without a "
	    "gap; 0 = off"),
	ROW("max-age", "SECONDS", "0", seconds, seconds, max_age_ms,
	    "a worker that old (give or take 10 %) is replaced without a gap; 0 = off"),
	ROW("heap", "MEGABYTES", "off", heap, heap, heap_mb,
	    "Node's --max-old-space-size for each worker, unless NODE_OPTIONS has one: a number, "
	    "off, or auto (75 % of the container's memory limit, shared out)"),
	ROW("memory-pressure", "PERCENT", "95", percent, count, memory_pressure,
	    "when the container uses more of its memory limit, its largest worker is replaced, one "
	    "a minute; 0 = off"),
	ROW("header-timeout", "SECONDS", "10", seconds, seconds, header_timeout_ms,
	    "how long a client may take to send a request head"),
	ROW("keepalive-timeout", "SECONDS", "75", seconds, seconds, keepalive_timeout_ms,
	    "how long an idle client connection is kept"),
	ROW("body-timeout", "SECONDS", "60", seconds, seconds, body_timeout_ms,
	    "longest pause between two pieces of a request body"),
	ROW("max-connections", "N", "10000", count, count, max_connections,
	    "clients at the router at a time; more get 503"),
	ROW("session-table", "N", "262144", count, count, session_table,
	    "sessions remembered; the least recently used go first"),
	ROW("max-head-bytes", "N", "16384", count, count, max_head_bytes,
	    "largest request head; more gets 431"),
	ROW("max-connections-per-address", "N", "0", limit, count, max_connections_per_address,
	    "connections of one client address (one IPv6 /64) at one router at a time, behind "
	    "trusted proxies its requests; more get 429; WebSockets handed over do not count; 0 = "
	    "no limit"),
	ROW("handshake-rate", "N", "0", limit, count, handshake_rate,
	    "new sessions per second; more get 503; 0 = no limit"),
	ROW("handshake-burst", "N", "0", limit, count, handshake_burst,
	    "new sessions at once before handshake-rate counts; 0 = as many as in a second"),
	ROW("trusted-proxies", "LIST", "", networks, networks, trusted_proxies,
	    "addresses and networks, such as 10.0.0.0/8,fd00::/8 (unix: local sockets), whose "
	    "X-Forwarded-* and Forwarded fields are believed and added to; those of others are "
	    "replaced"),
	ROW("proxy-protocol", "SWITCH", "off", switch, switch, proxy_protocol,
	    "on: every connection to the public port begins with a PROXY header (version 1 or 2) "
	    "that names the client; others are closed"),
	ROW("request-id", "FIELD", "", field_name, text, request_id,
	    "field, such as X-Request-ID, that names each proxied request: a client's own is kept, "
	    "a missing one made"),
	ROW("access-log", "FORMAT", "off", access_format, access_format, access_log,
	    "a line for every request: off, common (Apache's), logfmt or json"),
	ROW("access-log-file", "PATH", "/dev/stdout", text, text, access_log_file,
	    "where the access log goes: a file, /dev/stdout, /dev/stderr or /dev/fd/N"),
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
	ROW("upstream", "KIND", "tcp", upstream, upstream, upstream,
	    "what proxied requests reach node:cluster workers by: tcp (loopback), or unix: "
	    "cheaper, "
	    "but the app then sees no peer address (socket.remoteAddress is undefined)"),
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
	ROW("pre-start", "COMMAND", "", text, text, pre_start,
	    "what /bin/sh runs once before the workers, such as a database migration; if it fails, "
	    "sioinit ends with its exit code"),
	ROW("user", "NAME", "", text, text, user,
	    "whom workers and router run as, name or number, when sioinit is root"),
	ROW("group", "NAME", "", text, text, group,
	    "and their group; without it the user's own, and all that the user is in"),
	ROW("no-new-privs", "SWITCH", "off", switch, switch, no_new_privs,
	    "1: workers gain no rights by running set-user-ID programs"),
	ROW("watch", "PATH,...", "", text, text, watch,
	    "for development: folders in which a change replaces the workers (node_modules and "
	    "names that start with a dot are left out)"),
	ROW("log-level", "LEVEL", "info", level, level, log_level,
	    "least severe lines to log: error, warn, info or debug"),
	ROW("log-format", "FORMAT", "logfmt", log_format, log_format, log_format,
	    "sioinit's own lines on stderr: logfmt or json"),
	ROW("worker-logs", "FORMAT", "raw", worker_logs, worker_logs, worker_logs,
	    "the workers' stdout and stderr: raw (untouched), prefix (the slot before each line) "
	    "or json (each line an object)"),
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

typedef void spell_fn(const struct setting *s, char dst[static NAME_MAX_BYTES]);

static void flag_name(const struct setting *s, char dst[static NAME_MAX_BYTES])
{
	(void)snprintf(dst, NAME_MAX_BYTES, "--%s", s->name);
}

static void bare_name(const struct setting *s, char dst[static NAME_MAX_BYTES])
{
	(void)snprintf(dst, NAME_MAX_BYTES, "%s", s->name);
}

/* The name of the setting that @name was perhaps meant to be, as @spell writes it. */
static void suggest(const char *name, spell_fn *spell, char ret[static NAME_MAX_BYTES])
{
	unsigned least = 2 * NAME_MAX_BYTES;

	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		char candidate[NAME_MAX_BYTES];
		unsigned d;

		spell(&settings[i], candidate);
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

/* NULL, or what is wrong with @value, which is checked even where a later source has one. An empty
 * value is none. */
static const char *apply(struct config *c, const struct setting *s, config_parse_fn *parse,
			 struct config_origin from, const char *value)
{
	struct config_origin *known = &c->from[s - settings];
	struct config unused;
	bool wins = from.source >= known->source;
	const char *wrong;

	if (!*value)
		return NULL;
	wrong = parse(value, (char *)(wins ? c : &unused) + s->offset);
	if (!wrong && wins)
		*known = from;
	return wrong;
}

/* @from is the entry of environment or argv, "NAME=value" or the name alone. */
static int apply_entry(const struct loader *l, const struct setting *s, config_parse_fn *parse,
		       enum config_source source, const char *from, const char *value)
{
	struct config_origin origin = { source, { from, strcspn(from, "=") } };
	const char *wrong = apply(l->config, s, parse, origin, value);

	if (wrong)
		return fail(l, "%.*s=\"%s\": %s", (int)origin.name.n, from, value, wrong);
	return 0;
}

static int load_defaults(const struct loader *l)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(settings) && r == 0; i++)
		r = apply_entry(l, &settings[i], settings[i].parse, CONFIG_FROM_DEFAULT, "default",
				settings[i].dflt);
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
		return apply_entry(l, s, s->parse, CONFIG_FROM_ENV, entry, strchr(entry, '=') + 1);
	for (size_t i = 0; i < ARRAY_LEN(s->aliases) && s->aliases[i].env; i++) {
		const struct alias *a = &s->aliases[i];

		entry = env_find(envp, a->env);
		if (entry)
			return apply_entry(l, s, a->parse ? a->parse : s->parse, CONFIG_FROM_ENV,
					   entry, strchr(entry, '=') + 1);
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
		suggest(name, env_name, meant);
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

		r = apply_entry(l, s, s->parse, CONFIG_FROM_DEFAULT, "KUBERNETES_SERVICE_HOST",
				kubernetes_defaults[i].value);
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
		suggest(name, flag_name, meant);
		return fail(l, "%s is no option; did you mean %s?", name, meant);
	}
	if (!eq && *i + 1 >= argc)
		return fail(l, "%s wants a value: %s", flag, s->help);
	return apply_entry(l, s, s->parse, CONFIG_FROM_FLAG, flag, eq ? eq + 1 : argv[++*i]);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const struct subcommand {
	const char *word;
	enum config_action action;
	const char *synopsis, *help;
	const char *const *words; /* as in struct config_subcommand */
} subcommands[] = {
	{ "check", CONFIG_CHECK, "[options] [COMMAND ...]", "validate and print the settings",
	  NULL },
	{ "health", CONFIG_HEALTH, "[options] [--ready]", "ask the one that runs here; exit 0 or 1",
	  WORDS("--ready") },
	{ "status", CONFIG_CLI, "[--json] [--watch]", "its workers and what they do",
	  WORDS("--json", "--watch") },
	{ "reload", CONFIG_CLI, "", "replace every worker without a gap", NULL },
	{ "scale", CONFIG_CLI, "N", "run N workers", NULL },
	{ "restart", CONFIG_CLI, "SLOT", "replace one worker without a gap", NULL },
	{ "signal", CONFIG_CLI, "SLOT SIGNAL", "send a signal to one worker", NULL },
	{ "drain", CONFIG_CLI, "[off]", "/readyz says 503, serving goes on", WORDS("off") },
	{ "rebalance", CONFIG_CLI, "", "even out the workers' sockets", NULL },
	{ "logs", CONFIG_CLI, "--death", "how the last workers ended", WORDS("--death") },
	{ "migrate", CONFIG_MIGRATE, "FILE [APP]", "what pm2's ecosystem file is for sioinit",
	  NULL },
	{ "completion", CONFIG_COMPLETION, "SHELL", "for bash, zsh or fish, to be sourced",
	  WORDS("bash", "zsh", "fish") },
	{ "version", CONFIG_VERSION, "", "", NULL },
};

static const struct subcommand *find_subcommand(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(subcommands); i++)
		if (strcmp(word, subcommands[i].word) == 0)
			return &subcommands[i];
	return NULL;
}

/* What follows the word are options of ours, or a command. */
static bool takes_options(const struct subcommand *s)
{
	return s->action == CONFIG_CHECK || s->action == CONFIG_HEALTH ||
	       s->action == CONFIG_VERSION;
}

/* True: the word is ours and the next one may be an option. */
static bool take_subcommand(const char *word, enum config_action *action)
{
	const struct subcommand *s = *action == CONFIG_RUN ? find_subcommand(word) : NULL;
	bool ready = *action == CONFIG_HEALTH && strcmp(word, "--ready") == 0;

	if (s)
		*action = s->action;
	if (ready)
		*action = CONFIG_HEALTH_READY;
	return ready || (s && takes_options(s));
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

/* The settings file */

struct config_text {
	struct config_text *next;
	char bytes[];
};

/* A copy that lives as long as @c, or NULL. */
static const char *keep(struct config *c, struct str s)
{
	struct config_text *t = malloc(sizeof(*t) + s.n + 1);

	if (!t)
		return NULL;
	if (s.n)
		memcpy(t->bytes, s.p, s.n);
	t->bytes[s.n] = '\0';
	LL_PREPEND(c->texts, t);
	return t->bytes;
}

static const struct setting *find_env(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		char candidate[NAME_MAX_BYTES];

		env_name(&settings[i], candidate);
		if (strcmp(candidate, name) == 0)
			return &settings[i];
	}
	return NULL;
}

/* As a flag is written, whatever way it is written here. */
static char lower(char c)
{
	if (c == '_')
		return '-';
	return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* By either of its names; NULL: *ret_meant is the nearest. */
static const struct setting *find_named(const char *name, char ret_meant[static NAME_MAX_BYTES])
{
	bool env = strncmp(name, "SIOINIT_", PREFIX_LEN) == 0;
	const struct setting *s = env ? find_env(name) : find_flag(name, strlen(name));
	char written[NAME_MAX_BYTES];

	if (s)
		return s;
	(void)snprintf(written, sizeof(written), "%s", name);
	for (char *p = written; *p && !env; p++)
		*p = lower(*p);
	suggest(written, env ? env_name : bare_name, ret_meant);
	return NULL;
}

/* All three texts are copied by the caller. */
static int apply_named(const struct loader *l, const char *name, const char *value,
		       struct config_origin from)
{
	char meant[NAME_MAX_BYTES];
	const struct setting *s = find_named(name, meant);
	int place = (int)from.name.n;
	const char *wrong;

	if (!s)
		return fail(l, "%.*s: %s is no setting; did you mean %s?", place, from.name.p, name,
			    meant);
	if (s->offset == offsetof(struct config, config_file))
		return fail(l, "%.*s: %s: not here: it is for the environment or an option", place,
			    from.name.p, name);
	wrong = apply(l->config, s, s->parse, from, value);
	if (wrong)
		return fail(l, "%.*s: %s=\"%s\": %s", place, from.name.p, name, value, wrong);
	return 0;
}

static int load_line(const struct loader *l, const char *path, unsigned number,
		     const struct config_line *line)
{
	char place[512];
	struct config_origin from = { .source = CONFIG_FROM_FILE };
	const char *name = keep(l->config, line->name), *value = keep(l->config, line->value);

	(void)snprintf(place, sizeof(place), "%s:%u", path, number);
	from.name = str_of(keep(l->config, str_of(place)));
	if (!name || !value || !from.name.p)
		return fail(l, "%s: out of memory", path);
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
	return r == 0 ? 0 : fail(l, "%s:%u: %s", path, f.line, f.wrong);
}

static int load_file(const struct loader *l, const char *path)
{
	char *text;
	size_t n;
	int r = file_read(path, FILE_MAX, &text, &n);

	if (r < 0)
		return fail(l, "settings file %s (SIOINIT_CONFIG): %s", path, strerror(-r));
	r = load_lines(l, path, (struct str){ text, n });
	free(text);
	return r;
}

int config_set(struct config *c, const char *name, const char *value, enum config_source source,
	       const char *origin, char *err, size_t err_size)
{
	struct loader l = { c, err, err_size };
	struct config_origin from = { source, str_of(keep(c, str_of(origin))) };
	const char *kept = keep(c, str_of(value));

	if (!from.name.p || !kept)
		return -ENOMEM;
	return apply_named(&l, name, kept, from);
}

void config_free(struct config *c)
{
	struct config_text *t, *next;

	LL_FOREACH_SAFE(c->texts, t, next)
	free(t);
	c->texts = NULL;
}

/* Loading all */

static bool wants_settings(enum config_action a)
{
	return a != CONFIG_HELP && a != CONFIG_VERSION && a != CONFIG_COMPLETION;
}

/* help and version are there whatever the environment is like */
static int load_all(const struct loader *l, int argc, char *const *argv, char *const *envp,
		    enum config_action *action)
{
	char flag_err[512];
	struct loader flags = { l->config, flag_err, sizeof(flag_err) };
	struct config *c = l->config;
	int r = load_environment(l, envp), command = load_flags(&flags, argc, argv, action);

	if (r < 0 && wants_settings(*action))
		return r;
	if (command < 0)
		return fail(l, "%s", flag_err);
	if (command < argc) {
		c->command = argv + command;
		c->command_len = (size_t)(argc - command);
	}
	return c->config_file && wants_settings(*action) ? load_file(l, c->config_file) : 0;
}

int config_load(int argc, char *const *argv, char *const *envp, struct config *ret,
		enum config_action *ret_action, char *err, size_t err_size)
{
	struct config c = { 0 };
	struct loader l = { &c, err, err_size };
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

/* Showing */

static const char usage[] =
    "usage: sioinit [options] [--] COMMAND [ARGUMENT ...]\n"
    "       sioinit [options] FILE [ARGUMENT ...]   .js .mjs .cjs .ts: node, .py: python3\n";

static void usage_row(const struct subcommand *s, FILE *out)
{
	char call[64];

	(void)snprintf(call, sizeof(call), "%s%s%s", s->word, s->synopsis[0] ? " " : "",
		       s->synopsis);
	(void)fprintf(out, s->help[0] ? "       sioinit %-31s %s\n" : "       sioinit %s\n", call,
		      s->help);
}

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
	for (size_t i = 0; i < ARRAY_LEN(subcommands); i++)
		usage_row(&subcommands[i], out);
	(void)fputs("\nEvery option is an environment variable, too: --stop-timeout is "
		    "SIOINIT_STOP_TIMEOUT.\n\noptions:\n",
		    out);
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		help_row(&settings[i], out);
	(void)fputs("  --help, --version\n", out);
}

void config_print(const struct config *c, FILE *out)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		struct str from = c->from[i].name.n ? c->from[i].name : STR("not set");
		char name[NAME_MAX_BYTES];

		env_name(&settings[i], name);
		(void)fprintf(out, "%s=", name);
		settings[i].print((const char *)c + settings[i].offset, out);
		(void)fprintf(out, " (%.*s)\n", (int)from.n, from.p);
	}
}

/* One entry, unless its value is empty: that is the same as none. */
static void put_environment(const struct setting *s, const struct config *c, FILE *out)
{
	char name[NAME_MAX_BYTES];
	long begin = ftell(out), value;

	env_name(s, name);
	(void)fprintf(out, "%s=", name);
	value = ftell(out);
	s->print((const char *)c + s->offset, out);
	if (ftell(out) == value)
		(void)fseek(out, begin, SEEK_SET);
	else
		(void)fputc('\0', out);
}

char *config_environment(const struct config *c, enum config_source least)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	for (size_t i = 0; i < ARRAY_LEN(settings) && out; i++)
		if (c->from[i].source >= least &&
		    settings[i].offset != offsetof(struct config, config_file))
			put_environment(&settings[i], c, out);
	if (out && (fputc('\0', out) == EOF || fclose(out) == EOF)) {
		free(text);
		return NULL;
	}
	return text;
}

bool config_option(size_t i, struct config_option *ret)
{
	if (i >= ARRAY_LEN(settings))
		return false;
	*ret = (struct config_option){ settings[i].name, settings[i].value, settings[i].help,
				       config_words(settings[i].parse) };
	return true;
}

bool config_subcommand(size_t i, struct config_subcommand *ret)
{
	if (i >= ARRAY_LEN(subcommands))
		return false;
	*ret = (struct config_subcommand){ subcommands[i].word, subcommands[i].help,
					   subcommands[i].words, takes_options(&subcommands[i]) };
	return true;
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
