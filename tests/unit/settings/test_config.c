/* Settings: from the environment and from flags, and what is said about wrong ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/macros.h"
#include "settings/config.h"
#include "settings/config_command.h"
#include "settings/pm2_words.h"

enum { WORDS_MAX = 32 };

static struct config config;
static enum config_action action;
static char err[512];

static size_t split(char *text, char **words)
{
	size_t n = 0;

	for (char *save = NULL, *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save))
		words[n++] = w;
	words[n] = NULL;
	return n;
}

/* Loads from texts of words; the words stay until the next call. */
static int load(const char *env, const char *args)
{
	static char env_text[512], arg_text[512], *envp[WORDS_MAX], *argv[WORDS_MAX];
	size_t argc;

	(void)snprintf(env_text, sizeof(env_text), "%s", env);
	(void)snprintf(arg_text, sizeof(arg_text), "sioinit %s", args);
	(void)split(env_text, envp);
	argc = split(arg_text, argv);
	err[0] = '\0';
	config_free(&config);
	return config_load((int)argc, argv, envp, &config, &action, err, sizeof(err));
}

static void assert_refused(const char *env, const char *args, const char *why)
{
	assert_int_equal(load(env, args), -EINVAL);
	assert_string_equal(err, why);
}

static void assert_printed(const char *env, const char *args, const char *line)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	if (load(env, args) < 0)
		fail_msg("%s %s: %s", env, args, err);
	config_print(&config, f);
	(void)fclose(f);
	if (!strstr(text, line))
		fail_msg("%s: not in\n%s", line, text);
	free(text);
}

static void has_defaults(void **state)
{
	(void)state;
	assert_int_equal(load("", "node worker.js"), 0);
	assert_int_equal(action, CONFIG_RUN);
	assert_int_equal(config.workers.kind, WORKERS_AUTO);
	assert_null(config.app);
	assert_int_equal(config.port, 8080);
	assert_string_equal(config.admin.host, "127.0.0.1");
	assert_int_equal(config.admin.port, 9090);
	assert_false(config.admin.off);
	assert_int_equal(config.serialization, CONFIG_SERIAL_AUTO);
	assert_int_equal(config.restart, RESTART_ALWAYS);
	assert_int_equal(config.log_level, LOG_LEVEL_INFO);
	assert_int_equal(config.stop_timeout_ms, 25000);
	assert_int_equal(config.shutdown_delay_ms, 0);
	assert_int_equal(config.ready_timeout_ms, 30000);
	assert_int_equal(config.header_timeout_ms, 10000);
	assert_int_equal(config.keepalive_timeout_ms, 75000);
	assert_int_equal(config.body_timeout_ms, 60000);
	assert_int_equal(config.max_connections, 10000);
	assert_int_equal(config.session_table, 262144);
	assert_int_equal(config.max_head_bytes, 16384);
	assert_string_equal(config.probe_path, "/socket.io/");
}

static void reads_how_clients_are_distributed(void **state)
{
	(void)state;
	assert_printed("SIOINIT_STICKY=HEADER:X-Room", "x",
		       "SIOINIT_STICKY=header:X-Room (SIOINIT_STICKY)\n");
	assert_printed("", "--sticky hash:room", "SIOINIT_STICKY=hash:room (--sticky)\n");
	assert_printed("", "", "SIOINIT_STICKY=sid (default)\n");
	assert_printed("SIOINIT_BALANCE=two-choices", "", "SIOINIT_BALANCE=two-choices (");
	assert_printed("SIOINIT_DISPATCH=unix", "", "SIOINIT_DISPATCH=unix (");
	assert_printed("", "", "SIOINIT_WORKER_PORT= (not set)\n");
	assert_refused("SIOINIT_STICKY=header", "",
		       "SIOINIT_STICKY=\"header\": not \"sid\", \"cookie\", \"address\", "
		       "\"header:NAME\", \"hash:NAME\" or \"none\"");
	for (const char *const *s = (const char *const[]){ "sid:x", "header:", "heade", "headers:x",
							   "hash:a=b", ":", "none:", NULL };
	     *s; s++) {
		char env[64];

		(void)snprintf(env, sizeof(env), "SIOINIT_STICKY=%s", *s);
		assert_int_equal(load(env, ""), -EINVAL);
	}
}

