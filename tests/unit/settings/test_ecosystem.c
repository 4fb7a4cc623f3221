/* pm2's ecosystem file: every key, the choice of the app, the command, YAML, and wrong values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h"
#include "settings/ecosystem/ecosystem.h"
#include "settings/ecosystem/ecosystem_name.h"
#include "settings/ecosystem/ecosystem_reader.h"
#include "settings/ecosystem/ecosystem_words.h"

enum { TEXT_MAX = 4096 };

static struct ecosystem eco;
static char err[512], shown[TEXT_MAX];

static int parse(enum ecosystem_format format, const char *text, const char *app, const char *env)
{
	struct ecosystem_request rq = { "eco", app, env, NULL };

	err[0] = '\0';
	return ecosystem_parse(&rq, format, str_of(text), &eco, err, sizeof(err));
}

static size_t put_list(size_t n, const char *what, const struct ecosystem_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		n += (size_t)snprintf(shown + n, sizeof(shown) - n, "%s%s=%s\n", what,
				      l->items[i].name, l->items[i].value);
	return n;
}

/* Settings, $variables, |words of the command, ~changed and !ignored keys, each on its line. */
static void show(void)
{
	size_t n = put_list(0, "", &eco.settings);

	n = put_list(n, "$", &eco.env);
	for (size_t i = 0; i < eco.command_len; i++)
		n += (size_t)snprintf(shown + n, sizeof(shown) - n, "|%s", eco.command[i]);
	n += (size_t)snprintf(shown + n, sizeof(shown) - n, "\n");
	assert_null(eco.command[eco.command_len]);
	n = put_list(n, "~", &eco.changed);
	(void)put_list(n, "!", &eco.ignored);
	ecosystem_free(&eco);
}

static void assert_has(const char *app, const char *line)
{
	char text[TEXT_MAX];

	(void)snprintf(text, sizeof(text), "{ \"apps\": [ { \"script\": \"a.js\", %s } ] }", app);
	if (parse(ECOSYSTEM_JSON, text, NULL, "production") < 0)
		fail_msg("%s: %s", app, err);
	show();
	if (!strstr(shown, line))
		fail_msg("%s: not %s but\n%s", app, line, shown);
}

static void assert_refused(const char *app, const char *why)
{
	char text[TEXT_MAX];

	(void)snprintf(text, sizeof(text), "[ { \"script\": \"a.js\", %s } ]", app);
	assert_int_equal(parse(ECOSYSTEM_JSON, text, NULL, NULL), -EINVAL);
	assert_string_equal(err, why);
}

