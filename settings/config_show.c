/* Settings for people and for programs: --help, `sioinit check`, the man page, the router's
 * environment, the shells' completion. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
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
	(void)fprintf(out, s->help[0] ? "       sioinit %-31s %s\n" : "       sioinit %s\n", call,
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
		else if (c->from[i].source >= least && !setting_is_secret(&config_table[i]) &&
			 config_table[i].offset != offsetof(struct config, config_file))
			put_environment(&config_table[i], c, out);
	if (out && (fputc('\0', out) == EOF || fclose(out) == EOF)) {
		free(text);
		return NULL;
	}
	return text;
}

/* JSON */

/* What @print writes is a number, a switch or a word of a few: of no use to strangers. */
static bool is_plain(config_print_fn *print)
{
	static config_print_fn *const all[] = {
		config_print_workers,       config_print_port,          config_print_serialization,
		config_print_sandbox,       config_print_restart,       config_print_dispatch,
		config_print_upstream,      config_print_app_metrics,   config_print_balance,
		config_print_traceparent,   config_print_access_format, config_print_level,
		config_print_log_format,    config_print_worker_logs,   config_print_switch,
		config_print_seconds,       config_print_factor,        config_print_count,
		config_print_routers,       config_print_heap,          config_print_bytes,
		config_print_bytes_or_auto, config_print_start_limit,   config_print_signal,
		config_print_stop_group,    config_print_stop_order,    config_print_umask,
		config_print_nice,          config_print_oom_score_adj, config_print_mode,
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i] == print)
			return true;
	return false;
}

/* The inside of quotes. */
static int put_escaped(struct str s, struct buf *out)
{
	int r = buf_reserve(out, s.n * ESCAPE_GROWTH);

	if (r == 0)
		out->len += escape_json(s, out->p + out->len, s.n * ESCAPE_GROWTH);
	return r;
}

/* Where a value comes from; a file's path is for who sees all. */
static struct str origin_of(const struct config_origin *from, bool all)
{
	if (from->name.n == 0)
		return STR("not set");
	if (from->source == CONFIG_FROM_FILE && !all)
		return STR("settings file");
	if (from->source == CONFIG_FROM_ECOSYSTEM && !all)
		return STR("ecosystem file");
	return from->name;
}

/* @value: NULL is hidden. */
static int put_json(const char *name, const char *value, struct str origin, struct buf *out)
{
	int r = buf_printf(
	    out, "%s{\"name\":\"%s\",\"value\":", out->p[out->len - 1] == '[' ? "" : ",", name);

	if (r == 0)
		r = value ? buf_append(out, "\"", 1) : buf_append(out, "null", 4);
	if (r == 0 && value)
		r = put_escaped(str_of(value), out);
	if (r == 0)
		r = buf_printf(out, "%s,\"origin\":\"", value ? "\"" : "");
	if (r == 0)
		r = put_escaped(origin, out);
	return r < 0 ? r : buf_printf(out, "\",\"hidden\":%s}", value ? "false" : "true");
}

static int put_setting_json(const struct config *c, size_t i, bool all, struct buf *out)
{
	const struct setting *s = &config_table[i];
	char name[NAME_MAX_BYTES], *value = NULL;
	struct str origin = origin_of(&c->from[i], all);
	size_t n;
	FILE *f = open_memstream(&value, &n);
	bool is_shown = !setting_is_secret(s) && (all || is_plain(s->print));
	int r = -ENOMEM;

	setting_env_name(s, name);
	if (f)
		s->print((const char *)c + s->offset, f);
	if (f && fclose(f) == 0)
		r = put_json(name, is_shown ? value : NULL, origin, out);
	free(value);
	return r;
}

static int put_sidecar_json(const struct config_sidecar *one, bool all, struct buf *out)
{
	char name[NAME_MAX_BYTES], *value = NULL;
	size_t n = (size_t)snprintf(name, sizeof(name), SIDECAR_PREFIX "%s", one->name);
	FILE *f = open_memstream(&value, &n);
	int r = -ENOMEM;

	for (char *p = name; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	if (f)
		config_print_sidecar(one, f);
	if (f && fclose(f) == 0)
		r = put_json(name, all ? value : NULL, origin_of(&one->from, all), out);
	free(value);
	return r;
}

int config_json(const struct config *c, bool all, struct buf *out)
{
	int r = buf_printf(out, "{\"settings\":[");

	for (size_t i = 0; i < config_n_rows && r == 0; i++)
		if (!setting_is_sidecar(&config_table[i]))
			r = put_setting_json(c, i, all, out);
	for (unsigned i = 0; i < c->sidecars.n && r == 0; i++)
		r = put_sidecar_json(&c->sidecars.list[i], all, out);
	return r < 0 ? r : buf_printf(out, "]}\n");
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
