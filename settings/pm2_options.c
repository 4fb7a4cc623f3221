/* Names, letters and values are those of pm2 7's lib/binaries/CLI.js and Runtime4Docker.js. */
#include "settings/pm2_options.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

#include "base/ban.h"

/* clang-format off */
#define KEY(name_, letter_, value_, key) \
	{ .name = (name_), .letter = (letter_), .value = (value_), .kind = PM2_OPTION_KEY, .what = (key) }
#define FILE_KEY(name_, letter_, value_, key) \
	{ .name = (name_), .letter = (letter_), .value = (value_), .kind = PM2_OPTION_KEY, .what = (key), .in_file = true }
#define LIST(name_, key) \
	{ .name = (name_), .value = PM2_VALUE_ONE, .kind = PM2_OPTION_KEY, .what = (key), .list = true }
#define FLAG(name_, letter_, key, is) \
	{ .name = (name_), .letter = (letter_), .kind = PM2_OPTION_KEY, .what = (key), .fixed = (is) }
#define SETTING(name_, value_, setting, is) \
	{ .name = (name_), .value = (value_), .kind = PM2_OPTION_SETTING, .what = (setting), .fixed = (is) }
#define NOTHING(name_, letter_, value_, why) \
	{ .name = (name_), .letter = (letter_), .value = (value_), .kind = PM2_OPTION_NOTHING, .text = (why) }
#define SILENT(name_, letter_, why) \
	{ .name = (name_), .letter = (letter_), .kind = PM2_OPTION_SILENT, .text = (why) }
#define REFUSED(name_, value_, why) \
	{ .name = (name_), .value = (value_), .kind = PM2_OPTION_REFUSED, .text = (why) }
/* clang-format on */

static const char plus[] = "concerns pm2.io; /metrics on the admin address is for Prometheus";
static const char itself[] = "concerns pm2 itself";
static const char screen[] = "concerns what pm2 prints";
static const char unit[] = "concerns pm2's startup script: systemd/sioinit.service is a unit";
static const char container[] = "the image is built by docker build";