static void has_a_setting_for_a_key(void **state)
{
	static const struct {
		const char *key, *line;
	} cases[] = {
		{ "\"instances\": 4", "workers=4\n" },
		{ "\"instances\": \"max\"", "workers=max\n" },
		{ "\"instances\": -1", "workers=-1\n" },
		{ "\"name\": \"x\"", "workers=1\n" },
		{ "\"port\": 3000", "port=3000\n" },
		{ "\"max_memory_restart\": \"200M\"", "max-memory=200M\n" },
		{ "\"maxMemoryRestart\": 1000", "max-memory=1000\n" },
		{ "\"kill_timeout\": 1600", "stop-timeout=1.6\n" },
		{ "\"kill_timeout\": \"3000\"", "stop-timeout=3\n" },
		{ "\"listen_timeout\": 8000", "\nstop-signal=INT\n" },
		{ "\"listen_timeout\": 40000", "ready-timeout=40\n" },
		{ "\"wait_ready\": true", "wait-ready=on\nwait-ready-timeout=3\n" },
		{ "\"wait_ready\": true, \"listen_timeout\": 8000", "wait-ready-timeout=8\n" },
		{ "\"listen_timeout\": \"40000\", \"wait_ready\": true",
		  "wait-ready-timeout=40\nready-timeout=80\n" },
		{ "\"exp_backoff_restart_delay\": 100",
		  "restart-delay=0.1\nrestart-backoff=1.5\n" },
		{ "\"restart_delay\": 2000", "restart-delay=2\nrestart-backoff=1\n" },
		{ "\"exp_backoff_restart_delay\": 100, \"restart_delay\": 2000",
		  "restart-delay=0.1\nrestart-backoff=1.5\nworkers" },
		{ "\"shutdown_with_message\": true", "stop-message=shutdown\n" },
		{ "\"cron_restart\": \"0 3 * * *\"", "cron-restart=0 3 * * *\n" },
		{ "\"cron\": \"0 3 * * *\"", "cron-restart=0 3 * * *\n" },
		{ "\"cron_restart\": 0, \"shutdown_with_message\": false",
		  "workers=1\nstop-signal" },
		{ "\"treekill\": false", "stop-group=leader\n" },
		{ "\"max_restarts\": 10", "max-restarts=10\n" },
		{ "\"max_restarts\": 0", "restart=once\n" },
		{ "\"min_uptime\": 5000", "min-uptime=5\n" },
		{ "\"min_uptime\": \"5000\"", "min-uptime=5\n" },
		{ "\"min_uptime\": \"10s\"", "min-uptime=10\n" },
		{ "\"min_uptime\": \"2m\"", "min-uptime=120\n" },
		{ "\"min_uptime\": \"1h\"", "min-uptime=3600\n" },
		{ "\"stop_exit_codes\": [0, \"78\"]", "stop-exit-codes=0,78\n" },
		{ "\"stop_exit_codes\": 3", "stop-exit-codes=3\n" },
		{ "\"autorestart\": false", "restart=once\n" },
		{ "\"autorestart\": \"false\"", "restart=once\n" },
		{ "\"out_file\": \"/l/o.log\"", "log-out=/l/o.log\n" },
		{ "\"output\": \"o.log\", \"instances\": 1", "log-out=o-{slot}.log\n" },
		{ "\"error\": \"o-12.log\", \"exec_mode\": \"cluster\"", "log-err=o-{slot}.log\n" },
		{ "\"err_file\": \"o.log\", \"instances\": 2, \"merge_logs\": true",
		  "log-err=o.log\n" },
		{ "\"combine_logs\": false, \"log\": \"o-.log\"", "log-all=o--{slot}.log\n" },
		{ "\"log_file\": \"combined.txt\", \"instances\": 2", "log-all=combined.txt\n" },
		{ "\"out_file\": \"/dev/null\", \"error_file\": \"NULL\"", "workers=1\nstop-s" },
		{ "\"out_file\": \"/dev/stdout\", \"log\": false", "workers=1\nstop-s" },
		{ "\"out_file\": \"a.log\", \"disable_logs\": true",
		  "worker-logs=off\nworkers=1\nstop-s" },
		{ "\"log_type\": \"json\"", "worker-logs=json\n" },
		{ "\"log_date_format\": \"HH:mm Z\"", "log-date=HH:mm Z\n" },
		{ "\"time\": true, \"log_date_format\": \"HH:mm Z\"",
		  "log-date=YYYY-MM-DDTHH:mm:ss\nworkers=1\n" },
		{ "\"instance_var\": \"ID\"", "instance-var=ID\n" },
		{ "\"incrementVar\": \"N\"", "increment-var=N\n" },
		{ "\"increment_var\": \"PORT\", \"env\": { \"PORT\": 3000 }",
		  "worker-port=3000\ndispatch=port\n" },
		{ "\"user\": \"node\"", "user=node\n" },
		{ "\"uid\": 1000, \"gid\": \"www\"", "user=1000\ngroup=www\n" },
		{ "\"watch\": true", "watch=.\n" },
		{ "\"watch\": [\"./src/\", \"lib\"], \"ignore_watch\": \"src/*.log\"",
		  "watch=src,lib\nwatch-ignore=src/*.log\n" },
		{ "\"x\": 1", "stop-signal=INT\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_has(cases[i].key, cases[i].line);
	assert_has("\"autorestart\": true", "workers=1\nstop-signal=INT\n|a.js");
}

static void has_the_variables(void **state)
{
	static const char env[] =
	    "\"env\": { \"A\": \"x y\", \"N\": 0.1, \"I\": -3, \"B\": true, \"O\": { \"k\": [1] }, "
	    "\"Z\": null, \"PORT\": 3000, \"SIOINIT_LOG_LEVEL\": \"debug\" },"
	    "\"env_staging\": { \"A\": \"s\" }, \"env_production\": { \"A\": \"p\" }";

	(void)state;
	assert_has(env, "$A=p\n");
	assert_null(strstr(shown, "$A=x y"));
	assert_has(env, "$N=0.1\n");
	assert_has(env, "$I=-3\n");
	assert_has(env, "$B=true\n");
	assert_has(env, "$O={\"k\":[1]}\n");
	assert_null(strstr(shown, "Z="));
	assert_has(env, "port=3000\nSIOINIT_LOG_LEVEL=debug\n");
	assert_has(env, "~env_staging=counts when NODE_ENV is staging\n");
	assert_refused("\"env\": { \"a=b\": 1 }", "eco: env.a=b: not the name of a variable");
	assert_refused("\"env\": [1]", "eco: env: not an object of variables");
}

static void has_the_command(void **state)
{
	static const struct {
		const char *keys, *command;
	} cases[] = {
		{ "\"x\": 1", "\n|a.js\n" },
		{ "\"args\": \"--a 1\"", "|a.js|--a|1\n" },
		{ "\"args\": [\"--a b\", 7]", "|a.js|--a b|7\n" },
		{ "\"node_args\": \"--inspect\"", "|node|--inspect|a.js\n" },
		{ "\"interpreterArgs\": [\"-r\", \"x\"], \"args\": \"y\"", "|node|-r|x|a.js|y\n" },
		{ "\"interpreter\": \"bun\"", "|bun|a.js\n" },
		{ "\"interpreter\": \"none\", \"script\": \"/bin/x\"", "|/bin/x\n" },
		{ "\"interpreter\": \"node@18\"", "|node|a.js\n~interpreter=" },
		{ "\"script\": \"a.py\"", "|python3|a.py\n" },
		{ "\"script\": \"run.sh\"", "|bash|run.sh\n" },
		{ "\"script\": \"npm run 'the server'\"", "|npm|run|the server\n" },
		{ "\"script\": \"node a.js | tee x\"", "|sh|-c|node a.js | tee x\n" },
		{ "\"exec_mode\": \"fork\"", "~exec_mode=" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_has(cases[i].keys, cases[i].command);
}

static void says_what_has_no_effect(void **state)
{
	(void)state;
	assert_has("\"io\": {}", "!io=nothing is reported");
	assert_has("\"watch\": false, \"ignore_watch\": [{}]", "|a.js\n");
	assert_null(strstr(shown, "watch"));
	assert_has("\"watch\": true", "~watch=workers are replaced one by one");
	assert_has("\"outFile\": true", "!outFile=it names no file");
	assert_has("\"nonsense\": 1", "!nonsense=no key of pm2's");
	assert_has("\"treekill\": false", "~treekill=");
	assert_has("\"watch\": false, \"treekill\": true", "|a.js\n");
	assert_null(strstr(shown, "!"));
}

static void says_what_is_wrong(void **state)
{
	(void)state;
	assert_refused("\"kill_timeout\": \"soon\"",
		       "eco: kill_timeout: not a number of milliseconds");
	assert_refused("\"min_uptime\": \"1d\"",
		       "eco: min_uptime: not a number of milliseconds or such as \"10s\"");
	assert_refused("\"waitReady\": \"x\"", "eco: waitReady: not true or false");
	assert_refused("\"stop_exit_codes\": [[]]",
		       "eco: stop_exit_codes: not a list of exit codes");
	assert_refused("\"script\": 1", "eco: script: not a text");
	assert_refused("\"args\": 1", "eco: args: not a text or a list of texts");
	assert_refused("\"exec_mode\": \"thread\"", "eco: exec_mode: not cluster or fork");
	assert_refused("\"filter_env\": [\"\"]",
		       "eco: filter_env: not a variable or a list of parts of their names");
	assert_refused("\"watch\": true, \"ignore_watch\": [{}]",
		       "eco: ignore_watch: not a path or a list of paths (no regular expressions)");
	assert_refused("\"watch\": true, \"watch_options\": { \"ignored\": \"x\" }",
		       "eco: watch_options.ignored: write it as ignore_watch, a list of paths and "
		       "patterns");
	assert_refused("\"autostart\": false",
		       "eco: autostart: no app in it is to be started (SIOINIT_ECOSYSTEM_APP runs "
		       "one by its name: a)");
	assert_refused("\"script\": \"serve\"",
		       "eco: script \"serve\" is pm2's own file server, which is not here: install "
		       "npm's and write \"npx\", args \"serve ...\"");
	assert_int_equal(parse(ECOSYSTEM_JSON, "{ \"apps\": [", NULL, NULL), -EINVAL);
	assert_non_null(strstr(err, "eco: line 1, column"));
	assert_int_equal(parse(ECOSYSTEM_JSON, "[]", NULL, NULL), -EINVAL);
	assert_string_equal(err, "eco: no apps in it");
	assert_int_equal(parse(ECOSYSTEM_JSON, "{ \"apps\": 1 }", NULL, NULL), -EINVAL);
	assert_int_equal(parse(ECOSYSTEM_JSON, "[1]", NULL, NULL), -EINVAL);
	assert_int_equal(parse(ECOSYSTEM_JSON, "{}", NULL, NULL), -EINVAL);
	assert_string_equal(err, "eco: app \"\" has no script");
}

/* The app that clients are routed to, and |those beside it. */
static void assert_routed(const char *apps, const char *wanted)
{
	char text[TEXT_MAX], got[TEXT_MAX];
	size_t n;

	(void)snprintf(text, sizeof(text), "{ \"apps\": [ %s ] }", apps);
	assert_int_equal(parse(ECOSYSTEM_JSON, text, NULL, NULL), 0);
	n = (size_t)snprintf(got, sizeof(got), "%s", eco.app);
	for (size_t i = 0; i < eco.n_others; i++) {
		char name[SIDECAR_NAME_SIZE];

		ecosystem_other_name(&eco, i, name);
		n += (size_t)snprintf(got + n, sizeof(got) - n, "|%s", name);
	}
	ecosystem_free(&eco);
	assert_string_equal(got, wanted);
}

#define APP(name, more) "{ \"name\": \"" name "\", \"script\": \"x.js\"" more " }"

static void routes_to_one_of_several(void **state)
{
	(void)state;
	assert_routed(APP("a", "") "," APP("b", ""), "a|b");
	assert_routed(APP("a", "") "," APP("b", ", \"instances\": 1, \"exec_mode\": \"cluster\""),
		      "b|a");
	assert_routed(
	    APP("a", ", \"execMode\": \"cluster_mode\"") "," APP("b", ", \"instances\": \"max\""),
	    "b|a");
	assert_routed(APP("a", ", \"instances\": \"1\"") "," APP("b", ", \"instances\": -1"),
		      "b|a");
	assert_routed(APP("a", "") "," APP("b", ", \"autostart\": false"), "a");
	assert_routed(APP("a", ", \"autostart\": false") "," APP("b", ""), "b");
	assert_routed(APP("a", "") "," APP("Log-Shipper", "") "," APP("@x/y", "") "," APP(
			  "log.shipper", "") "," APP("9", ""),
		      "a|log_shipper|app__x_y|log_shipper_3|app_9");
	assert_routed(APP("a", "") "," APP("a name that is much too long for one", ""),
		      "a|a_name_that_is_much_too_");
}

static void keeps_what_the_others_can_have(void **state)
{
	static const char apps[] = "{ \"apps\": [" APP("a", ", \"instances\": 4") "," APP(
	    "b", ", \"cwd\": \"lib\", \"args\": \"one two\", \"autorestart\": false, "
		 "\"port\": 3001, \"env\": { \"PORT\": 3000, \"A\": \"1\", \"SIOINIT_WORKERS\": "
		 "2 }, \"kill_timeout\": 3000, \"instances\": 2, \"max_memory_restart\": \"1G\", "
		 "\"exec_mode\": \"fork\", \"interpreter\": \"bash\"") "] }";
	struct ecosystem all;

	(void)state;
	assert_int_equal(parse(ECOSYSTEM_JSON, apps, NULL, NULL), 0);
	all = eco;
	assert_int_equal(all.n_others, 1);
	assert_true(all.others[0].once);
	assert_string_equal(all.others[0].cwd, "lib");
	eco = all.others[0];
	all.n_others = 0;
	free(all.others);
	all.others = NULL;
	show();
	ecosystem_free(&all);
	assert_string_equal(
	    shown, "stop-timeout=3\nstop-signal=INT\n$PORT=3001\n$A=1\n"
		   "|bash|x.js|one|two\n"
		   "~instances=runs once: only the app that clients are routed to has several\n"
		   "!env.SIOINIT_WORKERS=only for the app that clients are routed to\n"
		   "!max_memory_restart=only for the app that clients are routed to\n");
}

/* Of each app beside it, behind those of the workers where there is a +. */
static void numbers_all_apps(void **state)
{
	static const char apps[] = "[" APP("a", "") "," APP("b", ", \"autostart\": false") "," APP(
	    "c", ", \"instances\": 4") "," APP("d", "") "," APP("e", "") "]";
	char got[64] = "";

	(void)state;
	assert_int_equal(parse(ECOSYSTEM_JSON, apps, NULL, NULL), 0);
	assert_int_equal(eco.pm_ids.before, 2);
	assert_int_equal(eco.pm_ids.behind, 2);
	for (size_t i = 0; i < eco.n_others; i++)
		(void)snprintf(got + strlen(got), sizeof(got) - strlen(got), " %s%u",
			       eco.others[i].behind_workers ? "+" : "", eco.others[i].pm_id);
	assert_string_equal(got, " 0 +2 +3");
	ecosystem_free(&eco);
}

static void names_the_app_by_its_environment(void **state)
{
	(void)state;
	assert_int_equal(parse(ECOSYSTEM_JSON, "[" APP("a", ", \"append_env_to_name\": true") "]",
			       NULL, "production"),
			 0);
	assert_string_equal(eco.app, "a-production");
	ecosystem_free(&eco);
}

static void lets_nobody_be_another_user_beside_the_workers(void **state)
{
	static const char same[] = "[" APP("a", ", \"uid\": 1000, \"instances\": 2") "," APP(
	    "b", ", \"user\": \"1000\"") "," APP("c", "") "]";

	(void)state;
	assert_int_equal(parse(ECOSYSTEM_JSON,
			       "[" APP("a", ", \"instances\": 2") "," APP("b", ", \"uid\": 1") "]",
			       NULL, NULL),
			 -EINVAL);
	assert_non_null(strstr(err, "eco: app \"b\": uid: what runs beside the workers"));
	assert_int_equal(parse(ECOSYSTEM_JSON, same, NULL, NULL), 0);
	assert_int_equal(eco.others[0].changed.n, 0);
	assert_string_equal(eco.others[1].changed.items[0].value, "runs as the workers do");
	ecosystem_free(&eco);
}

static void filters_the_environment(void **state)
{
	char *env[] = { "AWS_KEY=1", "PATH=/", "MY_AWS=2", "SIOINIT_AWS=3", "A=AWS", NULL }, **kept;

	(void)state;
	assert_int_equal(
	    parse(ECOSYSTEM_JSON, "[" APP("a", ", \"filter_env\": [\"AWS\"]") "]", NULL, NULL), 0);
	kept = ecosystem_filtered(&eco, env);
	assert_ptr_equal(kept[0], env[1]);
	assert_ptr_equal(kept[1], env[3]);
	assert_ptr_equal(kept[2], env[4]);
	assert_null(kept[3]);
	free(kept);
	ecosystem_free(&eco);
	assert_int_equal(
	    parse(ECOSYSTEM_JSON, "[" APP("a", ", \"filter_env\": \"AWS_KEY\"") "]", NULL, NULL),
	    0);
	kept = ecosystem_filtered(&eco, env);
	assert_ptr_equal(kept[0], env[1]);
	assert_ptr_equal(kept[1], env[2]);
	free(kept);
	ecosystem_free(&eco);
}

static bool is_setting(const char *name)
{
	struct config_option o;

	for (size_t i = 0; name && config_option(i, &o); i++)
		if (strcmp(o.name, name) == 0)
			return true;
	return false;
}

/* A setting that there is, or a class. */
static void says_what_becomes_of_every_key(void **state)
{
	const struct key *k;

	(void)state;
	for (size_t i = 0; (k = ecosystem_key(i)); i++) {
		const char *class, *more;

		ecosystem_key_class(k, &class, &more);
		if (!class && !is_setting(k->text))
			fail_msg("%s: neither a setting nor a class", k->name);
	}
}

static void says_which_of_several_is_wrong(void **state)
{
	(void)state;
	assert_int_equal(parse(ECOSYSTEM_JSON,
			       "[" APP("a", "") "," APP("b", ", \"max_restarts\": \"x\"") "]", NULL,
			       NULL),
			 -EINVAL);
	assert_string_equal(err, "eco: app \"b\": max_restarts: not a number");
	assert_int_equal(parse(ECOSYSTEM_JSON, "[" APP("a", "") ", 1]", NULL, NULL), -EINVAL);
	assert_string_equal(err, "eco: an app that is no object");
}

static void chooses_the_app(void **state)
{
	static const char two[] = "{ \"apps\": [ { \"name\": \"api\", \"script\": \"api.js\" }, "
				  "{ \"script\": \"./lib/jobs.js\" } ], \"deploy\": {} }";

	(void)state;
	assert_int_equal(parse(ECOSYSTEM_JSON, two, "jobs", NULL), 0);
	show();
	assert_non_null(strstr(shown, "|./lib/jobs.js\n"));
	assert_non_null(strstr(shown, "!deploy="));
	assert_int_equal(parse(ECOSYSTEM_JSON, two, "web", NULL), -EINVAL);
	assert_string_equal(err,
			    "eco: no app \"web\" in it, but api, jobs (SIOINIT_ECOSYSTEM_APP)");
	assert_int_equal(parse(ECOSYSTEM_JSON, "{ \"script\": \"one.js\" }", NULL, NULL), 0);
	show();
	assert_int_equal(parse(ECOSYSTEM_JSON, "{ \"pm2\": { \"script\": \"p.js\" } }", NULL, NULL),
			 0);
	show();
	assert_non_null(strstr(shown, "|p.js"));
}

static void reads_yaml(void **state)
{
	static const char text[] = "base: &base\n"
				   "  kill_timeout: 3000\n"
				   "  instances: 7\n"
				   "apps:\n"
				   "  - <<: *base\n"
				   "    script: a.js   # comment\n"
				   "    instances: max\n"
				   "    wait_ready: true\n"
				   "    args: ['1', two]\n"
				   "    env: { N: 0x10, O: 0o17, F: 1.50, S: '1.50', E: ~, T: "
				   "True, D: 010, Q: yes, X: 1e999 }\n";

	(void)state;
	assert_int_equal(parse(ECOSYSTEM_YAML, text, NULL, NULL), 0);
	show();
	for (const char *const *line =
		 (const char *const[]){ "stop-timeout=3\n", "workers=max\n", "wait-ready=on\n",
					"|a.js|1|two\n", "$N=16\n", "$O=15\n", "$F=1.5\n",
					"$S=1.50\n", "$T=true\n", "$D=10\n", "$Q=yes\n",
					"$X=1e999\n", NULL };
	     *line; line++)
		if (!strstr(shown, *line))
			fail_msg("not %s but\n%s", *line, shown);
	assert_null(strstr(shown, "$E"));
	assert_null(strstr(shown, "workers=7"));
}

static void refuses_yaml(void **state)
{
	char deep[TEXT_MAX] = "";

	(void)state;
	assert_int_equal(parse(ECOSYSTEM_YAML, "apps:\n - [", NULL, NULL), -EINVAL);
	assert_non_null(strstr(err, "eco: line "));
	assert_int_equal(parse(ECOSYSTEM_YAML, "", NULL, NULL), -EINVAL);
	assert_int_equal(parse(ECOSYSTEM_YAML, "? [a]\n: b", NULL, NULL), -EINVAL);
	assert_string_equal(err, "eco: line 1: not a mapping of names to values");
	memset(deep, '[', 100);
	memset(deep + 100, ']', 100);
	assert_int_equal(parse(ECOSYSTEM_YAML, deep, NULL, NULL), -EINVAL);
	assert_string_equal(err, "eco: line 1: too large or nested too deep");
	/* ten times ten times ... */
	(void)snprintf(deep, sizeof(deep), "a: &a [x,x,x,x,x,x,x,x,x,x]\n");
	for (char c = 'b'; c < 'h'; c++)
		(void)snprintf(deep + strlen(deep), sizeof(deep) - strlen(deep),
			       "%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c, c - 1,
			       c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1);
	assert_int_equal(parse(ECOSYSTEM_YAML, deep, NULL, NULL), -EINVAL);
	assert_non_null(strstr(err, "too large"));
}

/* As pm2 7.0.4 splits each of them. */
static void splits_words_as_pm2_does(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "", "" },
		{ "  a\tb ", "|a|b" },
		{ "'a b' c", "|a b|c" },
		{ "--x=\"a b\" y", "|--x=\"a b\"|y" },
		{ "--x='a b'", "|--x='a b'" },
		{ "\"\" ' ' z", "|z" },
		{ "a\"b c\"", "|a\"b|c\"" },
		{ "'unended x", "|'unended|x" },
		{ "--x=", "|--x=" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ecosystem_words w = { 0 };
		char text[256] = "";

		assert_int_equal(ecosystem_words_split(&w, cases[i].text), 0);
		for (size_t k = 0; k < w.n; k++)
			(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "|%s",
				       w.list[k]);
		assert_string_equal(text, cases[i].words);
		ecosystem_words_free(&w);
	}
}

static void knows_its_files(void **state)
{
	(void)state;
	assert_true(ecosystem_is_file("ecosystem.config.js"));
	assert_true(ecosystem_is_file("/etc/x.config.cjs"));
	assert_true(ecosystem_is_file("pm2.json"));
	assert_true(ecosystem_is_file("p.yml"));
	assert_false(ecosystem_is_file("worker.js"));
	assert_false(ecosystem_is_file(".json"));
	assert_false(ecosystem_is_file("x.json.js"));
}

static int load(const char *name, const char *text, unsigned timeout_ms)
{
	struct ecosystem_request rq = { name, NULL, NULL, NULL };
	FILE *f = fopen(name, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	(void)fclose(f);
	return ecosystem_load(&rq, timeout_ms, &eco, err, sizeof(err));
}

static void assert_loads(const char *name, const char *text, const char *line)
{
	if (load(name, text, 30000) < 0)
		fail_msg("%s: %s", name, err);
	show();
	if (!strstr(shown, line))
		fail_msg("%s: not %s but\n%s", name, line, shown);
}

static void lets_node_read_scripts(void **state)
{
	(void)state;
	assert_loads("a.config.js",
		     "console.log('noise'); setInterval(() => {}, 1000);"
		     "module.exports = { apps: [{ script: 'x'.repeat(3), instances: 1 + 1 }] };",
		     "workers=2\nstop-signal=INT\n|xxx\n");
	assert_loads("a.config.mjs", "export default { apps: [{ script: 'm.js' }] };", "|m.js\n");
	assert_loads("a.config.cjs", "exports.apps = [{ script: 'c.js' }];", "|c.js\n");
	assert_loads("a.json", "{ // comment\n script: 'j.js', }", "|j.js\n");
	assert_loads("b.json", "{ \"script\": \"k.js\" }", "|k.js\n");
	assert_loads("a.yml", "script: y.js", "|y.js\n");
}

static void says_why_a_file_cannot_be_read(void **state)
{
	struct ecosystem_request rq = { "none.config.js", NULL, NULL, NULL };

	(void)state;
	assert_int_equal(ecosystem_load(&rq, 1000, &eco, err, sizeof(err)), -EINVAL);
	assert_string_equal(err, "none.config.js: No such file or directory");
	assert_int_equal(load("e.config.js", "module.exports = 1n;", 30000), -EINVAL);
	assert_string_equal(err, "e.config.js: node cannot read it (what it says is above), or it "
				 "exports nothing");
	assert_int_equal(load("h.config.js", "for (;;);", 300), -EINVAL);
	assert_string_equal(err, "h.config.js: node has not come to its end within 0.3 s");
	assert_int_equal(
	    load("l.config.js", "exports.apps = [{ script: 'x'.repeat(2e6) }];", 30000), -EINVAL);
	assert_string_equal(err, "l.config.js: node cannot read it: Message too long");
}

static void assert_called(const struct pm2_call *call, const char *wanted)
{
	struct ecosystem_request rq = { "command line", NULL, NULL, call };

	if (ecosystem_of_call(&rq, &eco, err, sizeof(err)) < 0)
		fail_msg("%s", err);
	show();
	assert_string_equal(shown, wanted);
}

static void makes_an_app_of_pm2s_call(void **state)
{
	char *args[] = { "-p", "1", NULL };
	struct pm2_call call = { .start = true, .script = "a.js", .args = args };

	(void)state;
	call.said[0] = (struct pm2_said){ pm2_option_find("-i"), "3" };
	call.said[1] = (struct pm2_said){ pm2_option_find("--wait-ready"), NULL };
	call.said[2] = (struct pm2_said){ pm2_option_find("--stop-exit-codes"), "0,3" };
	call.n = 3;
	assert_called(
	    &call, "workers=3\nwait-ready=on\nstop-exit-codes=0,3\n"
		   "wait-ready-timeout=3\nstop-signal=INT\n|node|--enable-source-maps|a.js|-p|1\n");
	call.start = false;
	call.n = 1;
	assert_called(&call, "workers=3\n|a.js|-p|1\n");
}

static void takes_several_apps_of_a_list(void **state)
{
	struct ecosystem_request rq = { "eco", "c, a", NULL, NULL };
	const char *text = "[{\"script\": \"a.js\"}, {\"script\": \"b.js\"},"
			   "{\"script\": \"c.js\", \"instances\": 2}]";

	(void)state;
	assert_int_equal(ecosystem_parse(&rq, ECOSYSTEM_JSON, str_of(text), &eco, err, sizeof(err)),
			 0);
	assert_string_equal(eco.app, "c");
	assert_int_equal(eco.n_others, 1);
	assert_string_equal(eco.others[0].app, "a");
	ecosystem_free(&eco);
	rq.app = "a,x";
	assert_int_equal(ecosystem_parse(&rq, ECOSYSTEM_JSON, str_of(text), &eco, err, sizeof(err)),
			 -EINVAL);
	assert_string_equal(err, "eco: no app \"x\" in it, but a, b, c (SIOINIT_ECOSYSTEM_APP)");
}

/* bin/www of express: a script without an extension, not executable. */
static void runs_what_has_no_extension_with_node(void **state)
{
	FILE *f;

	(void)state;
	assert_int_equal(mkdir("bin", 0755), 0);
	f = fopen("bin/www", "we");
	(void)fputs("#!/usr/bin/env node\n", f);
	(void)fclose(f);
	f = fopen("bin/start", "we");
	(void)fputs("#!/bin/sh\n", f);
	(void)fclose(f);
	assert_loads("w.json", "{ \"script\": \"./bin/www\", \"args\": \"x\" }",
		     "|node|--enable-source-maps|./bin/www|x\n");
	assert_loads("w.json", "{ \"script\": \"www\", \"cwd\": \"bin\" }",
		     "|node|--enable-source-maps|www\n");
	assert_loads("w.json", "{ \"script\": \"start\", \"cwd\": \"bin\" }", "\n|./start\n");
	assert_loads("w.json",
		     "{ \"script\": \"start\", \"cwd\": \"bin\", \"interpreter\": \"none\" }",
		     "\n|./start\n");
	assert_loads("w.json", "{ \"script\": \"bin/start\" }", "\n|bin/start\n");
	assert_loads("w.json", "{ \"script\": \"/bin/ls\" }", "\n|/bin/ls\n");
}

static void write_program(const char *path)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	(void)fputs("#!/usr/bin/env node\n", f);
	(void)fclose(f);
	assert_int_equal(chmod(path, 0755), 0);
}

/* Where pm2 looks, too: the app's directory, then PATH. */
static void finds_the_script_in_path(void **state)
{
	char *before = strdup(getenv("PATH")), here[512], path[1024], wanted[1024];

	(void)state;
	assert_non_null(before);
	assert_non_null(getcwd(here, sizeof(here)));
	write_program("bin/npm");
	write_program("bin/next");
	(void)snprintf(path, sizeof(path), "%s/bin:%s", here, before);
	assert_int_equal(setenv("PATH", path, 1), 0);
	(void)snprintf(wanted, sizeof(wanted), "|node|--enable-source-maps|-r|x|%s/bin/next|dev\n",
		       here);
	assert_loads("w.json",
		     "{ \"script\": \"next\", \"args\": \"dev\", \"node_args\": \"-r x\" }",
		     wanted);
	assert_loads("w.json",
		     "{ \"script\": \"npm\", \"args\": \"start\", \"interpreter\": \"node\" }",
		     "\n|npm|start\n");
	assert_loads("w.json", "{ \"script\": \"next\" }", "\n|next\n");
	assert_int_equal(setenv("PATH", before, 1), 0);
	free(before);
}

static void maps_sources_unless_it_is_told_not_to(void **state)
{
	(void)state;
	assert_loads("w.json", "{ \"script\": \"a.js\" }", "\n|node|--enable-source-maps|a.js\n");
	assert_loads("w.json", "{ \"script\": \"a.js\", \"disable_source_map_support\": true }",
		     "\n|a.js\n");
	assert_loads("w.json", "{ \"script\": \"a.ts\", \"interpreter\": \"./x/ts-node\" }",
		     "\n|./x/ts-node|a.ts\n");
}

static void runs_python_by_the_name_that_there_is(void **state)
{
	static const char app[] = "{ \"script\": \"a.py\" }",
			  named[] = "{ \"script\": \"a.py\", \"interpreter\": \"python3\" }";
	char *before = strdup(getenv("PATH"));

	(void)state;
	assert_non_null(before);
	assert_int_equal(setenv("PATH", "bin", 1), 0);
	assert_loads("w.json", app, "\n|python3|a.py\n");
	assert_non_null(strstr(shown, "$PYTHONUNBUFFERED=1\n"));
	write_program("bin/python");
	assert_loads("w.json", app, "\n|python|a.py\n");
	assert_loads("w.json", named, "\n|python3|a.py\n");
	assert_int_equal(setenv("PATH", before, 1), 0);
	free(before);
}

/* Its name, exec_mode, pm_cwd and pm_exec_path, the last two without the directory. */
static void assert_identity(const char *text, const char *wanted)
{
	char got[TEXT_MAX] = "", here[512];

	assert_non_null(getcwd(here, sizeof(here)));
	if (load("w.json", text, 30000) < 0)
		fail_msg("%s", err);
	for (size_t i = 0; i < eco.identity.n; i++) {
		const char *value = eco.identity.items[i].value;
		size_t n = strlen(here);

		value += strncmp(value, here, n) == 0 ? n : 0;
		(void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "|%s=%s",
			       eco.identity.items[i].name, value);
	}
	ecosystem_free(&eco);
	assert_string_equal(got, wanted);
}

static void tells_the_app_what_pm2_does(void **state)
{
	(void)state;
	assert_identity("{ \"script\": \"./x/../a.js\", \"cwd\": \"./bin/\" }",
			"|name=a|exec_mode=fork_mode|pm_cwd=/bin|pm_exec_path=/bin/a.js");
	assert_identity("{ \"script\": \"a.js\", \"instances\": \"max\", \"name\": \"w\" }",
			"|name=w|exec_mode=cluster_mode|pm_cwd=|pm_exec_path=/a.js");
	assert_identity("{ \"script\": \"a.py\", \"instances\": 2, \"env\": { \"name\": \"x\" } }",
			"|exec_mode=fork_mode|pm_cwd=|pm_exec_path=/a.py");
	assert_identity("{ \"script\": \"/a/./b.js\", \"exec_mode\": \"cluster\" }",
			"|name=b|exec_mode=cluster_mode|pm_cwd=|pm_exec_path=/a/b.js");
}

static void comes_after_all_other_sources(void **state)
{
	static char *argv[] = { "sioinit", "--workers=5", NULL }, *envp[] = { "PORT=81", NULL };
	static const char text[] =
	    "{ \"script\": \"a.js\", \"instances\": 2, \"kill_timeout\": 1000, "
	    "\"env\": { \"PORT\": 80, \"ECO_TEST\": \"1\" }, \"cwd\": \"bin\" }";
	struct ecosystem_request rq = { "eco", NULL, NULL, NULL };
	enum config_action action;
	struct config c;
	char cwd[256];

	(void)state;
	assert_int_equal(config_load(2, argv, envp, &c, &action, err, sizeof(err)), 0);
	assert_int_equal(parse(ECOSYSTEM_JSON, text, NULL, NULL), 0);
	assert_int_equal(ecosystem_apply(&eco, &rq, &c, err, sizeof(err)), 0);
	assert_int_equal(c.workers.n, 5);
	assert_int_equal(c.port, 81);
	assert_int_equal(c.stop_timeout_ms, 1000);
	assert_int_equal(c.command_len, 1);
	assert_string_equal(c.command[0], "a.js");
	assert_string_equal(getenv("ECO_TEST"), "1");
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_string_equal(cwd + strlen(cwd) - 4, "/bin");
	assert_int_equal(chdir(".."), 0);
	config_free(&c);
	ecosystem_free(&eco);
}

static const char *variable(char *const *env, const char *name)
{
	for (; *env; env++)
		if (strncmp(*env, name, strlen(name)) == 0)
			return *env + strlen(name);
	return NULL;
}

static void the_others_have_nothing_of_the_app_that_is_routed_to(void **state)
{
	static char *argv[] = { "sioinit", "--min-uptime=9", "--sidecar=jobs=mine", NULL },
		    *envp[] = { NULL };
	static const char text[] =
	    "[ { \"script\": \"a.js\", \"instances\": 2, \"kill_timeout\": 1000, \"cwd\": \"bin\","
	    "\"env\": { \"ECO_TEST\": \"app\" } },"
	    "{ \"name\": \"mail\", \"script\": \"b.js\", \"args\": \"1\", \"cwd\": \"lib\", "
	    "\"min_uptime\": 1, \"kill_timeout\": 2000, \"env\": { \"B\": 2 } },"
	    "{ \"name\": \"jobs\", \"script\": \"c.js\" } ]";
	struct ecosystem_request rq = { "eco", NULL, NULL, NULL };
	enum config_action action;
	const struct config_sidecar *jobs = NULL, *mail = NULL;
	struct config c;

	(void)state;
	assert_int_equal(setenv("ECO_TEST", "before", 1), 0);
	assert_int_equal(config_load(3, argv, envp, &c, &action, err, sizeof(err)), 0);
	assert_int_equal(parse(ECOSYSTEM_JSON, text, NULL, NULL), 0);
	assert_int_equal(ecosystem_apply(&eco, &rq, &c, err, sizeof(err)), 0);
	assert_int_equal(chdir(".."), 0);
	assert_string_equal(getenv("ECO_TEST"), "app");
	assert_int_equal(c.stop_timeout_ms, 1000);
	assert_int_equal(c.sidecars.n, 2);
	jobs = &c.sidecars.list[0];
	mail = &c.sidecars.list[1];
	assert_string_equal(jobs->line, "mine");
	assert_string_equal(mail->name, "mail");
	assert_string_equal(mail->words[0], "b.js");
	assert_string_equal(mail->words[1], "1");
	assert_null(mail->words[2]);
	assert_int_equal(mail->cwd[0], '/');
	assert_string_equal(mail->cwd + strlen(mail->cwd) - 4, "/lib");
	assert_null(strstr(mail->cwd, "/bin"));
	assert_string_equal(variable(mail->env, "B="), "2");
	assert_string_equal(variable(mail->inherits, "ECO_TEST="), "before");
	assert_int_equal(mail->policy->stop_timeout_ms, 2000);
	assert_int_equal(mail->policy->stop_signal, SIGINT);
	assert_int_equal(mail->policy->min_uptime_ms, 9000); /* options are for all of them */
	config_free(&c);
	ecosystem_free(&eco);
}

static void refuses_a_wrong_setting_in_force(void **state)
{
	static char *argv[] = { "sioinit", NULL }, *envp[] = { NULL };
	struct ecosystem_request rq = { "eco", NULL, NULL, NULL };
	enum config_action action;
	struct config c;

	(void)state;
	assert_int_equal(config_load(1, argv, envp, &c, &action, err, sizeof(err)), 0);
	assert_int_equal(
	    parse(ECOSYSTEM_JSON, "{ \"script\": \"a\", \"instances\": 1.5 }", NULL, NULL), 0);
	assert_int_equal(ecosystem_apply(&eco, &rq, &c, err, sizeof(err)), -EINVAL);
	assert_string_equal(err,
			    "eco: instances: workers=\"1.5\": not a number, percentage, \"max\" "
			    "or \"auto\"");
	ecosystem_free(&eco);
	assert_int_equal(
	    parse(ECOSYSTEM_JSON, "{ \"script\": \"a\", \"cwd\": \"/nowhere\" }", NULL, NULL), 0);
	assert_int_equal(ecosystem_apply(&eco, &rq, &c, err, sizeof(err)), -EINVAL);
	assert_string_equal(err, "eco: cwd \"/nowhere\": No such file or directory");
	ecosystem_free(&eco);
	config_free(&c);
}

/* Files are made in a directory of our own. */
static int enter(void **state)
{
	static char dir[] = "/tmp/sioinit-ecosystem-XXXXXX";

	*state = dir;
	return mkdtemp(dir) ? chdir(dir) : -1;
}

static int leave(void **state)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf %s", (char *)*state);
	return chdir("/") || system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_a_setting_for_a_key),
		cmocka_unit_test(has_the_variables),
		cmocka_unit_test(has_the_command),
		cmocka_unit_test(says_what_has_no_effect),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(chooses_the_app),
		cmocka_unit_test(routes_to_one_of_several),
		cmocka_unit_test(keeps_what_the_others_can_have),
		cmocka_unit_test(numbers_all_apps),
		cmocka_unit_test(names_the_app_by_its_environment),
		cmocka_unit_test(lets_nobody_be_another_user_beside_the_workers),
		cmocka_unit_test(filters_the_environment),
		cmocka_unit_test(says_what_becomes_of_every_key),
		cmocka_unit_test(says_which_of_several_is_wrong),
		cmocka_unit_test(reads_yaml),
		cmocka_unit_test(refuses_yaml),
		cmocka_unit_test(splits_words_as_pm2_does),
		cmocka_unit_test(knows_its_files),
		cmocka_unit_test(lets_node_read_scripts),
		cmocka_unit_test(says_why_a_file_cannot_be_read),
		cmocka_unit_test(runs_what_has_no_extension_with_node),
		cmocka_unit_test(makes_an_app_of_pm2s_call),
		cmocka_unit_test(takes_several_apps_of_a_list),
		cmocka_unit_test(finds_the_script_in_path),
		cmocka_unit_test(maps_sources_unless_it_is_told_not_to),
		cmocka_unit_test(runs_python_by_the_name_that_there_is),
		cmocka_unit_test(tells_the_app_what_pm2_does),
		cmocka_unit_test(comes_after_all_other_sources),
		cmocka_unit_test(the_others_have_nothing_of_the_app_that_is_routed_to),
		cmocka_unit_test(refuses_a_wrong_setting_in_force),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