static void has_sidecars_by_name(void **state)
{
	(void)state;
	assert_printed("SIOINIT_SIDECAR_LOG_SHIPPER=vector", "x",
		       "SIOINIT_SIDECAR_LOG_SHIPPER=vector (SIOINIT_SIDECAR_LOG_SHIPPER)\n");
	assert_printed("", "--sidecar=log-shipper=vector x",
		       "SIOINIT_SIDECAR_LOG_SHIPPER=vector (--sidecar)\n");
	assert_printed("SIOINIT_SIDECAR_A=1", "--sidecar A=2 x",
		       "SIOINIT_SIDECAR_A=2 (--sidecar)\n");
	assert_printed("", "--sidecar a=1 --sidecar A=2 x", "SIOINIT_SIDECAR_A=2 (--sidecar)\n");
	assert_int_equal(load("SIOINIT_SIDECAR_A=1 SIOINIT_SIDECAR_B= SIOINIT_SIDECAR=us", "x"), 0);
	assert_int_equal(config.sidecars.n, 1);
	assert_string_equal(config.sidecars.list[0].name, "a");
	assert_string_equal(config.sidecars.list[0].line, "1");
	assert_refused("SIOINIT_SIDECAR_0=x", "",
		       "SIOINIT_SIDECAR_0=\"x\": not NAME=COMMAND, where NAME has letters, digits "
		       "and _, a letter first, and 31 at most");
	assert_refused("SIOINIT_SIDECAR_A='x", "",
		       "SIOINIT_SIDECAR_A=\"'x\": no command, or a quote in it that does not end");
	assert_int_equal(load("", "--sidecar vector x"), -EINVAL);
	assert_int_equal(load("SIOINIT_SIDECAR_=x", ""), -EINVAL);
	assert_int_equal(load("SIOINIT_SIDECARS=x", ""), -EINVAL);
}

static void has_sixteen_sidecars_at_most(void **state)
{
	char env[512];
	size_t n = 0;

	(void)state;
	for (int i = 0; i < SIDECARS_MAX; i++)
		n += (size_t)snprintf(env + n, sizeof(env) - n, "SIOINIT_SIDECAR_S%d=x ", i);
	assert_int_equal(load(env, "--sidecar s3=y x"), 0);
	assert_string_equal(config.sidecars.list[3].line, "y");
	assert_refused(env, "--sidecar one=y x", "--sidecar=\"one=y\": more than 16 sidecars");
}

static void assert_words(const char *line, const char *wanted)
{
	char **words, *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	assert_false(config_command_wants_shell(line));
	assert_int_equal(config_command_split(line, &words), 0);
	config_command_print(words, out);
	(void)fclose(out);
	assert_string_equal(text, wanted);
	free(text);
	free(words);
}

static void splits_what_needs_no_shell(void **state)
{
	static const char *const for_shell[] = { "a | b",  "a; b", "a && b", "a > b",  "$A",
						 "A=b c",  "a *",  "a \\b",  "~/a",    "a ~/b",
						 "exec a", "a #b", "! a",    "{ a; }", "a \"$b\"",
						 "a `b`",  "a\nb", "(a)" };
	char **words;

	(void)state;
	assert_words("node worker.js --port=3000", "node worker.js '--port=3000'");
	assert_words("  a\t'b c'  \"d e\" f'g'\"h\" ", "a 'b c' 'd e' fgh");
	assert_words("a '' '$b | c' \"it's\" b#c d~", "a '' '$b | c' 'it'\"'\"'s' 'b#c' 'd~'");
	for (size_t i = 0; i < sizeof(for_shell) / sizeof(for_shell[0]); i++)
		if (!config_command_wants_shell(for_shell[i]))
			fail_msg("%s", for_shell[i]);
	assert_int_equal(config_command_split("a 'b", &words), -EINVAL);
	assert_int_equal(config_command_split("a 'b c\" d", &words), -EINVAL);
	assert_int_equal(config_command_split("a 'b' \"c", &words), -EINVAL);
	assert_int_equal(config_command_split(" ", &words), -EINVAL);
}

static void waits_for_kubernetes(void **state)
{
	(void)state;
	assert_printed("KUBERNETES_SERVICE_HOST=10.0.0.1", "x",
		       "SIOINIT_SHUTDOWN_DELAY=5 (KUBERNETES_SERVICE_HOST)\n");
	assert_printed("KUBERNETES_SERVICE_HOST=10.0.0.1 SIOINIT_SHUTDOWN_DELAY=0", "x",
		       "SIOINIT_SHUTDOWN_DELAY=0 (SIOINIT_SHUTDOWN_DELAY)\n");
	assert_printed("KUBERNETES_SERVICE_HOST=", "x", "SIOINIT_SHUTDOWN_DELAY=0 (default)\n");
}

