/* The command line: options of ours and of pm2's, a word for what is to be done, what is to be run.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "settings/config_loader.h"
#include "settings/config_table.h"
#include "settings/ecosystem/ecosystem_name.h"
#include "settings/pm2_words.h"

#include "base/ban.h"

enum { VALUE_MAX_BYTES = 512 };

/* The flag argv[*i]; moves *i to its value. */
static int load_flag(const struct loader *l, int argc, char *const *argv, int *i)
{
	const char *flag = argv[*i], *eq = strchr(flag, '=');
	size_t n = strcspn(flag, "=");
	const struct setting *s = setting_find_flag(flag + 2, n - 2);
	char name[NAME_MAX_BYTES], meant[NAME_MAX_BYTES];

	if (!s) {
		(void)snprintf(name, sizeof(name), "%.*s", (int)n, flag);
		setting_suggest(name, setting_flag_name, meant);
		return config_loader_fail(l, "%s is no option; did you mean %s?", name, meant);
	}
	if (setting_is_secret(s))
		return config_loader_fail(l,
					  "--%s: not on the command line, which everybody can "
					  "read: in the environment, or --%s-file",
					  s->name, s->name);
	if (!eq && *i + 1 >= argc)
		return config_loader_fail(l, "%s wants a value: %s", flag, s->help);
	return config_loader_apply(l, s, s->parse, CONFIG_FROM_FLAG, flag,
				   eq ? eq + 1 : argv[++*i]);
}

static const struct subcommand *find_subcommand(const char *word)
{
	for (size_t i = 0; i < config_n_subcommands; i++)
		if (strcmp(word, config_subcommands[i].word) == 0)
			return &config_subcommands[i];
	return NULL;
}

/* What is left of the command line is a command's or pm2's call. */
static bool is_for_running(enum config_action a)
{
	return a == CONFIG_RUN || a == CONFIG_CHECK;
}

/* True: the word is pm2's and the next one may be an option. @words ends with NULL. */
static bool take_pm2_word(struct config *c, char *const *words, enum config_action *action)
{
	const struct pm2_word *w = is_for_running(*action) ? pm2_word_find(words) : NULL;
	const struct subcommand *s;

	if (!w || (*action == CONFIG_CHECK && w->kind != PM2_WORD_START))
		return false;
	if (w->kind == PM2_WORD_START) {
		c->pm2.start = true;
		return true;
	}
	s = w->kind == PM2_WORD_ACTION ? find_subcommand(w->means[0]) : NULL;
	*action = s ? s->action : CONFIG_PM2;
	return s;
}

/* True: the word is ours and the next one may be an option. @words ends with NULL. */
static bool take_subcommand(struct config *c, char *const *words, enum config_action *action)
{
	const struct subcommand *s = *action == CONFIG_RUN ? find_subcommand(words[0]) : NULL;
	bool ready = *action == CONFIG_HEALTH && strcmp(words[0], "--ready") == 0;

	if (c->pm2.start)
		return false;
	if (ready)
		*action = CONFIG_HEALTH_READY;
	if (!s || pm2_word_find(words))
		return ready || take_pm2_word(c, words, action);
	*action = s->action;
	return subcommand_takes_options(s);
}

static bool is_either(const char *word, const char *long_option, const char *short_option)
{
	return strcmp(word, long_option) == 0 || strcmp(word, short_option) == 0;
}

/* Of pm2's letters only pm2-runtime's are understood where pm2 was not meant: -p is no port. */
static bool is_pm2_option(const char *word, bool of_pm2)
{
	bool is_letter = word[1] != '-';

	return pm2_option_find(word) && (of_pm2 || !is_letter || strchr("inc", word[1]));
}

/* One option of ours or, once pm2 was meant, of pm2's before ours; moves *i to its last word. 0,
 * -EINVAL. */
static int load_option(const struct loader *l, int argc, char *const *argv, int *i, bool of_pm2)
{
	const char *word = argv[*i];
	bool ours =
	    strncmp(word, "--", 2) == 0 && setting_find_flag(word + 2, strcspn(word, "=") - 2);

	if (is_pm2_option(word, of_pm2) && (of_pm2 || !ours))
		return pm2_option_take(&l->config->pm2, argc, argv, i, l->err, l->err_size)
			   ? 0
			   : -EINVAL;
	if (strncmp(word, "--", 2) != 0)
		return config_loader_fail(l, "%s is no option; see sioinit --help", word);
	return load_flag(l, argc, argv, i);
}

