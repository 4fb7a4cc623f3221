/* What pm2's keys mean here. The table below is all of them: a setting, a part of the command, or
 * the reason why there is nothing like it. Names and aliases are those of pm2 7's API/schema.json;
 * every key may also be written in camelCase. A value that cannot be what its key wants ends all
 * with one line. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/macros.h"
#include "settings/ecosystem/ecosystem_reader.h"

#include "base/ban.h"

enum { KEY_MAX = 64, CODES_TEXT_MAX = 1024 };
enum { PM2_LISTEN_TIMEOUT_MS = 3000, READY_TIMEOUT_MS = 30000 /* the setting's default */ };

static void wrong(struct ecosystem_reader *r, const char *wanted)
{
	ecosystem_fail(r, "%s: not %s", r->key, wanted);
}

/* Keys: each takes @v for @k, which names the setting or the reason. */

static void take_as_it_is(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	char *text = ecosystem_text_of(v);

	if (text)
		ecosystem_set(r, k->text, text);
	else
		ecosystem_fail(r, "out of memory");
	free(text);
}

/* A number, also when it is written as a text. */
static bool is_number(const json_t *v, double *ret)
{
	const char *s = json_string_value(v);
	char *end;

	if (json_is_number(v)) {
		*ret = json_number_value(v);
		return true;
	}
	if (!s || !*s)
		return false;
	*ret = strtod(s, &end);
	return !*end && isfinite(*ret);
}

static void set_seconds(struct ecosystem_reader *r, const char *setting, double ms)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%.12g", ms / 1000);
	ecosystem_set(r, setting, text);
}

static void take_milliseconds(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	double ms;

	if (is_number(v, &ms))
		set_seconds(r, k->text, ms);
	else
		wrong(r, "a number of milliseconds");
}

/* 5000, "5000", "5s", "5m", "5h" */
static void take_time(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	static const char units[] = "smh";
	const double unit_ms[] = { 1e3, 6e4, 3.6e6 };
	const char *s = json_string_value(v), *unit;
	char *end = NULL;
	double n;

	if (is_number(v, &n)) {
		set_seconds(r, k->text, n);
		return;
	}
	n = s ? strtod(s, &end) : 0;
	unit = end && end != s && *end && !end[1] ? strchr(units, *end) : NULL;
	if (unit && isfinite(n))
		set_seconds(r, k->text, n * unit_ms[unit - units]);
	else
		wrong(r, "a number of milliseconds or such as \"10s\"");
}

static void take_flag(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	if (json_is_boolean(v))
		ecosystem_set(r, k->text, json_is_true(v) ? "on" : "off");
	else
		wrong(r, "true or false");
}

static void take_shutdown(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	if (json_is_true(v))
		ecosystem_set(r, k->text, "shutdown");
	else if (!json_is_false(v))
		wrong(r, "true or false");
}

static void take_autorestart(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	if (json_is_false(v) || (json_is_string(v) && strcmp(json_string_value(v), "false") == 0))
		ecosystem_set(r, k->text, "once");
}

/* pm2 with 0 never restarts; ours is "no limit" then. */
static void take_max_restarts(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	double n;

	if (!is_number(v, &n))
		wrong(r, "a number");
	else if (n == 0)
		ecosystem_set(r, "restart", "once");
	else
		take_as_it_is(r, k, v);
}

static void take_codes(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	struct buf text = BUF_INIT(CODES_TEXT_MAX);
	size_t n = json_is_array(v) ? json_array_size(v) : 1;
	int failed = 0;

	for (size_t i = 0; i < n && failed == 0; i++) {
		const json_t *one = json_is_array(v) ? json_array_get(v, i) : v;
		double code;

		if (!is_number(one, &code))
			failed = -EINVAL;
		else
			failed = buf_printf(&text, "%s%.15g", i ? "," : "", code);
	}
	if (failed < 0 || buf_append(&text, "", 1) < 0)
		wrong(r, "a list of exit codes");
	else
		ecosystem_set(r, k->text, text.p);
	buf_free(&text);
}

static void take_string(struct ecosystem_reader *r, const json_t *v, const char **ret)
{
	if (json_is_string(v))
		*ret = json_string_value(v);
	else
		wrong(r, "a text");
}

static void take_script(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	(void)k;
	take_string(r, v, &r->script);
}

