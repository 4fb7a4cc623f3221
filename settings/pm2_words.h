/* The words that pm2's users type (pm2 7's lib/binaries/CLI.js), and what each is here: one row of
 * a table (pm2_words.c), which the command line, --help, the man page, the shells' completion and
 * docs/compatibility.md come from. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum pm2_word_kind {
	PM2_WORD_START,   /* runs what follows, in the foreground */
	PM2_WORD_MEANS,   /* another word of ours, for the instance that runs */
	PM2_WORD_ACTION,  /* the same of one that needs none */
	PM2_WORD_NOTHING, /* there is nothing to do: text says why; exit code 0 */
	PM2_WORD_INSTEAD, /* not here: text says what does it; exit code 2 */
	PM2_WORD_PROGRAM, /* is run as any program of that name; text says what pm2's would be */
};

/* Beside its names, when a word is pm2's. */
enum pm2_word_when {
	PM2_WORD_ALWAYS,
	PM2_WORD_WITH_ONE_NUMBER, /* `env A=1 node app.js` is the program */
};

struct pm2_word {
	const char *const *names; /* ends with NULL */
	enum pm2_word_kind kind;
	const char *const *means; /* our words, ends with NULL; or NULL */
	size_t takes;             /* how many words may follow it here; more are an error there */
	bool swapped;             /* the first two of them */
	enum pm2_word_when when;
	const char *text;
};

/* The row of @argv[0], if the word is pm2's with what follows it; else NULL. argv ends with NULL.
 */
const struct pm2_word *pm2_word_find(char *const *argv);

/* A row; false: @i is behind the last. */
bool pm2_word(size_t i, const struct pm2_word **ret);

enum { PM2_WORDS_MAX = 8 };

/* Our own words for pm2's in @argv (@n of them), without pm2's options, none of which has an effect
 * on what runs already. Borrowed from argv and the table. How many, at most PM2_WORDS_MAX: what is
 * more is left out. */
size_t pm2_word_translate(const struct pm2_word *w, char *const *argv, size_t n,
			  char *ret[static PM2_WORDS_MAX]);

/* The tables of words and options in Markdown, for docs/compatibility.md; that of words in mdoc,
 * for the man page. */
void pm2_print_markdown(FILE *out);
void pm2_print_mdoc(FILE *out);
