/* The table of all settings: parser, default, help, `sioinit check` and the man page come from it;
 * adding a setting is adding a row and a field. */
#include "settings/config_table.h"

#include <stdio.h>

#include "base/macros.h"

#include "base/ban.h"

const struct setting config_table[] = {
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
	ROW("ecosystem-app", "NAME,...", "", text, text, ecosystem_app,
	    "which apps of the ecosystem file to run; without it all: one is routed to and the "
	    "others run beside it (see sidecar)"),
	ROW("ecosystem-env", "NAME", "", text, text, ecosystem_env,
	    "which env_NAME of the ecosystem file counts; without it that of NODE_ENV"),
	ROW("app", "FILE", "", text, text, app, "script to run when no command is given"),
	ROW("workers", "N", "max", workers, workers, workers,
	    "how many workers: max or auto (one per CPU the container may use), N, -N (CPUs less "
	    "N) or N%",
	    { "WEB_CONCURRENCY", NULL, NULL }),
	ROW("port", "PORT", "8080", port, port, port,
	    "public port; when it is set, node:cluster workers are told it as PORT",
	    { "PORT", NULL, NULL }, { "PM2_PORT", NULL, NULL }),
	ROW("routers", "N", "1", routers, routers, routers,
	    "processes that accept clients: N (up to 16), or auto (one for every 8 workers)"),
	ROW("listen", "LIST", "", addresses, addresses, listen,
	    "more places to serve at: IP:PORT, [IP]:PORT, PORT or the /path of a unix socket"),
	ROW("backlog", "N", "511", count, count, backlog,
	    "connections that may wait to be accepted, at each of them"),
	ROW("socket-mode", "MODE", "", mode, mode, socket_mode,
	    "permissions of the unix sockets of listen and admin, such as 0660; without it the "
	    "umask decides"),
	ROW("socket-owner", "USER:GROUP", "", text, text, socket_owner,
	    "whose files they are, names or numbers, USER or :GROUP alone, too (another user than "
	    "our own only as root); such a user is answered at the path of admin-socket, too"),
	ROW("admin", "ADDRESS", "127.0.0.1:9090", address, address, admin,
	    "where /livez, /readyz, /metrics, /status and a page in the browser answer: IP:PORT, "
	    "PORT, /path of a unix socket, or off"),
	ROW("admin-token", "SECRET", "", secret, secret, admin_token,
	    "what POST /actions/... at the admin address asks for (Authorization: Bearer), 16 to "
	    "256 characters; without one there are no actions; in the environment or a settings "
	    "file only"),
	ROW("admin-token-file", "FILE", "", text, text, admin_token_file,
	    "a file of one line that has it instead, such as a Secret's; read again by reload"),
	ROW("admin-hosts", "LIST", "", hosts, text, admin_hosts,
	    "names that the admin address is asked by besides IP addresses, localhost, names "
	    "without dots, *.svc, *.cluster.local and *.internal: NAME or *.NAME, such as "
	    "admin.example.com"),
	ROW("app-metrics", "WHEN", "auto", app_metrics, app_metrics, app_metrics,
	    "the workers' own metrics (prom-client's AggregatorRegistry), made one in /metrics: "
	    "auto (when prom-client is installed where the app is), on (bundled, too) or off"),
	ROW("admin-socket", "PATH", "auto", admin_socket, text, admin_socket,
	    "for sioinit status, reload and the like: /path of a unix socket, off, or auto (an "
	    "abstract name, private to the container)"),
	ROW("serialization", "MODE", "auto", serialization, serialization, serialization,
	    "on the workers' IPC channels: auto, advanced (keeps binary) or json"),
	ROW("relay-app-messages", "SWITCH", "off", switch, switch, relay_app_messages,
	    "on: what a worker says with process.send() comes to the 'message' event of all other "
	    "workers that are ready"),
	ROW("peers", "NAME", "", text, text, peers,
	    "a DNS name that has the addresses of all pods or containers of this app, such as a "
	    "headless Service's: when there are others, and workers use cluster-adapter, whose "
	    "messages stay within one, that is said"),
	ROW("restart", "WHEN", "always", restart, restart, restart,
	    "always; never: the end of a worker is the end of sioinit, with its exit code; or "
	    "once: "
	    "the others go on, and sioinit ends when all have, with the first code that is not 0"),
	ROW("ready-timeout", "SECONDS", "30", seconds, seconds, ready_timeout_ms,
	    "a worker that is not ready by then is replaced; 0 = wait for ever"),
	ROW("wait-ready", "SWITCH", "off", switch, switch, wait_ready,
	    "on: a worker is ready when it says process.send('ready'), and not before"),
	ROW("wait-ready-timeout", "SECONDS", "0", seconds, seconds, wait_ready_timeout_ms,
	    "a worker that has not said 'ready' by then is ready when it listens, as under pm2; "
	    "0 = never"),
	ROW("min-uptime", "SECONDS", "5", seconds, seconds, min_uptime_ms,
	    "a worker that ends sooner, or before it is ready, is restarted later each time"),
	ROW("restart-delay", "SECONDS", "0.1", seconds, seconds, restart_delay_ms,
	    "pause before a worker that ended is started again; grows by restart-backoff with "
	    "every one that ends before min-uptime"),
	ROW("restart-backoff", "FACTOR", "2", factor, factor, restart_backoff,
	    "what restart-delay is multiplied by each time, up to 15 seconds and with some "
	    "jitter; 1: it stays as it is"),
	ROW("max-restarts", "N", "0", limit, count, max_restarts,
	    "ends before min-uptime in a row after which sioinit ends with the worker's exit code; "
	    "0 = none, but the first workers have five"),
	ROW("start-limit", "ENDS/SECONDS", "8/60", start_limit, start_limit, start_limit,
	    "so many ends of workers within so long, times the number of workers, after which "
	    "sioinit ends with the last one's exit code; off"),
	ROW("cron-restart", "TIMES", "", cron, cron, cron_restart,
	    "when the workers are replaced without a gap: minute hour day month weekday, such as "
	    "0 3 * * *, or six fields with seconds first; numbers, names, lists, ranges, steps and "
	    "L for the last day of a month; local time (TZ)"),
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
	    "what tells a worker to stop", { "PM2_KILL_SIGNAL", NULL, NULL }),
	ROW("stop-message", "TEXT", "", text, text, stop_message,
	    "what tells a worker to stop instead, as process.on('message') of Node, Bun and Deno "
	    "hears it, such as shutdown; one that has no IPC channel gets the signal"),
	ROW("stop-order", "ORDER", "auto", stop_order, stop_order, stop_order,
	    "what comes first when a worker is to stop: signal (the app hears the stop signal "
	    "while it has all its clients, and its goodbye reaches them; those that are left after "
	    "3 s, a quarter of stop-timeout at most, are closed over drain-time), drain (closed "
	    "over drain-time, then the signal), or auto (the requests in flight, then signal; "
	    "drain when it does not handle the signal)"),
	ROW("stop-group", "WHOM", "auto", stop_group, stop_group, stop_group,
	    "who of a worker's process group gets the stop signal: leader (the process that "
	    "sioinit started; it tells the others), group (all at once), or auto (the leader, and "
	    "those that are left when it has ended; all at once when it does not handle the "
	    "signal, such as sh, and when that is INT, as from a terminal); all have until "
	    "stop-timeout"),
	ROW("signal-map", "LIST", "", signal_map, signal_map, signal_map,
	    "take one signal for another, or for none: HUP=TERM,USR2=none"),
	ROW("ping-interval", "SECONDS", "1", seconds, seconds, ping_interval_ms,
	    "how often workers are looked after: event-loop lag, memory, age, CPU limit; one that "
	    "is idle (no request, no new socket, less than 1 % of a CPU, last answer within 10 "
	    "ms) is asked every fourth time, but four times within hang-timeout; 0 = never"),
	ROW("lag-warn", "SECONDS", "1", seconds, seconds, lag_warn_ms,
	    "a worker whose event loop, or health path, takes longer to answer gets no new "
	    "sessions; 0 = off"),
	ROW("hang-timeout", "SECONDS", "30", seconds, seconds, hang_timeout_ms,
	    "a worker whose event loop (where that cannot be asked: health path) has not answered "
	    "for that long, or that is stopped, is killed; 0 = off"),
	ROW("hang-signal", "SIGNAL", "none", signal, signal, hang_signal,
	    "sent to a hanging worker one ping-interval before it is killed, for a diagnosis"),
	ROW("relay-memory", "BYTES", "auto", bytes_or_auto, bytes_or_auto, relay_memory,
	    "what messages between workers may take in PID 1; at its end the worker that is slow "
	    "to read is replaced, or the one that floods; auto: an eighth of the container's "
	    "memory limit, 32M to 256M (128M without one)"),
	ROW("relay-timeout", "SECONDS", "30", seconds, seconds, relay_timeout_ms,
	    "a worker that the messages of the others have waited for that long is replaced; 0 = "
	    "off"),
	ROW("max-memory", "BYTES", "0", bytes, bytes, max_memory,
	    "a worker with more resident memory (such as 512M; up to 10 % less, so that not all go "
	    "at once) is replaced without a gap; 0 = off"),
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
	    "longest pause between two pieces of a request body, or in which a client takes "
	    "nothing of what waits for it"),
	ROW("response-timeout", "SECONDS", "0", seconds, seconds, response_timeout_ms,
	    "how long a worker may think about a request before it gets 504; polls of a session "
	    "are exempt; 0 = for ever"),
	ROW("tunnel-timeout", "SECONDS", "3600", seconds, seconds, tunnel_timeout_ms,
	    "longest silence on a WebSocket that the router carries, or within an answer; 0 = for "
	    "ever"),
	ROW("max-connections", "N", "10000", count, count, max_connections,
	    "clients at the routers at a time; more get 503"),
	ROW("session-table", "N", "262144", count, count, session_table,
	    "sessions remembered; the least recently used go first"),
	ROW("max-head-bytes", "N", "16384", count, count, max_head_bytes,
	    "largest request head; more gets 431, as more than 128 fields do; Node's "
	    "--max-http-header-size, on the command line or in NODE_OPTIONS, is the default where "
	    "it is there"),
	ROW("max-connections-per-address", "N", "0", limit, count, max_connections_per_address,
	    "connections of one client address (one IPv6 /64) at a time, its WebSockets among "
	    "them, behind trusted proxies its requests and WebSockets; more get 429; 0 = no limit"),
	ROW("handshake-rate", "N", "0", limit, count, handshake_rate,
	    "new sessions per second; more get 503; 0 = no limit"),
	ROW("handshake-burst", "N", "0", limit, count, handshake_burst,
	    "new sessions at once before handshake-rate counts; 0 = as many as in a second"),
	ROW("handshake-rate-per-address", "N", "0", limit, count, handshake_rate_per_address,
	    "new sessions per second of one client address (one IPv6 /64), also behind trusted "
	    "proxies; more get 429; 0 = no limit"),
	ROW("handshake-burst-per-address", "N", "0", limit, count, handshake_burst_per_address,
	    "new sessions of one client address at once before handshake-rate-per-address counts; "
	    "0 = as many as in a second"),
	ROW("trusted-proxies", "LIST", "", networks, networks, trusted_proxies,
	    "addresses and networks, such as 10.0.0.0/8,fd00::/8 (unix: local sockets), whose "
	    "X-Forwarded-* and Forwarded fields are believed (and added to, where the app does "
	    "not see the address itself: see upstream); those of others are left out"),
	ROW("proxy-protocol", "SWITCH", "off", switch, switch, proxy_protocol,
	    "on: every connection to the public port begins with a PROXY header (version 1 or 2) "
	    "that names the client; others are closed"),
	ROW("request-id", "FIELD", "", field_name, text, request_id,
	    "field, such as X-Request-ID, that names each proxied request, in its answer and in "
	    "the access log, too: a client's own is kept where it is an id (128 letters, digits "
	    "and -_.:;/+=@,~|), else one is made"),
	ROW("traceparent", "WHAT", "off", traceparent, traceparent, traceparent,
	    "the trace that a request belongs to (W3C Trace Context): off (passed on as it is), "
	    "keep (passed on when valid, its trace id in the access log), or make (one is made, "
	    "as sampled (see trace-sample), where none is valid)"),
	ROW("trace-sample", "RATIO", "1", ratio, ratio, trace_sample,
	    "how many of the traces that are made are sampled, 0 to 1; who asks with a valid "
	    "traceparent has decided that already"),
	ROW("trace-spans", "SWITCH", "off", switch, switch, trace_spans,
	    "on: a line on stderr for each sampled request, a span whose parts say where its time "
	    "went; the app's spans are its children (traceparent=off counts as keep then)"),
	ROW("access-log", "FORMAT", "off", access_format, access_format, access_log,
	    "a line for every request: off, common (Apache's), logfmt or json"),
	ROW("access-log-file", "PATH", "/dev/stdout", text, text, access_log_file,
	    "where the access log goes: a file, /dev/stdout, /dev/stderr or /dev/fd/N; a file that "
	    "was moved away is opened anew on SIGUSR1 and when the workers are reloaded"),
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
	    "a worker is ready when this answers 2xx by plain HTTP (an app that speaks nothing but "
	    "TLS cannot), instead of when it listens or accepts; see worker-health-interval"),
	ROW("worker-health-interval", "SECONDS", "5", seconds, seconds, worker_health_interval_ms,
	    "how often ready workers, Node's too, are asked for worker-health-path: one that does "
	    "not answer 2xx within lag-warn gets no new sessions until it does, and is killed "
	    "after hang-timeout without an answer, unless it answers pings; 0 = never again once "
	    "it is ready"),
	ROW("upstream", "KIND", "auto", upstream, upstream, upstream,
	    "what proxied requests (polling, plain) reach node:cluster workers by: native (the "
	    "app sees its client's address and port; needs user namespaces), tcp (it sees "
	    "127.0.0.1, and the client in X-Forwarded-For), unix (cheaper; "
	    "socket.remoteAddress is undefined), or auto: native, else tcp"),
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
	ROW("sticky-cookie-attributes", "LIST", "Path=/; HttpOnly; SameSite=Lax", cookie, cookie,
	    sticky_cookie_attributes,
	    "its attributes, as in Set-Cookie: Path=, Domain=, Max-Age=SECONDS (from when it is "
	    "set), SameSite=, Secure, Secure=auto (where the client came by TLS, as a trusted "
	    "proxy says), HttpOnly, Partitioned; those of the default are added, and Secure to "
	    "SameSite=None and Partitioned"),
	ROW("sid-param", "NAME", "sid", token, text, sid_param,
	    "parameter of the query that names the session; of several the last counts, as for "
	    "Engine.IO"),
	ROW("slow-start", "SECONDS", "0", seconds, seconds, slow_start_ms,
	    "over this time a new worker's share grows from nothing to that of the others"),
	ROW("instance-var", "NAME", "NODE_APP_INSTANCE", token, text, instance_var,
	    "variable that tells each worker its slot", { "PM2_PROCESS_INSTANCE_VAR", NULL, NULL }),
	ROW("increment-var", "NAME", "", token, text, increment_var,
	    "variable that each worker is told as the number in it (0 where there is none) and the "
	    "slot"),
	ROW("pre-start", "COMMAND", "", text, text, pre_start,
	    "what /bin/sh runs once before the workers, such as a database migration; if it fails, "
	    "sioinit ends with its exit code"),
	ROW("sidecar", "NAME=COMMAND", "", sidecar, sidecars, sidecars,
	    "a process beside the workers, up to 16, such as a log shipper or a local proxy: no "
	    "requests go to it, it is restarted as workers are and stopped after them; NAME (a-z, "
	    "0-9, _) stands in the variable's name, as in SIOINIT_SIDECAR_SHIPPER=vector; run by "
	    "/bin/sh where it has more than words and quotes"),
	ROW("on-ready", "COMMAND", "", text, text, on_ready,
	    "what /bin/sh runs beside the workers whenever one has become ready; the environment "
	    "has SIOINIT_SLOT, SIOINIT_PID, SIOINIT_UPTIME, SIOINIT_READY (how many are) and "
	    "SIOINIT_WORKERS"),
	ROW("on-end", "COMMAND", "", text, text, on_end,
	    "the same whenever one has ended, with SIOINIT_EXIT_CODE or SIOINIT_SIGNAL, too"),
	ROW("user", "NAME", "", text, text, user,
	    "whom workers and router run as, name or number, when sioinit is root"),
	ROW("group", "NAME", "", text, text, group,
	    "and their group; without it the user's own, and all that the user is in"),
	ROW("no-new-privs", "SWITCH", "off", switch, switch, no_new_privs,
	    "1: workers gain no rights by running set-user-ID programs"),
	ROW("worker-rlimits", "LIST", "", rlimits, rlimits, worker_rlimits,
	    "limits of each worker, NAME=SOFT or NAME=SOFT:HARD as in setrlimit(2), such as "
	    "nofile=65536,core=unlimited,stack=8M; others are as sioinit was given them"),
	ROW("worker-umask", "MODE", "inherit", umask, umask, worker_umask,
	    "umask of the workers, octal, such as 027; inherit: sioinit's own"),
	ROW("worker-nice", "N", "inherit", nice, nice, worker_nice,
	    "nice value of the workers, -20 to 19; below sioinit's own it wants CAP_SYS_NICE; "
	    "inherit: sioinit's own"),
	ROW("worker-oom-score-adj", "N", "auto", oom_score_adj, oom_score_adj, worker_oom_score_adj,
	    "-1000 to 1000: higher is killed sooner when memory runs out; auto: sioinit's own and "
	    "50, so that a worker goes before sioinit and the routers"),
	ROW("sandbox", "HOW", "auto", sandbox, sandbox, sandbox,
	    "auto: the routers, which strangers talk to, have no capabilities, reach no files and "
	    "make no system calls but those they need, as far as kernel and container allow for "
	    "it; or off"),
	ROW("watch", "PATH,...", "", text, text, watch,
	    "for development: folders in which a change replaces the workers (node_modules and "
	    "names that start with a dot are left out)"),
	ROW("watch-ignore", "PATTERN,...", "", text, text, watch_ignore,
	    "what is left out there, too: names, such as logs or *.sqlite, and paths as watch has "
	    "them, such as public/uploads"),
	ROW("log-level", "LEVEL", "info", level, level, log_level,
	    "least severe lines to log: error, warn, info or debug"),
	ROW("log-format", "FORMAT", "auto", log_format, log_format, log_format,
	    "sioinit's own lines on stderr: pretty (for people, with colours unless NO_COLOR is "
	    "set), logfmt, json, or auto: pretty where stderr is a terminal, else logfmt"),
	ROW("worker-logs", "FORMAT", "raw", worker_logs, worker_logs, worker_logs,
	    "the workers' stdout and stderr: raw (untouched), prefix (the slot before each line), "
	    "json (each line an object) or off (they go nowhere but to the files of log-out, "
	    "log-err and log-all)"),
	ROW("log-out", "FILE", "", text, text, log_out,
	    "a file that the workers' stdout is appended to as well; {slot} in it is the worker's "
	    "number; opened anew on SIGUSR1 and SIGHUP, written as the workers' user"),
	ROW("log-err", "FILE", "", text, text, log_err, "the same for their stderr"),
	ROW("log-all", "FILE", "", text, text, log_all, "the same for both"),
	ROW("log-date", "FORMAT", "", log_date, text, log_date,
	    "the time before each of the workers' lines, as day.js has it: YYYY-MM-DD "
	    "HH:mm:ss.SSS Z; JSON has its own"),
	ROW("termination-log", "PATH", "auto", termination_log, text, termination_log,
	    "when sioinit ends with another code than 0: why, and the last lines of stderr, in "
	    "this "
	    "file, if it exists: auto (/dev/termination-log, Kubernetes), off or /path"),
