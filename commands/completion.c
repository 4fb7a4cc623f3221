/* Three dialects of one table. Each function below writes what its shell calls a rule for one row;
 * the frame around the rows is constant. Help texts hold no quotes that the shells would see (a
 * test looks). */
#include "commands/completion.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/macros.h"
#include "settings/config.h"

#include "base/ban.h"

enum { MISUSED = 2 };

static bool is_file(const struct config_option *o)
{
	return strcmp(o->value, "FILE") == 0 || strcmp(o->value, "PATH") == 0;
}

static void put_words(const char *const *words, FILE *out)
{
	for (size_t i = 0; words && words[i]; i++)
		(void)fprintf(out, "%s%s", i ? " " : "", words[i]);
}

/* bash: flags and subcommands as word lists, values by a case */

static void bash_values(FILE *out)
{
	struct config_option o;

	for (size_t i = 0; config_option(i, &o); i++) {
		(void)fprintf(out, "\t--%s) ", o.name);
		if (is_file(&o)) {
			(void)fputs("COMPREPLY=($(compgen -f -- \"$word\")); ", out);
		} else if (o.words) {
			(void)fputs("COMPREPLY=($(compgen -W \"", out);
			put_words(o.words, out);
			(void)fputs("\" -- \"$word\")); ", out);
		}
		(void)fputs("return ;;\n", out);
	}
}

static void bash_subcommands(FILE *out)
{
	struct config_subcommand s;

	for (size_t i = 0; config_subcommand(i, &s); i++)
		if (s.words) {
			(void)fprintf(out, "\t%s) words=\"", s.word);
			put_words(s.words, out);
			(void)fprintf(out, "%s\" ;;\n", s.takes_options ? " $options" : "");
		}
}

static void bash_lists(FILE *out)
{
	struct config_subcommand s;
	struct config_option o;

	(void)fputs("\tlocal options=\"--help --version", out);
	for (size_t i = 0; config_option(i, &o); i++)
		(void)fprintf(out, " --%s", o.name);
	(void)fputs("\" subcommands=\"", out);
	for (size_t i = 0; config_subcommand(i, &s); i++)
		(void)fprintf(out, "%s%s", i ? " " : "", s.word);
	(void)fputs("\"\n", out);
}

/* COMP_WORDBREAKS splits --port=1 into three words */
static void print_bash(FILE *out)
{
	(void)fputs(
	    "# sioinit completion bash; to be sourced\n"
	    "_sioinit() {\n"
	    "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words\n",
	    out);
	bash_lists(out);
	(void)fputs("\t[[ $word == = ]] && word=\n"
		    "\t[[ $before == = ]] && before=${COMP_WORDS[COMP_CWORD-2]}\n"
		    "\tCOMPREPLY=()\n"
		    "\tcase $before in\n",
		    out);
	bash_values(out);
	(void)fputs("\tesac\n"
		    "\twords=\"$options $subcommands\"\n"
		    "\tcase ${COMP_WORDS[1]} in\n",
		    out);
	bash_subcommands(out);
	(void)fputs("\tesac\n"
		    "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
		    "\t[[ $word == -* ]] || COMPREPLY+=($(compgen -f -- \"$word\"))\n"
		    "}\n"
		    "complete -o filenames -F _sioinit sioinit\n",
		    out);
}

/* zsh: specs of _arguments, in which [ ] : and \ have a meaning */

static void zsh_text(const char *text, FILE *out)
{
	for (; *text; text++) {
		if (*text == '\'')
			(void)fputs("'\\'", out);
		else if (strchr("[]:\\", *text))
			(void)fputc('\\', out);
		(void)fputc(*text, out);
	}
}

static void zsh_option(const struct config_option *o, FILE *out)
{
	(void)fprintf(out, "\t'--%s=[", o->name);
	zsh_text(o->help, out);
	(void)fprintf(out, "]:%s:", o->value);
	if (is_file(o))
		(void)fputs("_files", out);
	if (o->words) {
		(void)fputc('(', out);
		put_words(o->words, out);
		(void)fputc(')', out);
	}
	(void)fputs("'\n", out);
}

static void zsh_subcommands(FILE *out)
{
	struct config_subcommand s;

	for (size_t i = 0; config_subcommand(i, &s); i++) {
		(void)fprintf(out, "\t'%s:", s.word);
		zsh_text(s.help, out);
		(void)fputs("'\n", out);
	}
}

