/* Settings for people and for programs: --help, `sioinit check`, the man page, the router's
 * environment, the shells' completion. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "settings/config_reload.h"
#include "settings/config_table.h"
#include "settings/pm2_words.h"

#include "base/ban.h"

enum { HELP_WIDTH = 78 };

static const char usage[] =
    "usage: sioinit [options] [--] COMMAND [ARGUMENT ...]\n"
    "       sioinit [options] FILE [ARGUMENT ...]   .js .mjs .cjs .ts: node, .py: python3\n";

static void usage_row(const struct subcommand *s, FILE *out)
{
	char call[64];

	(void)snprintf(call, sizeof(call), "%s%s%s", s->word, s->synopsis[0] ? " " : "",
		       s->synopsis);
	(void)fprintf(out, s->help[0] ? "       sioinit %-33s %s\n" : "       sioinit %s\n", call,
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

static bool is_subcommand(const char *word)
{
	for (size_t i = 0; i < config_n_subcommands; i++)
		if (strcmp(config_subcommands[i].word, word) == 0)
			return true;
	return false;
}

/* The @i-th of pm2's words that does something and is none of ours. */
static bool pm2_subcommand(size_t i, struct config_subcommand *ret)
{
	const struct pm2_word *w;

	for (size_t row = 0; pm2_word(row, &w); row++)
		for (const char *const *name = w->names; *name; name++) {
			if ((!w->means && w->kind != PM2_WORD_START) || is_subcommand(*name) ||
			    i-- > 0)
				continue;
			*ret = (struct config_subcommand){ *name, w->text, NULL,
							   w->kind == PM2_WORD_START };
			return true;
		}
	return false;
}

/* Those that do something and are none of ours; the man page has all. */
static void help_pm2(FILE *out)
{
	char text[1024] = "words of pm2, see sioinit(8):";
	size_t n = strlen(text);
	struct config_subcommand word;

	for (size_t i = 0; pm2_subcommand(i, &word); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " %s", word.word);
	put_wrapped(out, text, "       ");
}

void config_help(FILE *out)
{
	(void)fputs(usage, out);
	for (size_t i = 0; i < config_n_subcommands; i++)
		usage_row(&config_subcommands[i], out);
	help_pm2(out);
	(void)fputs("\nEvery option is an environment variable, too: --stop-timeout is "
		    "SIOINIT_STOP_TIMEOUT.\n\noptions:\n",
		    out);
	for (size_t i = 0; i < config_n_rows; i++)
		help_row(&config_table[i], out);
	(void)fputs("  --help, --version\n", out);
}

/* SIOINIT_SIDECAR_NAME= */
static void put_sidecar(const struct config_sidecar *one, FILE *out)
{
	(void)fputs(SIDECAR_PREFIX, out);
	for (const char *p = one->name; *p; p++)
		(void)fputc(toupper((unsigned char)*p), out);
	(void)fputc('=', out);
	config_print_sidecar(one, out);
}

static void print_sidecars(const struct config_sidecars *l, FILE *out)
{
	for (unsigned i = 0; i < l->n; i++) {
		const struct config_sidecar *one = &l->list[i];

		put_sidecar(one, out);
		(void)fprintf(out, " (%.*s)\n", (int)one->from.name.n, one->from.name.p);
	}
}

void config_print(const struct config *c, FILE *out)
{
	for (size_t i = 0; i < config_n_rows; i++) {
		struct str from = c->from[i].name.n ? c->from[i].name : STR("not set");
		char name[NAME_MAX_BYTES];

		if (setting_is_sidecar(&config_table[i])) {
			print_sidecars(&c->sidecars, out);
			continue;
		}
		setting_env_name(&config_table[i], name);
		(void)fprintf(out, "%s=", name);
		config_table[i].print((const char *)c + config_table[i].offset, out);
		(void)fprintf(out, " (%.*s)\n", (int)from.n, from.p);
	}
}

/* One entry, unless its value is empty: that is the same as none. */
static void put_environment(const struct setting *s, const struct config *c, FILE *out)
{
	char name[NAME_MAX_BYTES];
	long begin = ftell(out), value;

	setting_env_name(s, name);
	(void)fprintf(out, "%s=", name);
	value = ftell(out);
	s->print((const char *)c + s->offset, out);
	if (ftell(out) == value)
		(void)fseek(out, begin, SEEK_SET);
	else
		(void)fputc('\0', out);
}

static void put_sidecars(const struct config_sidecars *l, enum config_source least, FILE *out)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->list[i].from.source >= least) {
			put_sidecar(&l->list[i], out);
			(void)fputc('\0', out);
		}
}

char *config_environment(const struct config *c, enum config_source least)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	for (size_t i = 0; i < config_n_rows && out; i++)
		if (setting_is_sidecar(&config_table[i]))
			put_sidecars(&c->sidecars, least, out);
		else if (c->from[i].source >= least &&
			 config_table[i].offset != offsetof(struct config, config_file))
			put_environment(&config_table[i], c, out);
	if (out && (fputc('\0', out) == EOF || fclose(out) == EOF)) {
		free(text);
		return NULL;
	}
	return text;
}

bool config_option(size_t i, struct config_option *ret)
{
	if (i >= config_n_rows)
		return false;
	*ret = (struct config_option){ config_table[i].name, config_table[i].value,
				       config_table[i].help, config_words(config_table[i].parse) };
	return true;
}

bool config_subcommand(size_t i, struct config_subcommand *ret)
{
	if (i >= config_n_subcommands)
		return pm2_subcommand(i - config_n_subcommands, ret);
	*ret = (struct config_subcommand){ config_subcommands[i].word, config_subcommands[i].help,
					   config_subcommands[i].words,
					   subcommand_takes_options(&config_subcommands[i]) };
	return true;
}

static void mdoc_row(const struct setting *s, FILE *out)
{
	char name[NAME_MAX_BYTES], text[512];

	setting_env_name(s, name);
	(void)fprintf(out, ".It Fl -%s Ar %s , Ev %s\n", s->name, s->value, name);
	(void)snprintf(text, sizeof(text), "%s.", s->help);
	text[0] = (char)toupper((unsigned char)text[0]);
	put_wrapped(out, text, "");
	if (s->dflt[0])
		(void)fprintf(out, "Default: %s.\n", s->dflt);
	if (config_reload_when(s->name) != CONFIG_AT_RESTART)
		(void)fputs("Can change while sioinit runs.\n", out);
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
	for (size_t i = 0; i < config_n_rows; i++) {
		mdoc_row(&config_table[i], out);
		mdoc_aliases(&config_table[i], out);
	}
}