#undef ROW
};

const size_t config_n_rows = ARRAY_LEN(config_table);

_Static_assert(ARRAY_LEN(config_table) <= CONFIG_SETTINGS_MAX,
	       "struct config remembers every origin");

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

const struct subcommand config_subcommands[] = {
	{ "check", CONFIG_CHECK, "[options] [COMMAND ...]", "validate and print the settings",
	  NULL },
	{ "health", CONFIG_HEALTH, "[options] [--ready]", "ask the one that runs here; exit 0 or 1",
	  WORDS("--ready") },
	{ "start", CONFIG_RUN, "[options] FILE|PROGRAM", "as pm2-runtime runs it", NULL },
	{ "status", CONFIG_CLI, "[--json|--watch|--sort]", "its workers and what they do",
	  WORDS("--json", "--watch", "--sort", "slot", "lag", "memory", "cpu", "sessions") },
	{ "monit", CONFIG_CLI, "", "the same on the whole screen, live", NULL },
	{ "top", CONFIG_CLI, "", "as monit", NULL },
	{ "describe", CONFIG_CLI, "SLOT|NAME|all", "what is known of one of them", NULL },
	{ "reload", CONFIG_CLI, "[SLOT|NAME|all ...]", "replace every worker without a gap", NULL },
	{ "scale", CONFIG_CLI, "[NAME] N|+N|-N", "run N workers, or N more or fewer", NULL },
	{ "restart", CONFIG_CLI, "SLOT|NAME|all ...", "replace workers, or a sidecar", NULL },
	{ "stop", CONFIG_CLI, "[NAME|all]", "stop sioinit and all that it runs", NULL },
	{ "signal", CONFIG_CLI, "SLOT|NAME|all SIGNAL", "send a signal to workers", NULL },
	{ "pid", CONFIG_CLI, "[SLOT|NAME|all]", "their process ids", NULL },
	{ "drain", CONFIG_CLI, "[off]", "/readyz says 503, serving goes on", WORDS("off") },
	{ "rebalance", CONFIG_CLI, "", "even out the workers' sockets", NULL },
	{ "logs", CONFIG_CLI, "[SLOT|NAME|all] [--death]", "what workers write; how they ended",
	  WORDS("--lines", "--no-follow", "--death") },
	{ "explain", CONFIG_EXPLAIN, "[ID]", "what a warning or an error means (SIO-012)", NULL },
	{ "migrate", CONFIG_MIGRATE, "FILE [APP]", "what pm2's ecosystem file is for sioinit",
	  WORDS("--keys") },
	{ "completion", CONFIG_COMPLETION, "SHELL", "for bash, zsh or fish, to be sourced",
	  WORDS("bash", "zsh", "fish") },
	{ "version", CONFIG_VERSION, "[--json]", "which sioinit this is, and what is in it",
	  WORDS("--json") },
};

