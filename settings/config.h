/* Every setting, in one table (config_table.c): name, type, default, unit, help. The environment
 * (SIOINIT_NAME), the flags (--name), the settings file, --help, the man page, `sioinit check` and
 * the shells' completion come from it. Precedence: enum config_source. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/ip.h"
#include "base/str.h"
#include "settings/cron.h"
#include "settings/pm2_options.h"

enum config_workers_kind { WORKERS_AUTO, WORKERS_FIXED, WORKERS_LESS, WORKERS_PERCENT };
enum config_serialization { CONFIG_SERIAL_AUTO, CONFIG_SERIAL_ADVANCED, CONFIG_SERIAL_JSON };
enum config_restart { RESTART_ALWAYS, RESTART_NEVER, RESTART_ONCE };
enum config_dispatch {
	CONFIG_DISPATCH_AUTO,
	CONFIG_DISPATCH_LISTEN,
	CONFIG_DISPATCH_STICKY,
	CONFIG_DISPATCH_PORT,
	CONFIG_DISPATCH_UNIX
};

enum config_app_metrics { CONFIG_APP_METRICS_OFF, CONFIG_APP_METRICS_ON, CONFIG_APP_METRICS_AUTO };

enum config_sandbox { CONFIG_SANDBOX_AUTO, CONFIG_SANDBOX_OFF };

enum config_upstream {
	CONFIG_UPSTREAM_AUTO,
	CONFIG_UPSTREAM_NATIVE,
	CONFIG_UPSTREAM_TCP,
	CONFIG_UPSTREAM_UNIX,
};

enum config_balance {
	CONFIG_BALANCE_LEAST_SESSIONS,
	CONFIG_BALANCE_LEAST_LAG,
	CONFIG_BALANCE_TWO_CHOICES,
	CONFIG_BALANCE_ROUND_ROBIN,
	CONFIG_BALANCE_RANDOM
};

enum config_sticky_kind {
	CONFIG_STICKY_SID,
	CONFIG_STICKY_COOKIE,
	CONFIG_STICKY_ADDRESS,
	CONFIG_STICKY_HEADER,
	CONFIG_STICKY_HASH,
	CONFIG_STICKY_NONE,
};

struct config_sticky {
	enum config_sticky_kind kind;
	const char *name; /* of a header field or a parameter; borrowed */
};

enum config_traceparent {
	CONFIG_TRACEPARENT_OFF,
	CONFIG_TRACEPARENT_KEEP,
	CONFIG_TRACEPARENT_MAKE,
};

enum { COOKIE_ATTRIBUTES_SIZE = 256 };
enum { SIDECARS_MAX = 16, SIDECAR_NAME_SIZE = 32 };

struct config;

struct config_cookie {
	char attributes[COOKIE_ATTRIBUTES_SIZE]; /* as they are sent */
	bool secure_auto; /* ; Secure is added to them where the client came by TLS */
};

enum config_worker_logs { WORKER_LOGS_RAW, WORKER_LOGS_PREFIX, WORKER_LOGS_JSON, WORKER_LOGS_OFF };

/* Where a value comes from; the later of two wins. */
enum config_source {
	CONFIG_FROM_DEFAULT,
	CONFIG_FROM_ECOSYSTEM,
	CONFIG_FROM_FILE,
	CONFIG_FROM_ENV,
	CONFIG_FROM_FLAG,
};

struct config_origin {
	enum config_source source;
	struct str name; /* for the user; empty: not set */
};

/* A place to listen: an IP address and port, or a unix path. */
struct config_address {
	bool off;       /* `off` */
	char host[108]; /* "" = any; a path when it starts with '/' */
	uint16_t port;
};

struct config_workers {
	enum config_workers_kind kind;
	unsigned n; /* a count, CPUs to leave, or per cent of the CPUs */
};

struct config_codes {
	uint8_t code[16];
	unsigned n;
};

struct config_cron {
	const char *text; /* borrowed; NULL: none */
	struct cron cron;
};

struct config_start_limit {
	uint32_t n; /* ends, 0: no limit */
	uint32_t within_ms;
};

