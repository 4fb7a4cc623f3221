/* The table of keys for readers: which of them are settings, and what becomes of the others. */
#include <ctype.h>
#include <stdio.h>

#include "settings/ecosystem/ecosystem_reader.h"

#include "base/ban.h"

static bool are_alike(const struct key *a, const struct key *b)
{
	return b && a->take == b->take && a->text == b->text;
}

static void print_setting(const char *name, FILE *out)
{
	(void)fputs("setting | `SIOINIT_", out);
	for (; *name; name++)
		(void)fputc(*name == '-' ? '_' : toupper((unsigned char)*name), out);
	(void)fputc('`', out);
}

static void print_what(const struct key *k, FILE *out)
{
	const char *class, *more;

	ecosystem_key_class(k, &class, &more);
	if (class)
		(void)fprintf(out, "%s | %s%s", class, more, k->text ? k->text : "");
	else
		print_setting(k->text, out);
}

/* Those that stand together and mean the same share a row. */
void ecosystem_print_keys(FILE *out)
{
	const struct key *k;

	(void)fputs("| key | is a | |\n|---|---|---|\n", out);
	for (size_t i = 0; (k = ecosystem_key(i));) {
		(void)fprintf(out, "| `%s`", k->name);
		while (are_alike(k, ecosystem_key(++i)))
			(void)fprintf(out, ", `%s`", ecosystem_key(i)->name);
		(void)fputs(" | ", out);
		print_what(k, out);
		(void)fputs(" |\n", out);
	}
	(void)fputs("| `env_NAME` | variables | over those of `env`, when `NODE_ENV` is NAME |\n",
		    out);
}