static void prefers_flag_to_env_to_alias_to_default(void **state)
{
	(void)state;
	assert_printed("PM2_PORT=1", "x", "SIOINIT_PORT=1 (PM2_PORT)\n");
	assert_printed("PM2_PORT=1 PORT=2", "x", "SIOINIT_PORT=2 (PORT)\n");
	assert_printed("SIOINIT_PORT=3 PM2_PORT=1 PORT=2", "x", "SIOINIT_PORT=3 (SIOINIT_PORT)\n");
	assert_printed("SIOINIT_PORT=3 PORT=2", "--port=4 x", "SIOINIT_PORT=4 (--port)\n");
	assert_printed("SIOINIT_PORT=3", "--port=4 --port 5 x", "SIOINIT_PORT=5 (--port)\n");
	assert_printed("WEB_CONCURRENCY=3", "x", "SIOINIT_WORKERS=3 (WEB_CONCURRENCY)\n");
	assert_printed("PM2_KILL_TIMEOUT=1600", "x",
		       "SIOINIT_STOP_TIMEOUT=1.6 (PM2_KILL_TIMEOUT)\n");
	assert_printed("", "x", "SIOINIT_APP= (not set)\n");
}

static void takes_empty_for_unset(void **state)
{
	(void)state;
	assert_printed("SIOINIT_PORT= PORT=2", "x", "SIOINIT_PORT=2 (PORT)\n");
	assert_printed("SIOINIT_APP= SIOINIT_WORKERS= SIOINIT_PROBE_PATH=", "--port= x",
		       "SIOINIT_PORT=8080 (default)\n");
	assert_null(config.app);
	assert_string_equal(config.probe_path, "/socket.io/");
}

static void reads_values(void **state)
{
	static const struct {
		const char *args, *line;
	} cases[] = {
		{ "--workers max", "SIOINIT_WORKERS=max " },
		{ "--workers AUTO", "SIOINIT_WORKERS=max " },
		{ "--workers 0", "SIOINIT_WORKERS=max " },
		{ "--workers 00", "SIOINIT_WORKERS=max " },
		{ "--workers 1024", "SIOINIT_WORKERS=1024 " },
		{ "--workers -1", "SIOINIT_WORKERS=-1 " },
		{ "--workers=50%", "SIOINIT_WORKERS=50% " },
		{ "--admin off", "SIOINIT_ADMIN=off " },
		{ "--admin 9091", "SIOINIT_ADMIN=9091 " },
		{ "--admin :9091", "SIOINIT_ADMIN=9091 " },
		{ "--admin 0.0.0.0:1", "SIOINIT_ADMIN=0.0.0.0:1 " },
		{ "--admin [::1]:9091", "SIOINIT_ADMIN=[::1]:9091 " },
		{ "--admin //run/admin.sock", "SIOINIT_ADMIN=/run/admin.sock " },
		{ "--serialization JSON", "SIOINIT_SERIALIZATION=json " },
		{ "--restart never", "SIOINIT_RESTART=never " },
		{ "--log-level debug", "SIOINIT_LOG_LEVEL=debug " },
		{ "--stop-timeout 0.5", "SIOINIT_STOP_TIMEOUT=0.5 " },
		{ "--stop-timeout .0014", "SIOINIT_STOP_TIMEOUT=0.001 " },
		{ "--stop-timeout 86399.999", "SIOINIT_STOP_TIMEOUT=86399.999 " },
		{ "--session-table 16777216", "SIOINIT_SESSION_TABLE=16777216 " },
		{ "--trusted-proxies 10.0.0.0/8,::1,unix",
		  "SIOINIT_TRUSTED_PROXIES=10.0.0.0/8,::1,unix " },
		{ "--trusted-proxies unix", "SIOINIT_TRUSTED_PROXIES=unix " },
		{ "--proxy-protocol ON", "SIOINIT_PROXY_PROTOCOL=on " },
		{ "--request-id X-Request-ID", "SIOINIT_REQUEST_ID=X-Request-ID " },
		{ "--access-log json", "SIOINIT_ACCESS_LOG=json " },
		{ "--trace-sample 0.250", "SIOINIT_TRACE_SAMPLE=0.25 " },
		{ "--trace-sample .000001", "SIOINIT_TRACE_SAMPLE=0.000001 " },
		{ "--trace-sample 1.0", "SIOINIT_TRACE_SAMPLE=1 " },
		{ "--trace-sample 0", "SIOINIT_TRACE_SAMPLE=0 " },
		{ "--probe-path /chat/?a=%20", "SIOINIT_PROBE_PATH=/chat/?a=%20 " },
		{ "--app worker.js", "SIOINIT_APP=worker.js " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_printed("", cases[i].args, cases[i].line);
}

static void says_what_is_wrong(void **state)
{
	(void)state;
	assert_refused("SIOINIT_WORKERS=abc", "x",
		       "SIOINIT_WORKERS=\"abc\": not a number, percentage, \"max\" or \"auto\"");
	assert_refused("WEB_CONCURRENCY=2.5", "x",
		       "WEB_CONCURRENCY=\"2.5\": not a number, percentage, \"max\" or \"auto\"");
	assert_refused("", "--workers 1025 x", "--workers=\"1025\": more than 1024");
	assert_refused("PORT=80x", "x", "PORT=\"80x\": not a port number (1 to 65535)");
	assert_refused("SIOINIT_PROT=1", "x",
		       "SIOINIT_PROT is no setting; did you mean SIOINIT_PORT?");
	assert_refused("SIOINIT_WORKER_S=", "x",
		       "SIOINIT_WORKER_S is no setting; did you mean SIOINIT_WORKERS?");
	assert_refused("", "--prot 80", "--prot is no option; did you mean --port?");
	assert_refused("", "--stop-timeot=80",
		       "--stop-timeot is no option; did you mean --stop-timeout?");
	assert_refused("", "-p 80", "-p is no option; see sioinit --help");
	assert_refused(
	    "", "--port",
	    "--port wants a value: public port; when it is set, node:cluster workers are told it "
	    "as PORT");
	assert_refused("PORT=0", "--prot 80 x", "PORT=\"0\": not a port number (1 to 65535)");
}

static void reads_cookie_attributes(void **state)
{
	static const char *const pairs[][2] = {
		{ "secure", "secure; Path=/; HttpOnly; SameSite=Lax" },
		{ "SameSite=None", "SameSite=None; Path=/; HttpOnly; Secure" },
		{ "Partitioned;Path=/a;Secure=auto",
		  "Partitioned; Path=/a; HttpOnly; SameSite=Lax; "
		  "Secure" },
		{ "Secure=auto;Max-Age=34560000",
		  "Max-Age=34560000; Path=/; HttpOnly; SameSite=Lax; Secure=auto" },
		{ "samesite=strict;HttpOnly;Domain=.Example.com",
		  "samesite=strict; HttpOnly; Domain=.Example.com; Path=/" },
	};
	static const char *const wrong[] = {
		"Expires=1",       "Path",           "Path=a",     "Path=",   "Domain=a/b",
		"Domain=a.",       "Max-Age=0",      "Max-Age=-1", "Max-Age", "Max-Age=34560001",
		"SameSite",        "SameSite=Never", "Secure=on",  "Secure=", "HttpOnly=",
		"Partitioned=yes", "Secure;Secure",  "Secure;",    ";",       "=",
	};
	char env[400], line[400];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		(void)snprintf(env, sizeof(env), "SIOINIT_STICKY_COOKIE_ATTRIBUTES=%s",
			       pairs[i][0]);
		(void)snprintf(line, sizeof(line), "SIOINIT_STICKY_COOKIE_ATTRIBUTES=%s (",
			       pairs[i][1]);
		assert_printed(env, "", line);
	}
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		(void)snprintf(env, sizeof(env), "SIOINIT_STICKY_COOKIE_ATTRIBUTES=%s", wrong[i]);
		if (load(env, "") != -EINVAL)
			fail_msg("accepted: %s", wrong[i]);
	}
	assert_refused("SIOINIT_STICKY_COOKIE_ATTRIBUTES=SameSite=No", "",
		       "SIOINIT_STICKY_COOKIE_ATTRIBUTES=\"SameSite=No\": SameSite is not "
		       "\"Strict\", \"Lax\" or \"None\"");
	(void)snprintf(env, sizeof(env), "SIOINIT_STICKY_COOKIE_ATTRIBUTES=Path=/%0300d", 0);
	assert_int_equal(load(env, ""), -EINVAL);
}