static void take_interpreter(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	take_string(r, v, &r->interpreter);
	if (r->interpreter && strncmp(r->interpreter, "node@", 5) == 0) {
		ecosystem_add(r, &r->eco->changed, r->key, k->text, r->key);
		r->interpreter = "node";
	}
}

static void take_cwd(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	const char *cwd = NULL;

	(void)k;
	take_string(r, v, &cwd);
	if (!cwd)
		return;
	free(r->eco->cwd);
	r->eco->cwd = strdup(cwd);
	if (!r->eco->cwd)
		ecosystem_fail(r, "out of memory");
}

static void take_words(struct ecosystem_reader *r, struct ecosystem_words *words, const json_t *v)
{
	int failed = 0;

	ecosystem_words_free(words);
	if (json_is_string(v))
		failed = ecosystem_words_split(words, json_string_value(v));
	else if (!json_is_array(v))
		wrong(r, "a text or a list of texts");
	for (size_t i = 0; i < json_array_size(v) && failed == 0; i++) {
		char *text = ecosystem_text_of(json_array_get(v, i));

		failed = text ? ecosystem_words_add(words, str_of(text)) : -ENOMEM;
		free(text);
	}
	if (failed < 0)
		ecosystem_fail(r, "%s: %s", r->key, strerror(-failed));
}

static void take_args(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	(void)k;
	take_words(r, &r->args, v);
}

static void take_node_args(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	(void)k;
	take_words(r, &r->node_args, v);
}

void ecosystem_add_variable(struct ecosystem_reader *r, const char *name, const char *value)
{
	struct ecosystem_list *l = &r->eco->env;

	ecosystem_add(r, l, name, value, r->key);
	for (size_t i = 0; i + 1 < l->n && r->result == 0; i++)
		if (strcmp(l->items[i].name, name) == 0) {
			ecosystem_item_free(&l->items[i]);
			l->items[i] = l->items[--l->n];
		}
}

static bool is_ours(const char *name)
{
	return strncmp(name, "SIOINIT_", sizeof("SIOINIT_") - 1) == 0;
}

static void take_variable(struct ecosystem_reader *r, const char *name, const json_t *v)
{
	const char *before = r->key;
	char *text = ecosystem_text_of(v), key[KEY_MAX * 2];

	(void)snprintf(key, sizeof(key), "%s.%s", before, name);
	r->key = key;
	if (!text)
		ecosystem_fail(r, "out of memory");
	else if (!*name || strchr(name, '='))
		ecosystem_fail(r, "%s: not the name of a variable", key);
	else if (strcmp(name, "PORT") == 0 && !r->beside)
		ecosystem_set(r, "port", text);
	else if (is_ours(name))
		ecosystem_set(r, name, text);
	else
		ecosystem_add_variable(r, name, text);
	free(text);
	r->key = before;
}

void ecosystem_take_env(struct ecosystem_reader *r, const json_t *v)
{
	const char *name;
	json_t *value;

	if (!json_is_object(v)) {
		wrong(r, "an object of variables");
		return;
	}
	json_object_foreach((json_t *)v, name, value) if (!json_is_null(value))
	    take_variable(r, name, value);
}

static void take_env(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	(void)k;
	ecosystem_take_env(r, v);
}

/* Has no effect; neither has what would change nothing. */
static void ignore(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	if (!json_is_false(v) && !json_is_null(v))
		ecosystem_add(r, &r->eco->ignored, r->key, k->text, r->key);
}

/* Without effect only where a user has switched it off. */
static void ignore_off(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	if (json_is_false(v))
		ecosystem_add(r, &r->eco->ignored, r->key, k->text, r->key);
}

static void take_wait_ready(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	take_flag(r, k, v);
	r->waits_ready = json_is_true(v);
}

void ecosystem_take_readiness(struct ecosystem_reader *r)
{
	double ms = r->listen_timeout_ms;

	if (r->waits_ready) {
		r->key = "listen_timeout";
		set_seconds(r, "wait-ready-timeout", ms > 0 ? ms : PM2_LISTEN_TIMEOUT_MS);
	}
	if (ms > READY_TIMEOUT_MS)
		set_seconds(r, "ready-timeout", r->waits_ready ? ms * 2 : ms);
}

/* Log files: beside stdout and stderr, as pm2-runtime has it */

/* Where they go anyway, or nowhere. */
static bool is_no_file(const char *path)
{
	static const char *const names[] = { "",           "NULL",        "/dev/null",
					     "\\\\.\\NUL", "/dev/stdout", "/dev/stderr",
					     "/dev/fd/1",  "/dev/fd/2" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(path, names[i]) == 0)
			return true;
	return false;
}