const size_t config_n_subcommands = ARRAY_LEN(config_subcommands);

/* Names */

/* A letter as it stands in a variable's name. */
static char upper(char c)
{
	if (c == '-')
		return '_';
	if (c >= 'a' && c <= 'z')
		return (char)(c - 'a' + 'A');
	return c;
}

void setting_env_name(const struct setting *s, char dst[static NAME_MAX_BYTES])
{
	size_t n = (size_t)snprintf(dst, NAME_MAX_BYTES, "SIOINIT_%s%s", s->name,
				    setting_is_sidecar(s) ? "-name" : "");

	for (size_t i = PREFIX_LEN; i < n; i++)
		dst[i] = upper(dst[i]);
}

const struct setting *setting_find_flag(const char *name, size_t n)
{
	for (size_t i = 0; i < config_n_rows; i++)
		if (setting_is_called(config_table[i].name, name, n))
			return &config_table[i];
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

void setting_flag_name(const struct setting *s, char dst[static NAME_MAX_BYTES])
{
	(void)snprintf(dst, NAME_MAX_BYTES, "--%s", s->name);
}

void setting_bare_name(const struct setting *s, char dst[static NAME_MAX_BYTES])
{
	(void)snprintf(dst, NAME_MAX_BYTES, "%s", s->name);
}

void setting_suggest(const char *name, spell_fn *spell, char ret[static NAME_MAX_BYTES])
{
	unsigned least = 2 * NAME_MAX_BYTES;

	for (size_t i = 0; i < config_n_rows; i++) {
		char candidate[NAME_MAX_BYTES];
		unsigned d;

		spell(&config_table[i], candidate);
		d = distance(name, candidate);
		if (d < least) {
			least = d;
			memcpy(ret, candidate, sizeof(candidate));
		}
	}
}

static const struct setting *find_env(const char *name)
{
	for (size_t i = 0; i < config_n_rows; i++) {
		char candidate[NAME_MAX_BYTES];

		setting_env_name(&config_table[i], candidate);
		if (strcmp(candidate, name) == 0 ||
		    (setting_is_sidecar(&config_table[i]) && sidecar_named(name)))
			return &config_table[i];
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

const struct setting *setting_find(const char *name, char ret_meant[static NAME_MAX_BYTES])
{
	bool env = strncmp(name, "SIOINIT_", PREFIX_LEN) == 0;
	const struct setting *s = env ? find_env(name) : setting_find_flag(name, strlen(name));
	char written[NAME_MAX_BYTES];

	if (s)
		return s;
	(void)snprintf(written, sizeof(written), "%s", name);
	for (char *p = written; *p && !env; p++)
		*p = lower(*p);
	setting_suggest(written, env ? setting_env_name : setting_bare_name, ret_meant);
	return NULL;
}

bool subcommand_takes_options(const struct subcommand *s)
{
	return s->action == CONFIG_RUN || s->action == CONFIG_CHECK || s->action == CONFIG_HEALTH;
}