static void reads_limits_of_processes(void **state)
{
	(void)state;
	assert_printed("", "--worker-rlimits nofile=1024:65536,core=unlimited,stack=8M x",
		       "SIOINIT_WORKER_RLIMITS=nofile=1024:65536,core=unlimited:unlimited,"
		       "stack=8388608:8388608 (--worker-rlimits)\n");
	assert_printed("SIOINIT_WORKER_RLIMITS=cpu=-1", "x",
		       "SIOINIT_WORKER_RLIMITS=cpu=unlimited:unlimited (SIOINIT_WORKER_RLIMITS)\n");
	assert_printed("", "--worker-umask 27 x", "SIOINIT_WORKER_UMASK=027 (--worker-umask)\n");
	assert_printed("", "--worker-nice -20 x", "SIOINIT_WORKER_NICE=-20 (--worker-nice)\n");
	assert_printed("", "x", "SIOINIT_WORKER_UMASK=inherit (default)\n");
	assert_printed("", "x", "SIOINIT_WORKER_NICE=inherit (default)\n");
	assert_printed("", "x", "SIOINIT_WORKER_OOM_SCORE_ADJ=auto (default)\n");
	assert_printed("", "x", "SIOINIT_STOP_GROUP=auto (default)\n");
}

static void refuses_wrong_values(void **state)
{
	static const char *const wrong[] = {
		"--trusted-proxies 10.0.0.1/8",
		"--trusted-proxies localhost",
		"--trusted-proxies 10.0.0.0/8,,::1",
		"--proxy-protocol v2",
		"--request-id X:Y",
		"--request-id Host",
		"--access-log yes",
		"--trace-sample 1.000001",
		"--trace-sample 0.0000001",
		"--trace-sample -1",
		"--trace-sample 1.",
		"--trace-sample .",
		"--trace-sample 1e-1",
		"--trace-sample 10%",
		"--stop-group all",
		"--worker-rlimits nofile",
		"--worker-rlimits nofile=",
		"--worker-rlimits nofile=2:1",
		"--worker-rlimits files=1",
		"--worker-rlimits nofile=1,,core=0",
		"--worker-rlimits nofile=8M",
		"--worker-umask 0888",
		"--worker-umask 1000",
		"--worker-nice 20",
		"--worker-nice --1",
		"--worker-oom-score-adj -1001",
		"--port 0",
		"--port 65536",
		"--port -1",
		"--port 80,81",
		"--workers -",
		"--workers %",
		"--workers --1",
		"--workers -1%",
		"--admin x",
		"--admin localhost:1",
		"--admin ::1:9",
		"--admin []:9",
		"--admin [::1]",
		"--admin 127.0.0.1",
		"--admin 1.2.3:4",
		"--admin [1.2.3.4]:5",
		"--restart maybe",
		"--serialization v8",
		"--log-level 2",
		"--stop-timeout -1",
		"--stop-timeout x",
		"--stop-timeout 1s",
		"--stop-timeout 86401",
		"--stop-timeout 0x1",
		"--stop-timeout .",
		"--stop-timeout 1e3",
		"--stop-timeout inf",
		"--stop-timeout 1..2",
		"--session-table 0",
		"--session-table 1.5",
		"--probe-path x",
		"--probe-path /\xc3\xa4",
		"--session-table 16777217",
	};
	char path[200] = "--admin /";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		if (load("", wrong[i]) != -EINVAL)
			fail_msg("accepted: %s", wrong[i]);
	memset(path + 9, 'x', 107);
	assert_int_equal(load("", path), -EINVAL);
	path[9 + 106] = '\0';
	assert_int_equal(load("", path), 0);
	assert_int_equal(load("PM2_KILL_TIMEOUT=1.5", ""), -EINVAL);
	assert_int_equal(load("PM2_KILL_TIMEOUT=86400001", ""), -EINVAL);
}

