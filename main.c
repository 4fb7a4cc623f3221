/* Picks the role: init, its router, the writer of its workers' logs, or one of the small commands.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "commands/cli.h"
#include "commands/completion.h"
#include "commands/explain.h"
#include "commands/health.h"
#include "commands/migrate.h"
#include "commands/pm2.h"
#include "commands/version.h"
#include "init/init.h"
#include "init/logs/log_files.h"
#include "init/supervisor/termination_log.h"
#include "init/system/credentials.h"
#include "init/system/process_limits.h"
#include "init/system/role.h"
#include "init/worker/command.h"
#include "peers/peers.h"
#include "router/router.h"
#include "router/sandbox.h"
#include "settings/config.h"
#include "settings/ecosystem/ecosystem.h"
#include "settings/ecosystem/ecosystem_name.h"
#include "settings/node_options.h"

#include "base/ban.h"

_Static_assert((int)CONFIG_BALANCE_RANDOM == (int)BALANCE_RANDOM, "the same in both");
_Static_assert((int)CONFIG_TRACEPARENT_MAKE == (int)TRACE_MAKE, "the same in both");
_Static_assert((int)CONFIG_UPSTREAM_UNIX == (int)UPSTREAM_UNIX, "the same in both");
_Static_assert((int)CONFIG_STICKY_NONE == (int)STICKY_NONE, "the same in both");

/* Whom init has found SIOINIT_USER and SIOINIT_GROUP to be: before anything of the network's is
 * there. A change of ids takes the death signal away (prctl(2)), and the descriptors in /proc/self,
 * which logs are opened anew by. */
static void become_user(void)
{
	const char *ids = getenv(ROLE_IDS);
	struct credentials c;
	int e;

	if (!ids)
		return;
	e = credentials_parse(ids, &c);
	if (e == 0)
		e = credentials_assume(&c);
	if (e == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0))
		e = -errno;
	if (e < 0)
		die(EXIT_OUR_FAILURE, SIO_001, "cannot become SIOINIT_USER (%s): %s", ids,
		    strerror(-e));
	credentials_free(&c);
}

/* What ps, top and pgrep show as the command's name; at most 15 bytes. */
static void name_process(const char *name)
{
	(void)prctl(PR_SET_NAME, name);
}

/* Its end of the channel that init has made. */
static int role_fd(void)
{
	const char *fd = getenv(ROLE_FD);

	if (!fd)
		die(EXIT_OUR_FAILURE, SIO_002,
		    ROLE_NAME " is for processes that sioinit starts itself");
	return atoi(fd);
}

/* A span needs a trace. */
static struct trace_rule trace_rule(const struct config *c)
{
	enum trace_mode mode = (enum trace_mode)c->traceparent;

	return (struct trace_rule){ mode == TRACE_OFF && c->trace_spans ? TRACE_KEEP : mode,
				    c->trace_sample };
}

static int run_router(const struct config *c)
{
	struct router_conf conf = {
		.header_timeout_ms = c->header_timeout_ms,
		.keepalive_timeout_ms = c->keepalive_timeout_ms,
		.body_timeout_ms = c->body_timeout_ms,
		.response_timeout_ms = c->response_timeout_ms,
		.tunnel_timeout_ms = c->tunnel_timeout_ms,
		.max_connections = c->max_connections,
		.max_sessions = c->session_table,
		.max_head_bytes = c->max_head_bytes,
		.max_connections_per_address = c->max_connections_per_address,
		.handshake_rate = c->handshake_rate,
		.handshake_burst = c->handshake_burst,
		.handshake_rate_per_address = c->handshake_rate_per_address,
		.handshake_burst_per_address = c->handshake_burst_per_address,
		.trusted = &c->trusted_proxies,
		.proxy_protocol = c->proxy_protocol,
		.request_id = c->request_id,
		.trace = trace_rule(c),
		.trace_spans = c->trace_spans,
		.access_format = (enum access_format)c->access_log,
		.probe_path = c->probe_path,
		.health_path = c->worker_health_path,
		.health_interval_ms = c->worker_health_interval_ms,
		.drain_time_ms = config_drain_time_ms(c),
		.upstream = (enum upstream_kind)c->upstream,
		.balance = (enum balance_method)c->balance,
		.sticky = (enum sticky_kind)c->sticky.kind,
		.sticky_name = c->sticky.name,
		.sticky_cookie = c->sticky_cookie,
		.sticky_cookie_attributes = c->sticky_cookie_attributes.attributes,
		.sticky_cookie_secure_auto = c->sticky_cookie_attributes.secure_auto,
		.sid_param = c->sid_param,
		.slow_start_ms = c->slow_start_ms,
		.admin_hosts = c->admin_hosts,
		.sandbox = c->sandbox == CONFIG_SANDBOX_AUTO,
	};

	if (conf.sandbox)
		sandbox_begin();
	become_user();
	return router_main(&conf, role_fd());
}