static void zsh_words(FILE *out)
{
	struct config_subcommand s;

	for (size_t i = 0; config_subcommand(i, &s); i++)
		if (s.words) {
			(void)fprintf(out, "\t%s) compadd -- ", s.word);
			put_words(s.words, out);
			(void)fputs(s.takes_options ? " ;;\n" : "; return ;;\n", out);
		}
}

static void print_zsh(FILE *out)
{
	struct config_option o;

	(void)fputs("#compdef sioinit\n"
		    "# sioinit completion zsh; to be sourced, or a file _sioinit in $fpath\n"
		    "_sioinit() {\n"
		    "\tlocal -a subcommands options\n"
		    "\tlocal state\n"
		    "\tsubcommands=(\n",
		    out);
	zsh_subcommands(out);
	(void)fputs("\t)\n"
		    "\toptions=(\n"
		    "\t'--help[usage and options]'\n"
		    "\t'--version[which sioinit this is]'\n",
		    out);
	for (size_t i = 0; config_option(i, &o); i++)
		zsh_option(&o, out);
	(void)fputs("\t)\n"
		    "\tif (( CURRENT > 2 )); then case $words[2] in\n",
		    out);
	zsh_words(out);
	(void)fputs(
	    "\tesac; fi\n"
	    "\t_arguments -C $options '1: :->first' '*: :_files'\n"
	    "\tif [ \"$state\" = first ]; then _describe subcommand subcommands; _files; fi\n"
	    "}\n"
	    "if [ \"$funcstack[1]\" = _sioinit ]; then\n"
	    "\t_sioinit \"$@\"\n"
	    "else\n"
	    "\tcompdef _sioinit sioinit\n"
	    "fi\n",
	    out);
}

/* fish: one line per row */

static void fish_text(const char *text, FILE *out)
{
	(void)fputc('\'', out);
	for (; *text; text++)
		(void)fprintf(out, strchr("'\\", *text) ? "\\%c" : "%c", *text);
	(void)fputc('\'', out);
}

static void fish_words(const char *const *words, FILE *out)
{
	if (!words)
		return;
	(void)fputs(" -a '", out);
	put_words(words, out);
	(void)fputc('\'', out);
}

static void fish_option(const struct config_option *o, FILE *out)
{
	(void)fprintf(out, "complete -c sioinit -l %s %s -d ", o->name, is_file(o) ? "-rF" : "-x");
	fish_text(o->help, out);
	fish_words(o->words, out);
	(void)fputc('\n', out);
}

static void fish_subcommand(const struct config_subcommand *s, FILE *out)
{
	(void)fprintf(out, "complete -c sioinit -n __fish_use_subcommand -a %s -d ", s->word);
	fish_text(s->help, out);
	if (s->words)
		(void)fprintf(out, "\ncomplete -c sioinit -n '__fish_seen_subcommand_from %s' -f",
			      s->word);
	fish_words(s->words, out);
	(void)fputc('\n', out);
}

static void print_fish(FILE *out)
{
	struct config_subcommand s;
	struct config_option o;

	(void)fputs("# sioinit completion fish; to be sourced\n"
		    "complete -c sioinit -l help -d 'usage and options'\n"
		    "complete -c sioinit -l version -d 'which sioinit this is'\n",
		    out);
	for (size_t i = 0; config_subcommand(i, &s); i++)
		fish_subcommand(&s, out);
	for (size_t i = 0; config_option(i, &o); i++)
		fish_option(&o, out);
}

static const struct {
	const char *name;
	void (*print)(FILE *out);
} shells[] = { { "bash", print_bash }, { "zsh", print_zsh }, { "fish", print_fish } };

int completion_print(const char *shell, FILE *out)
{
	for (size_t i = 0; i < ARRAY_LEN(shells); i++)
		if (strcmp(shell, shells[i].name) == 0) {
			shells[i].print(out);
			return 0;
		}
	return -EINVAL;
}

int completion_run(char *const *words, size_t n)
{
	if (n == 2 && completion_print(words[1], stdout) == 0)
		return 0;
	(void)fputs("usage: sioinit completion bash|zsh|fish\n", stderr);
	return MISUSED;
}