static void knows_names_that_are_not_settings(void **state)
{
	(void)state;
	assert_int_equal(
	    load("SIOINIT_SLOT=1 SIOINIT_WORKERS=2 SIOINIT_ROLE=router SIOINIT_ROLE_FD=3", "x"), 0);
	assert_int_equal(load("SIOINITIAL=1 PATH=/bin SIOINIT=1", "x"), 0);
}

static void reads_permissions(void **state)
{
	(void)state;
	assert_printed("SIOINIT_SOCKET_MODE=660", "x", "SIOINIT_SOCKET_MODE=0660 (");
	assert_printed("", "x", "SIOINIT_SOCKET_MODE= (not set)\n");
	for (const char *const *s =
		 (const char *const[]){ "0", "1777", "888", "+660", "rw", "0x1f", NULL };
	     *s; s++) {
		char env[64];

		(void)snprintf(env, sizeof(env), "SIOINIT_SOCKET_MODE=%s", *s);
		assert_int_equal(load(env, ""), -EINVAL);
	}
}

static void ignores_service_links(void **state)
{
	(void)state;
	assert_printed("SIOINIT_SERVICE_HOST=10.0.0.1 SIOINIT_SERVICE_PORT_HTTP=80 "
		       "SIOINIT_PORT=tcp://10.0.0.1:80 SIOINIT_PORT_80_TCP_ADDR=10.0.0.1 "
		       "SIOINIT_ADMIN_PORT=tcp://10.0.0.2:9090",
		       "x", "SIOINIT_PORT=8080 (default)\n");
	assert_string_equal(config.links, "SIOINIT_PORT");
	assert_printed("PM2_PORT=tcp://10.0.0.1:80 PM2_PORT_80_TCP=tcp://10.0.0.1:80", "x",
		       "SIOINIT_PORT=8080 (default)\n");
	assert_string_equal(config.links, "PM2_PORT");
	assert_false(config_port_is_set(&config));
	assert_printed("PORT=udp://10.0.0.1:80 PM2_PORT=81", "x", "SIOINIT_PORT=81 (PM2_PORT)\n");
	assert_true(config_port_is_set(&config));
	assert_printed("SIOINIT_WORKER_PORT=tcp://10.0.0.1:80", "x",
		       "SIOINIT_WORKER_PORT= (not set)\n");
	assert_refused("SIOINIT_ADMIN_PORT=9090", "x",
		       "SIOINIT_ADMIN_PORT is no setting; did you mean SIOINIT_ADMIN_HOSTS?");
}