static const struct pm2_option options[] = {
	SETTING("env", PM2_VALUE_PERHAPS, "ecosystem-env", NULL),
	SETTING("only", PM2_VALUE_ONE, "ecosystem-app", NULL),
	FILE_KEY("instances", 'i', PM2_VALUE_ONE, "instances"),
	FILE_KEY("cwd", '\0', PM2_VALUE_ONE, "cwd"),
	FILE_KEY("uid", '\0', PM2_VALUE_ONE, "uid"),
	FILE_KEY("gid", '\0', PM2_VALUE_ONE, "gid"),
	FILE_KEY("ignore-watch", '\0', PM2_VALUE_ONE, "ignore_watch"),
	{ .name = "watch",
	  .kind = PM2_OPTION_KEY,
	  .what = "watch",
	  .fixed = "true",
	  .in_file = true },
	KEY("watch-delay", '\0', PM2_VALUE_ONE, "watch_delay"),
	KEY("name", 'n', PM2_VALUE_ONE, "name"),
	KEY("interpreter", '\0', PM2_VALUE_ONE, "interpreter"),
	KEY("interpreter-args", '\0', PM2_VALUE_ONE, "node_args"),
	KEY("node-args", '\0', PM2_VALUE_ONE, "node_args"),
	KEY("kill-timeout", 'k', PM2_VALUE_ONE, "kill_timeout"),
	KEY("listen-timeout", '\0', PM2_VALUE_ONE, "listen_timeout"),
	KEY("max-memory-restart", '\0', PM2_VALUE_ONE, "max_memory_restart"),
	KEY("restart-delay", '\0', PM2_VALUE_ONE, "restart_delay"),
	KEY("exp-backoff-restart-delay", '\0', PM2_VALUE_ONE, "exp_backoff_restart_delay"),
	KEY("max-restarts", '\0', PM2_VALUE_ONE, "max_restarts"),
	LIST("stop-exit-codes", "stop_exit_codes"),
	KEY("cron", 'c', PM2_VALUE_ONE, "cron_restart"),
	KEY("cron-restart", '\0', PM2_VALUE_ONE, "cron_restart"),
	LIST("filter-env", "filter_env"),
	KEY("output", 'o', PM2_VALUE_ONE, "out_file"),
	KEY("error", 'e', PM2_VALUE_ONE, "error_file"),
	KEY("log", 'l', PM2_VALUE_PERHAPS, "log_file"),
	KEY("log-date-format", '\0', PM2_VALUE_ONE, "log_date_format"),
	KEY("log-type", '\0', PM2_VALUE_ONE, "log_type"),
	KEY("pid", 'p', PM2_VALUE_ONE, "pid_file"),
	KEY("namespace", '\0', PM2_VALUE_ONE, "namespace"),
	FLAG("wait-ready", '\0', "wait_ready", "true"),
	FLAG("shutdown-with-message", '\0', "shutdown_with_message", "true"),
	FLAG("source-map-support", '\0', "source_map_support", "true"),
	FLAG("disable-source-map-support", '\0', "disable_source_map_support", "true"),
	FLAG("time", '\0', "time", "true"),
	FLAG("merge-logs", '\0', "merge_logs", "true"),
	FLAG("disable-logs", '\0', "disable_logs", "true"),
	FLAG("no-autorestart", '\0', "autorestart", "false"),
	FLAG("no-treekill", '\0', "treekill", "false"),
	FLAG("execute-command", 'x', "execute_command", "true"),
	SETTING("json", PM2_VALUE_NONE, "worker-logs", "json"),
	SETTING("format", PM2_VALUE_NONE, "worker-logs", "prefix"),
	SETTING("formatted", PM2_VALUE_NONE, "worker-logs", "prefix"),
	SETTING("delay", PM2_VALUE_ONE, "pre-start", "sleep %s"),
	REFUSED("no-autostart", PM2_VALUE_NONE,
		"nothing would run: what is not to run needs no "
		"container"),
	REFUSED("container", PM2_VALUE_NONE, container),
	REFUSED("dist", PM2_VALUE_NONE, container),
	NOTHING("image-name", '\0', PM2_VALUE_ONE, container),
	NOTHING("node-version", '\0', PM2_VALUE_ONE, container),
	NOTHING("fresh", '\0', PM2_VALUE_NONE, container),
	NOTHING("dockerdaemon", '\0', PM2_VALUE_NONE, container),
	SILENT("raw", '\0', "it is the default: SIOINIT_WORKER_LOGS=raw"),
	SILENT("no-daemon", '\0', "sioinit is in the foreground"),
	SILENT("attach", '\0', "sioinit is in the foreground"),
	SILENT("update-env", 'a', "workers have the environment that sioinit was started with"),
	SILENT("no-color", '\0', screen),
	SILENT("no-vizion", '\0', itself),
	SILENT("no-pmx", '\0', itself),
	SILENT("no-automation", '\0', itself),
	SILENT("silent", 's', screen),
	SILENT("mini-list", 'm', screen),
	SILENT("force", 'f', "nothing runs here yet"),
	NOTHING("no-auto-exit", '\0', PM2_VALUE_NONE,
		"sioinit ends when its workers have ended for good"),
	NOTHING("daemon", '\0', PM2_VALUE_NONE, "sioinit is in the foreground"),
	NOTHING("web", '\0', PM2_VALUE_NUMBER, "/status on the admin address is its like"),
	NOTHING("secret", '\0', PM2_VALUE_PERHAPS, plus),
	NOTHING("public", '\0', PM2_VALUE_PERHAPS, plus),
	NOTHING("machine-name", '\0', PM2_VALUE_PERHAPS, plus),
	NOTHING("trace", '\0', PM2_VALUE_NONE, plus),
	NOTHING("disable-trace", '\0', PM2_VALUE_NONE, plus),
	NOTHING("v8", '\0', PM2_VALUE_NONE, plus),
	NOTHING("event-loop-inspector", '\0', PM2_VALUE_NONE, plus),
	NOTHING("deep-monitoring", '\0', PM2_VALUE_NONE, plus),
	NOTHING("ext", '\0', PM2_VALUE_ONE, "SIOINIT_WATCH names folders"),
	NOTHING("parallel", '\0', PM2_VALUE_ONE, "workers are replaced one after the other"),
	NOTHING("write", 'w', PM2_VALUE_NONE, "sioinit check prints the settings"),
	NOTHING("sort", '\0', PM2_VALUE_ONE, screen),
	NOTHING("user", 'u', PM2_VALUE_ONE, unit),
	NOTHING("hp", '\0', PM2_VALUE_ONE, unit),
	NOTHING("wait-ip", '\0', PM2_VALUE_NONE, unit),
	NOTHING("service-name", '\0', PM2_VALUE_ONE, unit),
};

bool pm2_option(size_t i, const struct pm2_option **ret)
{
	if (i >= ARRAY_LEN(options))
		return false;
	*ret = &options[i];
	return true;
}