static int run_log_writer(const struct config *c)
{
	become_user();
	return log_writer_main(c, role_fd());
}

static int run_peers(const struct config *c)
{
	if (!c->peers)
		die(EXIT_OUR_FAILURE, SIO_003,
		    "who looks for SIOINIT_PEERS is started by sioinit itself");
	log_set_component("peers");
	if (c->sandbox == CONFIG_SANDBOX_AUTO)
		sandbox_begin();
	become_user();
	peers_prepare();
	if (c->sandbox == CONFIG_SANDBOX_AUTO)
		sandbox_enter_asker();
	return peers_main(c->peers);
}

static const struct {
	const struct role *role;
	int (*run)(const struct config *c);
} roles[] = {
	{ &role_router, run_router },
	{ &role_logs, run_log_writer },
	{ &role_peers, run_peers },
};

static int run_role(const char *name, const struct config *c)
{
	for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
		if (strcmp(name, roles[i].role->name) != 0)
			continue;
		name_process(roles[i].role->process);
		return roles[i].run(c);
	}
	die(EXIT_OUR_FAILURE, SIO_004, ROLE_NAME "=%s: there is no such role", name);
}

static void say_links(const struct config *c)
{
	if (c->links[0])
		log_info("settings: passed over, as Kubernetes or Docker has set them for a "
			 "service: %s",
			 c->links);
}

static int run_init(struct config *c)
{
	struct command cmd;
	char err[512];
	int code, r;

	name_process("sioinit");
	if (process_limits_init(err, sizeof(err)) < 0)
		die(EXIT_BAD_CONFIG, SIO_026, "%s", err);
	r = command_resolve(c, &cmd, &code, err, sizeof(err));

	if (r < 0)
		die(code, SIO_027, "%s", err);
	code = init_main(c, &cmd);
	command_free(&cmd);
	return code;
}

/* `sioinit ecosystem.config.js` is how pm2-runtime is called, and `start` alone means that name. */
static void take_ecosystem_file(struct config *c)
{
	char err[256] = "out of memory";
	struct pm2_call *call = &c->pm2;

	if (!call->script && call->start && !c->ecosystem)
		call->script = c->app ? c->app : "ecosystem.config.js";
	if (!call->script || !ecosystem_is_file(call->script))
		return;
	if (config_set(c, "ecosystem", call->script, CONFIG_FROM_FLAG, "command", err,
		       sizeof(err)) < 0)
		die(EXIT_BAD_CONFIG, SIO_005, "%s", err);
	call->script = NULL;
}

/* Of the options of pm2's, those without an effect. */
static void say_without_effect(const struct config *c)
{
	const struct pm2_call *call = &c->pm2;

	for (size_t i = 0; i < call->n; i++) {
		const struct pm2_option *o = call->said[i].option;

		if (o->kind == PM2_OPTION_NOTHING)
			log_warn(SIO_006, "--%s: no effect: %s", o->name, o->text);
		else if (o->kind == PM2_OPTION_KEY && !o->in_file && c->ecosystem)
			log_warn(SIO_007, "--%s: no effect beside %s: the key is %s", o->name,
				 c->ecosystem, o->what);
	}
	if (c->ecosystem && call->args && *call->args)
		log_warn(SIO_008, "-- %s: no effect beside %s: the key is args", *call->args,
			 c->ecosystem);
	if (c->command_len > 2 && pm2_option_is_instances(c->command[1]))
		log_info("%s %s is an argument of %s: as an option it stands before it",
			 c->command[1], c->command[2], c->command[0]);
}