static void assert_command(const char *args, enum config_action wanted, const char *command)
{
	char text[256] = "";
	size_t n = 0;

	assert_int_equal(load("", args), 0);
	assert_int_equal(action, wanted);
	for (size_t i = 0; i < config.command_len; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? " " : "",
				      config.command[i]);
	assert_string_equal(text, command);
	if (config.command)
		assert_null(config.command[config.command_len]);
}

static void finds_the_command(void **state)
{
	(void)state;
	assert_command("worker.js", CONFIG_RUN, "worker.js");
	assert_command("--port 1 node --port 2 -- x", CONFIG_RUN, "node --port 2 -- x");
	assert_command("--port=1 -- --odd", CONFIG_RUN, "--odd");
	assert_command("", CONFIG_RUN, "");
	assert_command("--", CONFIG_RUN, "");
	assert_command("node --help", CONFIG_RUN, "node --help");
	assert_command("node check", CONFIG_RUN, "node check");
}

static void finds_the_subcommand(void **state)
{
	(void)state;
	assert_command("check", CONFIG_CHECK, "");
	assert_command("--port 1 check --workers 2 worker.js", CONFIG_CHECK, "worker.js");
	assert_int_equal(config.workers.n, 2);
	assert_command("check check", CONFIG_CHECK, "check");
	assert_command("health", CONFIG_HEALTH, "");
	assert_command("health --port 1 --ready", CONFIG_HEALTH_READY, "");
	assert_command("ping --ready", CONFIG_HEALTH_READY, "");
	assert_command("-- check", CONFIG_RUN, "check");
	assert_command("--help", CONFIG_HELP, "");
	assert_command("check -h", CONFIG_HELP, "");
	assert_command("--port 1 -V x", CONFIG_VERSION, "");
}

/* What pm2 is called with; args NULL: no such call. */
static void assert_call(const char *line, bool start, const char *script, const char *args)
{
	char text[256] = "";

	assert_int_equal(load("", line), 0);
	assert_int_equal(action, CONFIG_RUN);
	assert_null(config.command);
	assert_int_equal(config.pm2.start, start);
	assert_string_equal(config.pm2.script, script);
	for (char *const *a = config.pm2.args; *a; a++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
			       *text ? " " : "", *a);
	assert_string_equal(text, args);
}

static void understands_how_pm2_is_called(void **state)
{
	(void)state;
	assert_call("start a.js", true, "a.js", "");
	assert_call("start a.js -i 2 --name x -- -i b", true, "a.js", "-i b");
	assert_int_equal(config.pm2.n, 2);
	assert_call("--port 1 -i 2 a.js -i 3 --port 4", false, "a.js", "-i 3 --port 4");
	assert_int_equal(config.port, 1);
	assert_call("start -- npm start", true, "npm", "start");
	assert_call("ecosystem.config.js --only a,b --json --port 4", false, "ecosystem.config.js",
		    "");
	assert_string_equal(config.ecosystem_app, "a,b");
	assert_int_equal(config.worker_logs, WORKER_LOGS_JSON);
	assert_int_equal(config.port, 4);
	assert_command("a.js -i 2", CONFIG_RUN, "a.js -i 2");
	assert_command("-- start a.js", CONFIG_RUN, "start a.js");
	assert_command("./start", CONFIG_RUN, "./start");
	assert_command("env A=1 a.js", CONFIG_RUN, "env A=1 a.js");
	assert_command("--raw a.js", CONFIG_RUN, "a.js");
	assert_int_equal(load("", "start a.js b.js"), -EINVAL);
	assert_int_equal(load("", "start a.js --no-autostart"), -EINVAL);
	assert_int_equal(load("", "start a.js --name"), -EINVAL);
}

/* Of two meanings pm2's counts once pm2 is meant. */
static void an_option_of_both_is_pm2s_after_start(void **state)
{
	(void)state;
	assert_int_equal(load("", "--restart-delay 3 a.js"), 0);
	assert_int_equal(config.restart_delay_ms, 3000);
	assert_int_equal(load("", "start --restart-delay 3 a.js"), 0);
	assert_int_equal(config.restart_delay_ms, 100);
	assert_string_equal(config.pm2.said[0].option->what, "restart_delay");
}