static void take_log_file(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	const char *path = json_string_value(v), *home = getenv("HOME");
	char whole[PATH_MAX];

	if (json_is_true(v))
		ecosystem_add(r, &r->eco->ignored, r->key, "it names no file", r->key);
	else if (!path && !json_is_false(v))
		wrong(r, "the path of a file");
	if (!path || is_no_file(path))
		return;
	(void)snprintf(whole, sizeof(whole), "%s%s", path[0] == '~' && home ? home : "",
		       path[0] == '~' && home ? path + 1 : path);
	ecosystem_set(r, k->text, whole);
}

static void take_merge_logs(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	(void)k;
	if (!json_is_boolean(v))
		wrong(r, "true or false");
	r->merge_logs = json_is_true(v) ? LOGS_MERGED : LOGS_APART;
}

static void take_disable_logs(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	if (json_is_true(v))
		ecosystem_set(r, k->text, "off");
	r->has_no_logs |= json_is_true(v);
}

static void take_log_type(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	const char *type = NULL;

	take_string(r, v, &type);
	if (!type || strcmp(type, "json") != 0 || r->has_no_logs)
		return;
	ecosystem_set(r, k->text, "json");
	ecosystem_add(r, &r->eco->changed, r->key,
		      "the names are time, level, msg, worker, pid and stream, and a line that is "
		      "JSON keeps its own",
		      r->key);
}

static void take_log_date(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	const char *format = NULL;

	if (json_is_false(v))
		return;
	take_string(r, v, &format);
	if (format && format[0] && !r->has_time)
		ecosystem_set(r, k->text, format);
}

/* Comes before log_date_format. */
static void take_time_of_logs(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	if (!json_is_true(v))
		return;
	r->has_time = true;
	ecosystem_set(r, k->text, "YYYY-MM-DDTHH:mm:ss");
}

static bool is_of_a_log_file(const struct ecosystem_item *i)
{
	return strcmp(i->name, "log-out") == 0 || strcmp(i->name, "log-err") == 0 ||
	       strcmp(i->name, "log-all") == 0;
}

/* out.log and out-3.log are out-{slot}.log; others all workers share. */
static void set_apart(struct ecosystem_reader *r, struct ecosystem_item *i)
{
	size_t n = strlen(i->value), suffix = sizeof(".log") - 1, digits;
	char *apart;

	if (n < suffix || strcmp(i->value + n - suffix, ".log") != 0)
		return;
	for (digits = n -= suffix; digits > 0 && isdigit((unsigned char)i->value[digits - 1]);)
		digits--;
	if (digits < n && digits > 0 && i->value[digits - 1] == '-')
		n = digits - 1;
	if (asprintf(&apart, "%.*s-{slot}.log", (int)n, i->value) < 0) {
		ecosystem_fail(r, "out of memory");
		return;
	}
	free(i->value);
	i->value = apart;
}

void ecosystem_take_logs(struct ecosystem_reader *r)
{
	struct ecosystem_list *l = &r->eco->settings;
	bool apart = r->merge_logs == LOGS_APART ||
		     (r->merge_logs == LOGS_BY_MODE && (r->instances || r->is_cluster));

	for (size_t i = 0; i < l->n && r->result == 0; i++) {
		if (!is_of_a_log_file(&l->items[i]))
			continue;
		if (apart)
			set_apart(r, &l->items[i]);
		if (r->has_no_logs) {
			ecosystem_item_free(&l->items[i]);
			l->items[i--] = l->items[--l->n];
		}
	}
}

static void take_treekill(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	if (!json_is_false(v))
		return;
	ecosystem_set(r, "stop-group", "leader");
	ecosystem_add(r, &r->eco->changed, r->key, k->text, r->key);
}

/* What pm2 takes a worker for ready after, which then may still boot. */
static void take_listen_timeout(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	(void)k;
	if (!is_number(v, &r->listen_timeout_ms) || r->listen_timeout_ms < 0)
		wrong(r, "a number of milliseconds");
}

/* As under pm2, where 0 is none. */
static void take_cron(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	const char *text = json_string_value(v);
	double n;

	if (is_number(v, &n) && n == 0)
		return;
	if (text)
		ecosystem_set(r, k->text, text);
	else
		wrong(r, "a cron expression, such as \"0 3 * * *\"");
}

