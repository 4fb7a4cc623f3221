/* The table as text. A cause's first sentence is the title. */
#include "commands/explain.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

#include "base/ban.h"

enum { MISUSED = 2, WIDTH = 78 };

/* Three texts each, one behind the other: pointers to them would be as many relocations. */
static const char table[] =
#define M(number, cause, mend) #number "\0" cause "\0" mend "\0"
#include "base/messages.def"
#undef M
    ;

struct message {
	const char *number, *cause, *mend;
};

/* The one at @at, which is moved to the next one. */
static bool next(const char **at, struct message *ret)
{
	const char *text = *at;

	if (!*text)
		return false;
	ret->number = text;
	ret->cause = ret->number + strlen(ret->number) + 1;
	ret->mend = ret->cause + strlen(ret->cause) + 1;
	*at = ret->mend + strlen(ret->mend) + 1;
	return true;
}

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
	struct message m;

	for (const char *at = table; next(&at, &m);)
		printf("SIO-%s  %.*s\n", m.number, title(m.cause), m.cause);
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

static struct message nearest(long number)
{
	const char *at = table;
	struct message m, found;

	(void)next(&at, &found);
	while (next(&at, &m))
		if (labs(strtol(m.number, NULL, 10) - number) <
		    labs(strtol(found.number, NULL, 10) - number))
			found = m;
	return found;
}

static int explain_word(const char *word)
{
	long number = number_of(word);
	struct message m = nearest(number);

	if (number >= 0 && strtol(m.number, NULL, 10) == number) {
		explain(&m);
		return 0;
	}
	if (number >= 0)
		(void)fprintf(stderr, "sioinit: there is no SIO-%03ld; the nearest is SIO-%s\n",
			      number, m.number);
	else
		(void)fprintf(stderr,
			      "sioinit: %s is no id; one is SIO-%s, and `sioinit explain` "
			      "lists all\n",
			      word, m.number);
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
	struct message m;

	for (const char *at = table; next(&at, &m);) {
		(void)fprintf(out, "\n### SIO-%s\n\n", m.number);
		put_markdown(m.cause, out);
		(void)fputs("\n\n**What to do.** ", out);
		put_markdown(m.mend, out);
		(void)fputc('\n', out);
	}
}