/* Options from @i on. Returns the index of the first word that is none, or -EINVAL. */
static int load_flags(const struct loader *l, int argc, char *const *argv, int i, bool of_pm2,
		      enum config_action *action)
{
	for (; i < argc; i++) {
		bool is_start = l->config->pm2.start;
		int r;

		if (strcmp(argv[i], "--") == 0)
			return i;
		if (!of_pm2 && take_subcommand(l->config, argv + i, action))
			continue;
		if (argv[i][0] != '-')
			return i;
		if (is_either(argv[i], "--help", "-h") || is_either(argv[i], "--version", "-V")) {
			*action = is_either(argv[i], "--help", "-h") ? CONFIG_HELP : CONFIG_VERSION;
			return argc;
		}
		r = load_option(l, argc, argv, &i, of_pm2 || is_start);
		if (r < 0)
			return r;
	}
	return argc;
}

/* pm2 */

/* Behind the script its options end at --, and what follows is the app's. */
static int load_behind_script(const struct loader *l, int argc, char *const *argv, int i,
			      enum config_action *action)
{
	int end = load_flags(l, argc, argv, i, true, action);

	if (end >= 0 && end < argc && strcmp(argv[end], "--") != 0)
		return config_loader_fail(
		    l,
		    "%s: only one file or program is started; words for it stand after --, "
		    "and several apps in an ecosystem file",
		    argv[end]);
	return end;
}

/* @at: the script, or argc. @literal: no option of pm2's follows it. */
static int take_pm2_call(const struct loader *l, int argc, char *const *argv, int at, bool literal,
			 enum config_action *action)
{
	struct pm2_call *pm2 = &l->config->pm2;
	int args = at + 1;

	pm2->args = argv + argc;
	if (at >= argc)
		return 0;
	pm2->script = argv[at];
	if (!literal && (pm2->start || ecosystem_is_file(pm2->script)))
		args = load_behind_script(l, argc, argv, at + 1, action);
	if (args < 0)
		return args;
	if (args < argc && strcmp(argv[args], "--") == 0)
		args++;
	pm2->args = argv + args;
	return 0;
}

static int apply_setting(const struct loader *l, const struct pm2_said *said)
{
	const struct setting *s = setting_find_flag(said->option->what, strlen(said->option->what));
	char name[NAME_MAX_BYTES], value[VALUE_MAX_BYTES];
	const char *from, *kept;

	(void)snprintf(name, sizeof(name), "--%s", said->option->name);
	pm2_said_value(said, value, sizeof(value));
	from = config_keep(l->config, str_of(name));
	kept = config_keep(l->config, str_of(value));
	if (!from || !kept)
		return config_loader_fail(l, "%s: out of memory", name);
	return config_loader_apply(l, s, s->parse, CONFIG_FROM_FLAG, from, kept);
}

static int apply_settings(const struct loader *l)
{
	const struct pm2_call *pm2 = &l->config->pm2;
	int r = 0;

	for (size_t i = 0; i < pm2->n && r == 0; i++)
		if (pm2->said[i].option->kind == PM2_OPTION_SETTING)
			r = apply_setting(l, &pm2->said[i]);
	return r;
}

/* What stands behind the options, from @at on. 0, -EINVAL. */
static int take_command(const struct loader *l, int argc, char *const *argv, int at,
			enum config_action *action)
{
	struct config *c = l->config;
	bool literal = at < argc && strcmp(argv[at], "--") == 0;

	at += literal;
	if (is_for_running(*action) && (c->pm2.start || pm2_call_has_keys(&c->pm2) ||
					(at < argc && ecosystem_is_file(argv[at]))))
		return take_pm2_call(l, argc, argv, at, literal, action);
	if (at < argc) {
		c->command = argv + at;
		c->command_len = (size_t)(argc - at);
	}
	return 0;
}

int config_load_arguments(const struct loader *l, int argc, char *const *argv,
			  enum config_action *action)
{
	int at = load_flags(l, argc, argv, 1, false, action);
	int r = at < 0 ? at : take_command(l, argc, argv, at, action);

	return r < 0 ? r : apply_settings(l);
}
