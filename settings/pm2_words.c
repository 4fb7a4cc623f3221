#include "settings/pm2_words.h"

#include <string.h>

#include "base/macros.h"
#include "settings/pm2_options.h"

#include "base/ban.h"

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define MEANS(takes_, means_, text_, ...)                                                          \
	{                                                                                          \
		.names = WORDS(__VA_ARGS__), .kind = PM2_WORD_MEANS, .means = means_,              \
		.takes = takes_, .text = text_                                                     \
	}
#define SAYS(kind_, text_, ...)                                                                    \
	{                                                                                          \
		.names = WORDS(__VA_ARGS__), .kind = PM2_WORD_##kind_, .text = text_               \
	}

enum { ANY = PM2_WORDS_MAX };

/* In texts no quotes: the shells' completion has them, too. */
static const struct pm2_word table[] = {
	{ .names = WORDS("start", "startOrRestart", "startOrReload", "startOrGracefulReload"),
	  .kind = PM2_WORD_START,
	  .text = "runs a script, a program or an ecosystem file as pm2-runtime does, in the "
		  "foreground, with the options of pm2 on both sides of it" },
	MEANS(ANY, WORDS("stop"), "stops sioinit and all that it runs, as SIGTERM does", "stop",
	      "delete", "del", "kill"),
	MEANS(ANY, WORDS("restart"),
	      "replaces workers without a gap: SLOT, the name of an app or sidecar, or all",
	      "restart"),
	MEANS(ANY, WORDS("reload"), "the same; without a word that follows, every worker", "reload",
	      "gracefulReload", "softReload"),
	MEANS(2, WORDS("scale"), "runs N workers, or so many more (+N) or fewer (-N)", "scale"),
	MEANS(0, WORDS("status"), "the workers and what they do", "list", "ls", "l", "ps"),
	MEANS(0, WORDS("status", "--json"), "the same as JSON, with the keys of sioinit", "jlist",
	      "prettylist", "slist", "sysinfos"),
	MEANS(0, WORDS("monit"), "the same on the whole screen, live", "monit", "imonit",
	      "dashboard", "dash"),
	MEANS(1, WORDS("describe"), "what is known of a worker: SLOT, the name of the app, or all",
	      "describe", "desc", "info", "show"),
	MEANS(1, WORDS("pid"), "the process ids of the workers, a line each", "pid"),
	MEANS(1, WORDS("id"), "the slots of the app that is named", "id"),
	{ .names = WORDS("sendSignal"),
	  .kind = PM2_WORD_MEANS,
	  .means = WORDS("signal"),
	  .takes = 2,
	  .swapped = true,
	  .text = "sends SIGNAL to a worker: SLOT, the name of the app, or all" },
	{ .names = WORDS("ping"),
	  .kind = PM2_WORD_ACTION,
	  .means = WORDS("health"),
	  .text = "asks the one that runs here; exit 0 or 1" },
	MEANS(ANY, WORDS("logs"),
	      "follows what the workers write where sioinit has it: SLOT, the name of the app, or "
	      "all; --lines N and --nostream are known, docker logs and kubectl logs have the rest",
	      "logs", "log"),
	SAYS(NOTHING,
	     "nothing to flush: workers write to the container's stdout and stderr, which the "
	     "platform keeps; files of SIOINIT_LOG_OUT and the like may be truncated at any time",
	     "flush"),
	SAYS(NOTHING,
	     "SIGUSR1 at sioinit opens the access log and the files of SIOINIT_LOG_OUT and the "
	     "like anew; so does sioinit reload, which replaces the workers as well",
	     "reloadLogs", "logrotate"),
	SAYS(NOTHING,
	     "nothing to save: what runs is what the container, its environment and the ecosystem "
	     "file say at every start",
	     "save", "dump", "cleardump", "resurrect"),
	SAYS(NOTHING,
	     "nothing to set up: the container's restart policy starts sioinit, or "
	     "systemd/sioinit.service does",
	     "startup", "unstartup"),
	SAYS(NOTHING, "nothing to update: the image has the version that runs", "update",
	     "updatePM2", "deepUpdate"),
	SAYS(NOTHING,
	     "no modules here: logs are rotated by the platform, and /metrics on the admin address "
	     "is for Prometheus",
	     "install", "uninstall", "module:install", "module:update", "module:uninstall",
	     "autoinstall", "install-otel", "uninstall-otel"),
	SAYS(NOTHING,
	     "concerns the modules and defaults of pm2, which are not here: settings are options "
	     "and variables, see sioinit --help",
	     "set", "multiset", "get", "unset", "conf", "config"),
	SAYS(NOTHING,
	     "concerns pm2.io, which is not asked: /metrics on the admin address is for Prometheus",
	     "link", "unlink", "plus", "register", "login", "logout", "open", "monitor",
	     "unmonitor"),
	SAYS(NOTHING,
	     "nothing to reset: counters begin with sioinit, and Prometheus computes rates of them",
	     "reset"),
	SAYS(INSTEAD, "the image is what is deployed, by the platform", "deploy", "pull", "forward",
	     "backward", "package", "publish", "module:publish", "module:generate"),
	SAYS(INSTEAD,
	     "not here: /metrics on the admin address has the metrics of the app, too, and sioinit "
	     "signal tells it something",
	     "trigger"),
	SAYS(INSTEAD,
	     "workers have no standard input, but a single one that is started at a terminal does",
	     "attach", "send"),
	SAYS(INSTEAD,
	     "not here: node --cpu-prof or --heap-prof, or node --inspect and a debugger, do it",
	     "profile:cpu", "profile:mem", "inspect"),
	SAYS(INSTEAD, "sioinit check prints the settings, and sioinit status --json the numbers",
	     "report"),
	SAYS(
	    INSTEAD,
	    "no file is made: sioinit --help has the settings, and an ecosystem file runs as it is",
	    "ecosystem", "init", "create"),
	SAYS(NOTHING, "see sioinit --help, and the examples in sioinit(8)", "examples"),
	{ .names = WORDS("env"),
	  .kind = PM2_WORD_INSTEAD,
	  .when = PM2_WORD_WITH_ONE_NUMBER,
	  .text = "sioinit pid tells the process, and /proc/PID/environ has its environment; with "
		  "anything else than one number it is the program of that name" },
	SAYS(PROGRAM,
	     "the program of that name, such as npm's serve; sioinit itself serves no files",
	     "serve", "expose"),
};