/* All of pm2 7.0.4's: lib/binaries/CLI.js, commands and aliases. */
static void knows_all_words_of_pm2(void **state)
{
	static const char *const words[] = {
		"start",
		"trigger",
		"deploy",
		"startOrRestart",
		"startOrReload",
		"pid",
		"create",
		"startOrGracefulReload",
		"stop",
		"restart",
		"scale",
		"profile:mem",
		"profile:cpu",
		"reload",
		"id",
		"inspect",
		"delete",
		"del",
		"sendSignal",
		"ping",
		"updatePM2",
		"update",
		"install",
		"module:install",
		"module:update",
		"module:generate",
		"uninstall",
		"module:uninstall",
		"package",
		"publish",
		"module:publish",
		"set",
		"multiset",
		"get",
		"conf",
		"config",
		"unset",
		"report",
		"link",
		"unlink",
		"monitor",
		"unmonitor",
		"open",
		"plus",
		"register",
		"login",
		"logout",
		"dump",
		"save",
		"cleardump",
		"send",
		"attach",
		"resurrect",
		"unstartup",
		"startup",
		"logrotate",
		"ecosystem",
		"init",
		"reset",
		"describe",
		"desc",
		"info",
		"show",
		"list",
		"ls",
		"l",
		"ps",
		"jlist",
		"slist",
		"sysinfos",
		"prettylist",
		"monit",
		"imonit",
		"dashboard",
		"dash",
		"flush",
		"reloadLogs",
		"logs",
		"log",
		"kill",
		"pull",
		"forward",
		"backward",
		"deepUpdate",
		"autoinstall",
		"examples",
		"install-otel",
		"uninstall-otel",
	};
	char *argv[] = { "env", "0", NULL };

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		char *one[] = { (char *)words[i], NULL };

		if (!pm2_word_find(one))
			fail_msg("%s is unknown", words[i]);
	}
	assert_non_null(pm2_word_find(argv));
}

static void pm2s_words_are_ours(void **state)
{
	char *argv[] = { "sendSignal", "--silent", "USR2", "0", NULL }, *ours[PM2_WORDS_MAX];
	char *list[] = { "ls", "--sort", "name", "-m", NULL };

	(void)state;
	assert_int_equal(pm2_word_translate(pm2_word_find(argv), argv, 4, ours), 3);
	assert_string_equal(ours[0], "signal");
	assert_string_equal(ours[1], "0");
	assert_string_equal(ours[2], "USR2");
	assert_int_equal(pm2_word_translate(pm2_word_find(list), list, 4, ours), 1);
	assert_string_equal(ours[0], "status");
}

static void helps_in_a_broken_environment(void **state)
{
	(void)state;
	assert_int_equal(load("SIOINIT_PORT=x SIOINIT_FOO=1", "--help"), 0);
	assert_int_equal(action, CONFIG_HELP);
}

static char *text_of(void (*print)(FILE *))
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	print(f);
	(void)fclose(f);
	return text;
}

#define TOKEN "0123456789abcdef"

static bool has(const char *entries, const char *text)
{
	for (; *entries; entries += strlen(entries) + 1)
		if (strstr(entries, text))
			return true;
	return false;
}

/* Neither the environment of other processes nor /proc/PID/environ has it. */
static void a_secret_stays_with_its_owner(void **state)
{
	char entry[] = "SIOINIT_ADMIN_TOKEN=" TOKEN, name[] = "sioinit", app[] = "x", *all;
	char *envp[] = { entry, NULL }, *argv[] = { name, app, NULL };

	(void)state;
	config_free(&config);
	assert_int_equal(config_load(2, argv, envp, &config, &action, err, sizeof(err)), 0);
	assert_int_equal(config_take_secrets(&config), 0);
	assert_string_equal(config.admin_token, TOKEN);
	assert_string_equal(entry, "SIOINIT_ADMIN_TOKEN=");
	assert_memory_equal(entry + 20, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	all = config_environment(&config, CONFIG_FROM_DEFAULT);
	assert_non_null(all);
	assert_true(has(all, "SIOINIT_PORT="));
	assert_false(has(all, TOKEN) || has(all, "SIOINIT_ADMIN_TOKEN="));
	free(all);
	assert_printed("SIOINIT_ADMIN_TOKEN=" TOKEN, "x",
		       "SIOINIT_ADMIN_TOKEN=(hidden) (SIOINIT_ADMIN_TOKEN)\n");
	assert_refused("SIOINIT_ADMIN_TOKEN=secret", "x",
		       "SIOINIT_ADMIN_TOKEN=\"...\": shorter than 16 characters, which could be "
		       "guessed: openssl rand -hex 16 makes one");
	assert_refused("SIOINIT_ADMIN_TOKEN=" TOKEN " SIOINIT_ADMIN_TOKEN_FILE=/x", "x",
		       "SIOINIT_ADMIN_TOKEN and SIOINIT_ADMIN_TOKEN_FILE are both set: one is "
		       "enough");
	assert_refused("", "--admin-token=" TOKEN " x",
		       "--admin-token: not on the command line, which everybody can read: in the "
		       "environment, or --admin-token-file");
}

/* Until the next call. */
static const char *json_of(bool all)
{
	static char text[65536];
	struct buf out = BUF_INIT(sizeof(text) - 1);

	assert_int_equal(config_json(&config, all, &out), 0);
	memcpy(text, out.p, out.len);
	text[out.len] = '\0';
	buf_free(&out);
	return text;
}

static void as_json_settings_are_shown_to_who_may_see_them(void **state)
{
	(void)state;
	assert_int_equal(load("SIOINIT_ADMIN_TOKEN=" TOKEN " SIOINIT_ON_END=\"do\" "
			      "SIOINIT_SIDECAR_X=run",
			      "x"),
			 0);
	assert_null(strstr(json_of(true), TOKEN));
	assert_non_null(strstr(json_of(true), "{\"name\":\"SIOINIT_ON_END\",\"value\":"
					      "\"\\\"do\\\"\",\"origin\":\"SIOINIT_ON_END\","
					      "\"hidden\":false}"));
	assert_non_null(strstr(json_of(true), "{\"name\":\"SIOINIT_SIDECAR_X\",\"value\":\"run\""));
	assert_null(strstr(json_of(false), "do\\"));
	assert_non_null(strstr(json_of(false), "{\"name\":\"SIOINIT_SIDECAR_X\",\"value\":null"));
	assert_non_null(strstr(json_of(false), "{\"name\":\"SIOINIT_ROUTERS\",\"value\":\"1\","
					       "\"origin\":\"default\",\"hidden\":false}"));
}

static void names_of_hosts_are_names(void **state)
{
	static const char wrong[] = "not a list of names without ports, such as "
				    "admin.example.com,*.internal.example";
	static const char *const refused[] = { "a:80", "*",  "*.",   "a..b",
					       ".a",   "a.", "a,,b", "http://a" };
	char env[64], line[256];

	(void)state;
	assert_int_equal(load("SIOINIT_ADMIN_HOSTS=a.example,*.b_c.example,d", "x"), 0);
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		(void)snprintf(env, sizeof(env), "SIOINIT_ADMIN_HOSTS=%s", refused[i]);
		(void)snprintf(line, sizeof(line), "SIOINIT_ADMIN_HOSTS=\"%s\": %s", refused[i],
			       wrong);
		assert_refused(env, "x", line);
	}
}