struct config_signal_map {
	struct config_signal_pair {
		int from, to; /* 0: ignored */
	} row[16];
	unsigned n;
};

struct config_addresses {
	struct config_address list[16];
	unsigned n;
};

/* A process beside the workers: a command line, or words from an ecosystem file. All borrowed. */
struct config_sidecar {
	char name[SIDECAR_NAME_SIZE]; /* a-z, 0-9 and _, a letter first */
	const char *line;             /* NULL: words */
	char *const *words;           /* ends with NULL */
	const char *cwd;              /* NULL: sioinit's own */
	char *const *env;            /* NAME=value over what it inherits, ends with NULL; or NULL */
	char *const *inherits;       /* an environment, ends with NULL; NULL: sioinit's own */
	const struct config *policy; /* its settings of restart and stop; NULL: all others' */
	bool once;                   /* not started again, whatever it ends with */
	bool has_pm_id;              /* an app of an ecosystem file: it is told */
	bool behind_workers;         /* ditto: the number of workers is to be added to the next */
	unsigned pm_id;
	struct config_origin from;
};

/* pm2's numbers, which count through all apps of a file: how many are before the workers' own, and
 * how many behind those that there are at the start. */
struct config_pm_ids {
	unsigned before, behind;
};

struct config_sidecars {
	struct config_sidecar list[SIDECARS_MAX];
	unsigned n;
};

/* A worker's umask or nice value that is not set: as sioinit's; an oom_score_adj: auto. */
enum { CONFIG_AS_SIOINIT = -0x7fffffff, OOM_SCORE_ADJ_MAX = 1000 };

/* setrlimit(2) for the workers; UINT64_MAX is RLIM_INFINITY. */
struct config_rlimits {
	struct config_rlimit {
		int resource;
		uint64_t soft, hard;
	} row[16];
	unsigned n;
};

/* What a worker that is to stop meets first: the end of its sockets, or the stop signal. */
enum config_stop_order {
	CONFIG_STOP_ORDER_AUTO,
	CONFIG_STOP_ORDER_DRAIN,
	CONFIG_STOP_ORDER_SIGNAL,
};

enum config_stop_group { CONFIG_STOP_GROUP_AUTO, CONFIG_STOP_GROUP_LEADER, CONFIG_STOP_GROUP_ALL };

/* struct config.heap_mb beside a number: */
enum { HEAP_OFF = 0, HEAP_AUTO = 0x7fffffff };

enum { CONFIG_SETTINGS_MAX = 128, CONFIG_FILE_MAX = 65536 /* bytes */ };