/* What @c borrows from then on stays for the life of the process. */
static void apply_ecosystem(struct config *c)
{
	static struct ecosystem e;
	const char *env = c->ecosystem_env ? c->ecosystem_env : getenv("NODE_ENV");
	struct ecosystem_request rq = { c->ecosystem ? c->ecosystem : "command line",
					c->ecosystem ? c->ecosystem_app : NULL, env, &c->pm2 };
	char err[512] = "out of memory";
	int r = c->ecosystem ? ecosystem_load(&rq, ECOSYSTEM_TIMEOUT_MS, &e, err, sizeof(err))
			     : ecosystem_of_call(&rq, &e, err, sizeof(err));

	if (r < 0 || ecosystem_apply(&e, &rq, c, err, sizeof(err)) < 0)
		die(EXIT_BAD_CONFIG, SIO_025, "%s", err);
}

/* What will run: the settings with the ecosystem file's, and with the options for Node in them. */
static void complete(struct config *c)
{
	take_ecosystem_file(c);
	say_without_effect(c);
	if (c->ecosystem || c->pm2.script)
		apply_ecosystem(c);
	node_options_apply(c, getenv("NODE_OPTIONS"));
	say_links(c);
}

static int run_app(struct config *c)
{
	complete(c);
	return run_init(c);
}

static int check(struct config *c)
{
	complete(c);
	config_print(c, stdout);
	return 0;
}

static int help(struct config *c)
{
	(void)c;
	config_help(stdout);
	return 0;
}

static int version(struct config *c)
{
	return version_run(c->command, c->command_len);
}

static int health(struct config *c)
{
	return health_ask(c, false);
}

static int health_ready(struct config *c)
{
	return health_ask(c, true);
}

static int cli(struct config *c)
{
	return cli_run(c, c->command, c->command_len);
}

static int pm2(struct config *c)
{
	return pm2_run(c, c->command, c->command_len);
}

static int migrate(struct config *c)
{
	return migrate_run(c, c->command, c->command_len);
}

static int completion(struct config *c)
{
	return completion_run(c->command, c->command_len);
}

static int explain(struct config *c)
{
	return explain_run(c->command, c->command_len);
}

static int (*const acts[CONFIG_N_ACTIONS])(struct config *c) = {
	[CONFIG_RUN] = run_app,     [CONFIG_HELP] = help,
	[CONFIG_VERSION] = version, [CONFIG_CHECK] = check,
	[CONFIG_HEALTH] = health,   [CONFIG_HEALTH_READY] = health_ready,
	[CONFIG_CLI] = cli,         [CONFIG_PM2] = pm2,
	[CONFIG_MIGRATE] = migrate, [CONFIG_COMPLETION] = completion,
	[CONFIG_EXPLAIN] = explain,
};

/* For init: a signal that comes before there are handlers waits for them (signals_init()); process
 * 1 would never see it otherwise. All others block none, whatever they were started with. */
static void set_signal_mask(bool block)
{
	sigset_t mask;

	(void)sigemptyset(&mask);
	if (block)
		(void)sigfillset(&mask);
	(void)sigprocmask(SIG_SETMASK, &mask, NULL);
}

int main(int argc, char **argv)
{
	const char *role = getenv(ROLE_NAME);
	enum config_action action = CONFIG_RUN;
	static struct config c; /* what it owns is for the life of the process */
	char err[512];

	fd_open_standard();
	log_set_format(LOG_FORMAT_AUTO);
	if (getpid() == 1)
		termination_log_open("auto"); /* bad settings are told there, too */
	if (config_load(argc, argv, environ, &c, &action, err, sizeof(err)) < 0)
		die(EXIT_BAD_CONFIG, SIO_005, "%s", err);
	if (config_take_secrets(&c) < 0)
		die(EXIT_OUR_FAILURE, SIO_541, "out of memory");
	set_signal_mask(action == CONFIG_RUN && !role);
	log_set_level((enum log_level)c.log_level);
	log_set_format((enum log_format)c.log_format);
	if (role)
		return run_role(role, &c);
	return acts[action](&c);
}