static void help_fits_a_terminal(void **state)
{
	char *text = text_of(config_help), *save = NULL;

	(void)state;
	assert_non_null(strstr(text, "  --stop-timeout SECONDS\n"));
	assert_non_null(strstr(text, "also PORT, PM2_PORT\n"));
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (strlen(line) > 90)
			fail_msg("too long: %s", line);
	free(text);
}

/* Pages are found from the tree's root, where ctest runs this: the compiler may have been told this
 * file's path from elsewhere. */
static void assert_is_in(const char *page, void (*print)(FILE *))
{
	static char text[131072];
	FILE *f = fopen(page, "re");
	char *wanted;
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	(void)fclose(f);
	wanted = text_of(print);
	if (!strstr(text, wanted))
		fail_msg("%s is not what the table says: run script/docs", page);
	free(wanted);
}

static void man_page_is_current(void **state)
{
	(void)state;
	assert_is_in("docs/sioinit.8", config_print_mdoc);
	assert_is_in("docs/sioinit.8", pm2_print_mdoc);
	assert_is_in("docs/compatibility.md", pm2_print_markdown);
	assert_is_in("docs/settings.md", config_print_markdown);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_defaults),
		cmocka_unit_test(reads_how_clients_are_distributed),
		cmocka_unit_test(has_sidecars_by_name),
		cmocka_unit_test(has_sixteen_sidecars_at_most),
		cmocka_unit_test(splits_what_needs_no_shell),
		cmocka_unit_test(waits_for_kubernetes),
		cmocka_unit_test(prefers_flag_to_env_to_alias_to_default),
		cmocka_unit_test(takes_empty_for_unset),
		cmocka_unit_test(reads_values),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(reads_cookie_attributes),
		cmocka_unit_test(reads_limits_of_processes),
		cmocka_unit_test(refuses_wrong_values),
		cmocka_unit_test(knows_names_that_are_not_settings),
		cmocka_unit_test(reads_permissions),
		cmocka_unit_test(ignores_service_links),
		cmocka_unit_test(finds_the_command),
		cmocka_unit_test(finds_the_subcommand),
		cmocka_unit_test(understands_how_pm2_is_called),
		cmocka_unit_test(an_option_of_both_is_pm2s_after_start),
		cmocka_unit_test(knows_all_words_of_pm2),
		cmocka_unit_test(pm2s_words_are_ours),
		cmocka_unit_test(helps_in_a_broken_environment),
		cmocka_unit_test(a_secret_stays_with_its_owner),
		cmocka_unit_test(as_json_settings_are_shown_to_who_may_see_them),
		cmocka_unit_test(names_of_hosts_are_names),
		cmocka_unit_test(help_fits_a_terminal),
		cmocka_unit_test(man_page_is_current),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