bool pm2_word(size_t i, const struct pm2_word **ret)
{
	if (i >= ARRAY_LEN(table))
		return false;
	*ret = &table[i];
	return true;
}

static bool has_name(const struct pm2_word *w, const char *word)
{
	for (const char *const *name = w->names; *name; name++)
		if (strcmp(*name, word) == 0)
			return true;
	return false;
}

static bool is_number(const char *word)
{
	return word && *word && !word[strspn(word, "0123456789")];
}

static bool is_meant(const struct pm2_word *w, char *const *next)
{
	switch (w->when) {
	case PM2_WORD_ALWAYS:
		return true;
	case PM2_WORD_WITH_ONE_NUMBER:
		return is_number(*next) && !next[1];
	}
	return false;
}

const struct pm2_word *pm2_word_find(char *const *argv)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].kind != PM2_WORD_PROGRAM && has_name(&table[i], argv[0]))
			return is_meant(&table[i], argv + 1) ? &table[i] : NULL;
	return NULL;
}

size_t pm2_word_translate(const struct pm2_word *w, char *const *argv, size_t n,
			  char *ret[static PM2_WORDS_MAX])
{
	size_t count = 0, first, taken;

	for (const char *const *word = w->means; *word; word++)
		ret[count++] = (char *)*word;
	first = count;
	for (size_t i = 1; i < n && count < PM2_WORDS_MAX && count - first < w->takes; i += taken) {
		taken = pm2_option_length(argv + i, n - i);
		if (taken == 0) {
			ret[count++] = argv[i];
			taken = 1;
		}
	}
	if (w->swapped && count == first + 2) {
		char *signal = ret[first];

		ret[first] = ret[first + 1];
		ret[first + 1] = signal;
	}
	return count;
}