static bool is_called(const struct pm2_option *o, const char *word, size_t n)
{
	if (strncmp(word, "--", 2) != 0)
		return n == 2 && o->letter && word[1] == o->letter;
	return strlen(o->name) == n - 2 && memcmp(o->name, word + 2, n - 2) == 0;
}

const struct pm2_option *pm2_option_find(const char *word)
{
	size_t n = strcspn(word, "=");

	if (word[0] != '-' || n < 2)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (is_called(&options[i], word, n))
			return &options[i];
	return NULL;
}

bool pm2_option_is_instances(const char *word)
{
	const struct pm2_option *o = pm2_option_find(word);

	return o && o->letter == 'i';
}

static bool is_number(const char *word)
{
	char *end;

	(void)strtod(word, &end);
	return end != word && !*end;
}

static bool wants(const struct pm2_option *o, const char *next)
{
	switch (o->value) {
	case PM2_VALUE_NONE:
		return false;
	case PM2_VALUE_ONE:
		return true;
	case PM2_VALUE_PERHAPS:
		return next && next[0] != '-';
	case PM2_VALUE_NUMBER:
		return next && is_number(next);
	}
	return false;
}

size_t pm2_option_length(char *const *argv, size_t n)
{
	const struct pm2_option *o = pm2_option_find(argv[0]);

	if (!o)
		return 0;
	return n > 1 && !strchr(argv[0], '=') && wants(o, argv[1]) ? 2 : 1;
}

bool pm2_option_take(struct pm2_call *call, int argc, char *const *argv, int *i, char *err,
		     size_t err_size)
{
	const char *word = argv[*i], *eq = strchr(word, '=');
	const struct pm2_option *o = pm2_option_find(word);
	struct pm2_said said = { o, eq ? eq + 1 : NULL };

	if (!eq && wants(o, *i + 1 < argc ? argv[*i + 1] : NULL)) {
		if (*i + 1 >= argc) {
			(void)snprintf(err, err_size, "%s wants a value", word);
			return false;
		}
		said.value = argv[++*i];
	}
	if (o->kind == PM2_OPTION_REFUSED) {
		(void)snprintf(err, err_size, "%s: %s", word, o->text);
		return false;
	}
	if (call->n == PM2_SAID_MAX) {
		(void)snprintf(err, err_size, "%s: more than %d options of pm2's", word,
			       PM2_SAID_MAX);
		return false;
	}
	call->said[call->n++] = said;
	return true;
}

void pm2_said_value(const struct pm2_said *said, char *dst, size_t size)
{
	const char *value = said->value ? said->value : "", *fixed = said->option->fixed;
	const char *mark = fixed ? strstr(fixed, "%s") : NULL;

	if (mark)
		(void)snprintf(dst, size, "%.*s%s%s", (int)(mark - fixed), fixed, value, mark + 2);
	else
		(void)snprintf(dst, size, "%s", fixed ? fixed : value);
}

bool pm2_call_has_keys(const struct pm2_call *call)
{
	for (size_t i = 0; i < call->n; i++)
		if (call->said[i].option->kind == PM2_OPTION_KEY)
			return true;
	return false;
}

static void say_key(const struct pm2_option *o, FILE *out)
{
	(void)fprintf(out, "the key %s%s%s", o->what, o->fixed ? ": " : "",
		      o->fixed ? o->fixed : "");
	if (o->in_file)
		(void)fputs(", of an ecosystem file's app, too", out);
}

static void say_setting(const struct pm2_option *o, FILE *out)
{
	(void)fprintf(out, "the setting %s%s%s", o->what, o->fixed ? "=" : "",
		      o->fixed ? o->fixed : "");
}

static void say_nothing(const struct pm2_option *o, FILE *out)
{
	(void)fprintf(out, "no effect: %s", o->text);
}

static void say_refused(const struct pm2_option *o, FILE *out)
{
	(void)fprintf(out, "refused: %s", o->text);
}

void pm2_option_say(const struct pm2_option *o, FILE *out)
{
	static void (*const say[])(const struct pm2_option *o, FILE *out) = {
		[PM2_OPTION_KEY] = say_key,         [PM2_OPTION_SETTING] = say_setting,
		[PM2_OPTION_NOTHING] = say_nothing, [PM2_OPTION_SILENT] = say_nothing,
		[PM2_OPTION_REFUSED] = say_refused,
	};

	say[o->kind](o, out);
}