struct config {
	struct config_workers workers;
	const char *config_file;                               /* SIOINIT_CONFIG or NULL */
	const char *ecosystem, *ecosystem_app, *ecosystem_env; /* or NULL */
	const char *app;                                       /* SIOINIT_APP or NULL */
	uint16_t port;
	uint32_t routers;               /* 0: by the number of workers */
	struct config_addresses listen; /* besides the port */
	uint32_t backlog;
	uint32_t socket_mode;     /* 0: by the umask */
	const char *socket_owner; /* USER:GROUP, or NULL */
	struct config_address admin;
	const char *admin_token, *admin_token_file; /* one of them, or both NULL */
	const char *admin_hosts;                    /* NAME,*.NAME; or NULL */
	const char *admin_socket;                   /* auto, off, or /path */
	enum config_app_metrics app_metrics;
	bool relay_app_messages;
	const char *peers; /* NULL: nobody asks */
	enum config_serialization serialization;
	enum config_restart restart;
	int log_level;  /* enum log_level */
	int log_format; /* enum log_format */
	enum config_worker_logs worker_logs;
	const char *log_out, *log_err, *log_all; /* NULL: none */
	const char *log_date;                    /* in day.js's words; NULL: none */
	const char *termination_log;             /* auto, off, or /path */
	const char *on_ready, *on_end;           /* NULL: nothing */
	const char *instance_var;                /* the slot's variable */
	const char *increment_var;               /* NULL: none */
	struct config_pm_ids pm_ids;
	const char *pre_start; /* NULL: nothing */
	struct config_sidecars sidecars;
	const char *user, *group; /* NULL: as sioinit itself */
	bool no_new_privs;
	struct config_rlimits worker_rlimits;
	int worker_umask, worker_nice, worker_oom_score_adj; /* or CONFIG_AS_SIOINIT */
	enum config_sandbox sandbox;
	uint32_t ready_timeout_ms, min_uptime_ms;
	uint32_t max_restarts; /* 0: no limit */
	uint32_t restart_delay_ms;
	uint32_t restart_backoff;       /* thousandths */
	uint32_t wait_ready_timeout_ms; /* 0: for ever */
	struct config_start_limit start_limit;
	struct config_cron cron_restart;
	bool wait_ready;
	struct config_codes stop_exit_codes;
	uint32_t shutdown_delay_ms, drain_time_ms, stop_timeout_ms;
	int stop_signal;
	const char *stop_message; /* instead of the signal, over the IPC channel; or NULL */
	enum config_stop_group stop_group;
	enum config_stop_order stop_order;
	bool rebalance;
	struct config_signal_map signal_map;
	uint32_t ping_interval_ms, lag_warn_ms, hang_timeout_ms; /* 0: off */
	int hang_signal;
	uint64_t relay_memory;     /* bytes, 0: by the container's limit */
	uint32_t relay_timeout_ms; /* 0: off */
	uint64_t max_memory;       /* bytes, 0: no limit */
	uint32_t max_age_ms;       /* 0: no limit */
	uint32_t max_sessions;     /* of one worker, 0: no limit */
	const char *watch;         /* folders, or NULL */
	const char *watch_ignore;  /* patterns, or NULL */
	uint32_t heap_mb;          /* per worker, HEAP_OFF, HEAP_AUTO */
	uint32_t memory_pressure;  /* per cent of the container's limit, 0: off */
	uint32_t header_timeout_ms, keepalive_timeout_ms, body_timeout_ms;
	uint32_t response_timeout_ms, tunnel_timeout_ms;
	uint32_t max_connections;
	uint32_t session_table; /* sessions remembered */
	uint32_t max_head_bytes;
	uint32_t max_connections_per_address;     /* 0: no limit */
	uint32_t handshake_rate, handshake_burst; /* 0: no limit; 0: one second's worth */
	uint32_t handshake_rate_per_address, handshake_burst_per_address; /* ditto */
	bool proxy_protocol;
	struct cidr_list trusted_proxies;
	const char *request_id; /* a field name or NULL */
	enum config_traceparent traceparent;
	uint32_t trace_sample; /* millionths */
	bool trace_spans;
	int access_log; /* in the order of the words */
	const char *access_log_file;
	const char *probe_path;
	enum config_dispatch dispatch;
	enum config_upstream upstream;
	enum config_balance balance;
	uint32_t slow_start_ms;
	struct config_sticky sticky;
	const char *sticky_cookie, *sid_param;
	struct config_cookie sticky_cookie_attributes;
	uint16_t worker_port;               /* 0: the one after the public port */
	const char *worker_health_path;     /* NULL: a connection is enough */
	uint32_t worker_health_interval_ms; /* 0: only until it is ready */
	/* what to run: argv ends with NULL; borrowed from main's argv and environment */
	char *const *command; /* as given after the options; NULL when only SIOINIT_APP is set */
	size_t command_len;
	struct pm2_call pm2;
	const char *app_name; /* as pm2 has it; borrowed; NULL: not by pm2's file or options */
	struct config_origin from[CONFIG_SETTINGS_MAX]; /* in the table's order */
	char links[128]; /* variables passed over, since Kubernetes or Docker has set them */
	struct config_text *texts; /* owned; what fields borrow from none of the two */
	int argc;                  /* what it was loaded from, with the next two; borrowed */
	char *const *argv, *const *envp;
};