/* Both: of restart_delay nothing counts. */
static void take_restart_delay(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	double ms;

	if (r->has_backoff || (is_number(v, &ms) && ms == 0))
		return;
	take_milliseconds(r, k, v);
	ecosystem_set(r, "restart-backoff", "1");
}

static void take_backoff(struct ecosystem_reader *r, const struct key *k, const json_t *v)
{
	double ms;

	if (is_number(v, &ms) && ms == 0)
		return;
	r->has_backoff = true;
	take_milliseconds(r, k, v);
	ecosystem_set(r, "restart-backoff", "1.5");
	ecosystem_add(r, &r->eco->changed, r->key,
		      "begins anew with a life of min_uptime, and has some jitter; pm2 wants 30 s",
		      r->key);
}

static const char pm2_only[] = "concerns pm2 itself";
static const char pid_file[] = "sioinit status --json has the pids";
static const char no_apm[] = "nothing is reported to pm2.io: /metrics is for Prometheus";

static const struct key keys[] = {
	{ "name", NULL, NULL },
	{ "script", take_script, NULL },
	{ "exec", take_script, NULL },
	{ "cmd", take_script, NULL },
	{ "command", take_script, NULL },
	{ "args", take_args, NULL },
	{ "cwd", take_cwd, NULL },
	{ "exec_interpreter", take_interpreter, "the image says which Node there is" },
	{ "interpreter", take_interpreter, "the image says which Node there is" },
	{ "node_args", take_node_args, NULL },
	{ "interpreter_args", take_node_args, NULL },
	{ "instances", ecosystem_take_instances, "workers" },
	{ "exec_mode", ecosystem_take_exec_mode,
	  "every worker is one of a Node cluster and shares the port" },
	{ "env", take_env, NULL },
	{ "port", take_as_it_is, "port" },
	{ "max_memory_restart", take_as_it_is, "max-memory" },
	{ "kill_timeout", take_milliseconds, "stop-timeout" },
	{ "listen_timeout", take_listen_timeout, NULL },
	{ "wait_ready", take_wait_ready, "wait-ready" },
	{ "exp_backoff_restart_delay", take_backoff, "restart-delay" },
	{ "restart_delay", take_restart_delay, "restart-delay" },
	{ "max_restarts", take_max_restarts, "max-restarts" },
	{ "min_uptime", take_time, "min-uptime" },
	{ "stop_exit_codes", take_codes, "stop-exit-codes" },
	{ "autorestart", take_autorestart, "restart" },
	{ "cron_restart", take_cron, "cron-restart" },
	{ "cron", take_cron, "cron-restart" },
	{ "shutdown_with_message", take_shutdown, "stop-message" },
	{ "source_map_support", ignore,
	  "source maps are on for what node runs, as pm2 has it, whatever this says" },
	{ "disable_source_map_support", ecosystem_take_source_maps,
	  "true: node runs without --enable-source-maps" },
	{ "instance_var", take_as_it_is, "instance-var" },
	{ "increment_var", ecosystem_take_increment_var, "increment-var" },
	{ "filter_env", ecosystem_take_filter,
	  "a variable, or a list of parts of their names, that the app is not given; true "
	  "filters nothing, as with pm2 7" },
	{ "append_env_to_name", ecosystem_take_append_env, "NODE_ENV behind the app's name" },
	{ "autostart", ignore_off, "only an app that is named is started then" },
	{ "treekill", take_treekill, "no descendant of a worker outlives it" },
	{ "post_update", ignore, "build steps belong into the image" },
	{ "io", ignore, no_apm },
	{ "watch", ecosystem_take_watch, "watch" },
	{ "ignore_watch", ecosystem_take_ignore_watch, "watch-ignore" },
	{ "watch_options", ecosystem_take_watch_options,
	  "the kernel says what has changed (inotify)" },
	{ "watch_delay", ignore, "100 ms after the last change" },
	{ "out_file", take_log_file, "log-out" },
	{ "out", take_log_file, "log-out" },
	{ "output", take_log_file, "log-out" },
	{ "out_log", take_log_file, "log-out" },
	{ "error_file", take_log_file, "log-err" },
	{ "error", take_log_file, "log-err" },
	{ "err", take_log_file, "log-err" },
	{ "err_file", take_log_file, "log-err" },
	{ "err_log", take_log_file, "log-err" },
	{ "log_file", take_log_file, "log-all" },
	{ "log", take_log_file, "log-all" },
	{ "disable_logs", take_disable_logs, "worker-logs" },
	{ "log_type", take_log_type, "worker-logs" },
	{ "log_date_format", take_log_date, "log-date" },
	{ "merge_logs", take_merge_logs, NULL },
	{ "combine_logs", take_merge_logs, NULL },
	{ "time", take_time_of_logs, "log-date" },
	{ "uid", take_as_it_is, "user" },
	{ "user", take_as_it_is, "user" },
	{ "gid", take_as_it_is, "group" },
	{ "username", ignore, "pm2 overwrites it" },
	{ "pid_file", ignore, pid_file },
	{ "pid", ignore, pid_file },
	{ "name_prefix", ignore, "pm2 takes it from its command line only" },
	{ "namespace", ignore, pm2_only },
	{ "install_url", ignore, pm2_only },
	{ "vizion", ignore, pm2_only },
	{ "execute_command", ignore, "a script of several words is run as a command anyway" },
	{ "force", ignore, "each start is another container" },
	{ "trace", ignore, no_apm },
	{ "disable_trace", ignore, no_apm },
	{ "v8", ignore, no_apm },
	{ "event_loop_inspector", ignore, no_apm },
	{ "deep_monitoring", ignore, no_apm },
	{ "pmx", ignore, no_apm },
	{ "automation", ignore, no_apm },
	{ "windows_hide", ignore, pm2_only },
	{ "kill_retry_time", ignore, pm2_only },
	{ "write", ignore, pm2_only },
};

