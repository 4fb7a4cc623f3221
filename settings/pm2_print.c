/* pm2's words and options for the documents. */
#include "settings/pm2_options.h"
#include "settings/pm2_words.h"

#include "base/ban.h"

static void put_all(const char *const *words, const char *between, FILE *out)
{
	for (const char *const *w = words; *w; w++)
		(void)fprintf(out, "%s%s", w == words ? "" : between, *w);
}

/* The command that it is, if it is one, then what that does. */
static void put_meaning(const struct pm2_word *w, FILE *out)
{
	if (w->means) {
		(void)fputs("`sioinit ", out);
		put_all(w->means, " ", out);
		(void)fputs("`: ", out);
	}
	(void)fputs(w->text, out);
}

static void print_words(FILE *out)
{
	static const char *const codes[] = {
		[PM2_WORD_START] = "the app's", [PM2_WORD_MEANS] = "0, 1, 2",
		[PM2_WORD_ACTION] = "0, 1",     [PM2_WORD_NOTHING] = "0",
		[PM2_WORD_INSTEAD] = "2",       [PM2_WORD_PROGRAM] = "the program's",
	};
	const struct pm2_word *w;

	(void)fputs("| pm2's word | what it is here | exit code |\n|---|---|---|\n", out);
	for (size_t i = 0; pm2_word(i, &w); i++) {
		(void)fputs("| `", out);
		put_all(w->names, "`, `", out);
		(void)fputs("` | ", out);
		put_meaning(w, out);
		(void)fprintf(out, " | %s |\n", codes[w->kind]);
	}
}

static void print_options(FILE *out)
{
	const struct pm2_option *o;

	(void)fputs("\n| pm2's option | what it is here |\n|---|---|\n", out);
	for (size_t i = 0; pm2_option(i, &o); i++) {
		(void)fprintf(out, "| `--%s`", o->name);
		if (o->letter)
			(void)fprintf(out, ", `-%c`", o->letter);
		(void)fputs(" | ", out);
		pm2_option_say(o, out);
		(void)fputs(" |\n", out);
	}
}

void pm2_print_markdown(FILE *out)
{
	print_words(out);
	print_options(out);
}

void pm2_print_mdoc(FILE *out)
{
	const struct pm2_word *w;

	for (size_t i = 0; pm2_word(i, &w); i++) {
		(void)fputs(".It Cm ", out);
		put_all(w->names, " , ", out);
		(void)fputc('\n', out);
		if (w->means) {
			(void)fputs(".Cm ", out);
			put_all(w->means, " ", out);
			(void)fputs(" :\n", out);
		}
		(void)fprintf(out, "%s.\n", w->text);
	}
}