enum config_action {
	CONFIG_RUN,
	CONFIG_HELP,
	CONFIG_VERSION,
	CONFIG_CHECK,
	CONFIG_HEALTH,
	CONFIG_HEALTH_READY,
	CONFIG_CLI,        /* .command is for the instance that runs: status, reload, ... */
	CONFIG_PM2,        /* .command is a word of pm2's: ls, save, ... */
	CONFIG_MIGRATE,    /* .command: migrate FILE [APP] */
	CONFIG_COMPLETION, /* .command: completion SHELL */
	CONFIG_EXPLAIN,    /* .command: explain [ID] */
	CONFIG_N_ACTIONS,
};

/* Reads environment, argv and the settings file they name. 0: *ret set (free with config_free())
 * and *ret_action says what the user wants. -EINVAL: the reason is in @err, one line that names the
 * setting, what is wrong and how to mend it. Never prints. */
int config_load(int argc, char *const *argv, char *const *envp, struct config *ret,
		enum config_action *ret_action, char *err, size_t err_size);

/* As @c was loaded, but with @text in the place of what its settings file said then. @text need not
 * outlive the call. */
int config_load_again(const struct config *c, struct str text, struct config *ret, char *err,
		      size_t err_size);

/* Whether anybody has said what the public port is; else it is only where sioinit listens by
 * itself, and the app listens wherever it likes. */
bool config_port_is_set(const struct config *c);
bool config_admin_is_set(const struct config *c);

/* Where the value of the setting @name comes from, for the user (SIOINIT_WORKERS, --workers); empty
 * for a default. Borrowed. */
struct str config_origin(const struct config *c, const char *name);

/* drain-time, less where the app's own ending wants time, too. */
static inline uint32_t config_drain_time_ms(const struct config *c)
{
	uint32_t most = c->stop_timeout_ms / 2;

	return c->drain_time_ms < most ? c->drain_time_ms : most;
}

/* A value from elsewhere, under the setting's name as a flag or in the environment, all copied; it
 * counts unless a later source has one. @origin is for the user. 0, or -EINVAL as above, -ENOMEM.
 */
int config_set(struct config *c, const char *name, const char *value, enum config_source source,
	       const char *origin, char *err, size_t err_size);

/* One sidecar more, its texts borrowed; of two with one name that of the later source counts. NULL,
 * or a static text that says what is wrong. */
const char *config_add_sidecar(struct config *c, const struct config_sidecar *sidecar);

/* Secrets that the environment has become a copy of @c's own, and what /proc/PID/environ shows of
 * them is overwritten: the entries of the environment that @c was loaded with, which must be
 * writable, are empty then. 0 or -ENOMEM. */
int config_take_secrets(struct config *c);

/* Frees what loading has allocated; the values end with it. */
void config_free(struct config *c);

/* What @c has from @least and later sources, but for secrets, as environment for a process that
 * then needs no file: "SIOINIT_NAME=value", each ending with NUL, and an empty one; free() it.
 * NULL: out of memory. */
char *config_environment(const struct config *c, enum config_source least);

/* Every setting as JSON, {"settings":[{"name","value","origin","hidden"}]}. Secrets are hidden, and
 * unless @all all that is not a number, a switch or one of several words. 0, -EMSGSIZE, -ENOMEM. */
int config_json(const struct config *c, bool all, struct buf *out);

/* `--help`: usage and the table. */
void config_help(FILE *out);

/* `sioinit check`: one line NAME=value and where it comes from, for every setting. */
void config_print(const struct config *c, FILE *out);

/* The man page's settings section (mdoc), for script/docs. */
void config_print_mdoc(FILE *out);
/* The tables of docs/settings.md, for the same. */
void config_print_markdown(FILE *out);

/* The tables' rows, for the shells' completion. False: @i is behind the last. Texts are static. */
struct config_option {
	const char *name, *value, *help;
	const char *const *words; /* all values there are, NULL-terminated; or NULL */
};
bool config_option(size_t i, struct config_option *ret);

struct config_subcommand {
	const char *word, *help;
	const char *const *words; /* what may follow, NULL-terminated; or NULL */
	bool takes_options;
};
bool config_subcommand(size_t i, struct config_subcommand *ret);