static const struct key unknown = { "", ignore, "no key of pm2's" };

/* What becomes of a key, by what takes it; all others are for the setting that they name. */
static const struct {
	take_fn *take;
	const char *class, *more; /* before what the key says */
} classes[] = {
	{ NULL, "variables", "the variable `name`; which app `SIOINIT_ECOSYSTEM_APP` means" },
	{ take_script, "command", "looked for where the app is, then in PATH" },
	{ take_args, "command", "" },
	{ take_node_args, "command", "between interpreter and script" },
	{ take_interpreter, "command", "as it is; of `node@18` node: " },
	{ take_cwd, "command", "where it runs" },
	{ take_env, "variables", "`PORT` and `SIOINIT_*` are settings" },
	{ ecosystem_take_exec_mode, "variables", "the variable `exec_mode`; " },
	{ ecosystem_take_filter, "variables", "" },
	{ ecosystem_take_append_env, "variables", "" },
	{ ecosystem_take_source_maps, "command", "" },
	{ take_listen_timeout, "setting",
	  "`SIOINIT_WAIT_READY_TIMEOUT`, or `SIOINIT_READY_TIMEOUT` beyond its default" },
	{ take_merge_logs, "setting",
	  "whether `SIOINIT_LOG_OUT` and the like have {slot} in them" },
	{ take_treekill, "setting", "false: `SIOINIT_STOP_GROUP=leader`; " },
	{ ecosystem_take_watch_options, "no effect", "" },
	{ ignore, "no effect", "" },
	{ ignore_off, "no effect", "" },
};

void ecosystem_key_class(const struct key *k, const char **ret_class, const char **ret_more)
{
	*ret_class = NULL;
	*ret_more = "";
	for (size_t i = 0; i < ARRAY_LEN(classes); i++)
		if (classes[i].take == k->take) {
			*ret_class = classes[i].class;
			*ret_more = classes[i].more;
		}
}

const struct key *ecosystem_key(size_t i)
{
	return i < ARRAY_LEN(keys) ? &keys[i] : NULL;
}

/* maxMemoryRestart is max_memory_restart */
static void snake_case(const char *key, char dst[static KEY_MAX])
{
	size_t n = 0;

	for (; *key && n + 2 < KEY_MAX; key++) {
		if (isupper((unsigned char)*key))
			dst[n++] = '_';
		dst[n++] = (char)tolower((unsigned char)*key);
	}
	dst[n] = '\0';
}

static const struct key *key_named(const char *written)
{
	char name[KEY_MAX];

	snake_case(written, name);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (strcmp(name, keys[i].name) == 0)
			return &keys[i];
	return NULL;
}

void ecosystem_take_key(struct ecosystem_reader *r, const char *name, const json_t *value)
{
	const struct key *k = key_named(name);

	k = k ? k : &unknown;
	r->key = name;
	if (k->take && !json_is_null(value))
		k->take(r, k, value);
}
