/* Sidecars: their names, and which of two with one name counts. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "settings/config_command.h"
#include "settings/config_table.h"

#include "base/ban.h"

static const char wrong_name[] =
    "not NAME=COMMAND, where NAME has letters, digits and _, a letter first, and 31 at most";

/* The length of the name at @s, which '=' ends; 0: it is none. */
static size_t read_name(const char *s, char ret[static SIDECAR_NAME_SIZE])
{
	size_t n = strcspn(s, "=");

	if (s[n] != '=' || n == 0 || n >= SIDECAR_NAME_SIZE || !isalpha((unsigned char)s[0]))
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (!isalnum((unsigned char)s[i]) && s[i] != '_' && s[i] != '-')
			return 0;
		ret[i] = (char)(s[i] == '-' ? '_' : tolower((unsigned char)s[i]));
	}
	ret[n] = '\0';
	return n;
}

static const char *check_line(const char *line)
{
	char **words;
	int r;

	if (config_command_wants_shell(line))
		return NULL;
	r = config_command_split(line, &words);
	if (r == 0)
		free(words);
	return r == -EINVAL ? "no command, or a quote in it that does not end" : NULL;
}

const char *config_parse_sidecar(const char *s, void *dst)
{
	struct config_sidecar one = { 0 };
	size_t n = read_name(s, one.name);
	const char *wrong;

	if (n == 0)
		return wrong_name;
	one.line = s + n + 1;
	wrong = check_line(one.line);
	if (!wrong)
		*(struct config_sidecar *)dst = one;
	return wrong;
}

void config_print_sidecar(const struct config_sidecar *one, FILE *out)
{
	if (one->line)
		(void)fputs(one->line, out);
	else
		config_command_print(one->words, out);
}

void config_print_sidecars(const void *src, FILE *out)
{
	const struct config_sidecars *l = src;

	for (unsigned i = 0; i < l->n; i++) {
		(void)fprintf(out, "%s%s=", i ? ", " : "", l->list[i].name);
		config_print_sidecar(&l->list[i], out);
	}
}

static struct config_sidecar *find(struct config_sidecars *l, const char *name)
{
	for (unsigned i = 0; i < l->n; i++)
		if (strcmp(l->list[i].name, name) == 0)
			return &l->list[i];
	return NULL;
}

const char *config_add_sidecar(struct config *c, const struct config_sidecar *sidecar)
{
	struct config_sidecar *known = find(&c->sidecars, sidecar->name);

	if (!known && c->sidecars.n == SIDECARS_MAX)
		return "more than 16 sidecars";
	if (!known)
		c->sidecars.list[c->sidecars.n++] = *sidecar;
	else if (sidecar->from.source >= known->from.source)
		*known = *sidecar;
	return NULL;
}
