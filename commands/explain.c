/* The table as text. A cause's first sentence is the title. */
#include "commands/explain.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

#include "base/ban.h"

enum { MISUSED = 2, WIDTH = 78 };

static const struct message {
	const char *number, *cause, *mend;
} messages[] = {
#define M(number, cause, mend) { #number, cause, mend },
#include "base/messages.def"
#undef M
};

/* Its length. */
static int title(const char *cause)
{
	const char *end = strstr(cause, ". ");

	return (int)(end ? (size_t)(end - cause) + 1 : strlen(cause));
}

static void put_wrapped(const char *text)
{
	int column = 0;

	while (*text) {
		int n = (int)strcspn(text, " ");

		if (column > 0 && column + 1 + n > WIDTH) {
			printf("\n");
			column = 0;
		}
		column += printf("%s%.*s", column ? " " : "  ", n, text);
		text += n + (text[n] == ' ');
	}
	printf("\n");
}

static void explain(const struct message *m)
{
	printf("SIO-%s\n\nWhat has happened\n", m->number);
	put_wrapped(m->cause);
	printf("\nWhat to do\n");
	put_wrapped(m->mend);
}

static void list(void)
{
	for (size_t i = 0; i < ARRAY_LEN(messages); i++)
		printf("SIO-%s  %.*s\n", messages[i].number, title(messages[i].cause),
		       messages[i].cause);
}

/* What is behind those of @prefixes that it begins with, in their order. */
static const char *without_prefixes(const char *word)
{
	static const char *const prefixes[] = { "id=", "SIO", "-", "_" };

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (strncasecmp(word, prefixes[i], strlen(prefixes[i])) == 0)
			word += strlen(prefixes[i]);
	return word;
}

/* -1: it is no number. */
static long number_of(const char *word)
{
	const char *digits = without_prefixes(word);
	size_t n = strspn(digits, "0123456789");

	return n > 0 && n < 8 && !digits[n] ? strtol(digits, NULL, 10) : -1;
}

static const struct message *nearest(long number)
{
	const struct message *found = &messages[0];

	for (size_t i = 0; i < ARRAY_LEN(messages); i++)
		if (labs(strtol(messages[i].number, NULL, 10) - number) <
		    labs(strtol(found->number, NULL, 10) - number))
			found = &messages[i];
	return found;
}

static int explain_word(const char *word)
{
	long number = number_of(word);
	const struct message *m = nearest(number);

	if (number >= 0 && strtol(m->number, NULL, 10) == number) {
		explain(m);
		return 0;
	}
	if (number >= 0)
		(void)fprintf(stderr, "sioinit: there is no SIO-%03ld; the nearest is SIO-%s\n",
			      number, m->number);
	else
		(void)fprintf(stderr,
			      "sioinit: %s is no id; one is SIO-%s, and `sioinit explain` "
			      "lists all\n",
			      word, m->number);
	return MISUSED;
}

int explain_run(char *const *words, size_t n)
{
	if (n == 1) {
		list();
		return 0;
	}
	if (n == 2)
		return explain_word(words[1]);
	(void)fputs("usage: sioinit explain [ID]\n", stderr);
	return MISUSED;
}

/* Markdown's own letters: names are between ` already. */
static void put_markdown(const char *text, FILE *out)
{
	bool is_code = false;

	for (; *text; text++) {
		is_code ^= *text == '`';
		if (!is_code && strchr("*_<>|", *text))
			(void)fputc('\\', out);
		(void)fputc(*text, out);
	}
}

void explain_print_markdown(FILE *out)
{
	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		(void)fprintf(out, "\n### SIO-%s\n\n", messages[i].number);
		put_markdown(messages[i].cause, out);
		(void)fputs("\n\n**What to do.** ", out);
		put_markdown(messages[i].mend, out);
		(void)fputc('\n', out);
	}
}
