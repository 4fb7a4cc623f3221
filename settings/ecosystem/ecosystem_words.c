#include "settings/ecosystem/ecosystem_words.h"

#include <errno.h>
#include <stdlib.h>

#include "base/ban.h"

static const char blanks[] = " \t\n\r\v\f";

int ecosystem_words_add(struct ecosystem_words *w, struct str word)
{
	char **list = realloc(w->list, (w->n + 2) * sizeof(*list));

	if (!list)
		return -ENOMEM;
	w->list = list;
	list[w->n] = strndup(word.p, word.n);
	list[w->n + 1] = NULL;
	if (!list[w->n])
		return -ENOMEM;
	w->n++;
	return 0;
}

/* The length of the quoted text at @s, quotes included; 0: none, or it does not end. */
static size_t quoted(const char *s)
{
	const char *end = *s == '"' || *s == '\'' ? strchr(s + 1, *s) : NULL;

	return end ? (size_t)(end - s) + 1 : 0;
}

/* The length of NAME="..." at @s; 0: it is something else. */
static size_t assignment(const char *s)
{
	size_t name = strcspn(s, " \t\n\r\v\f\"'="), value;

	if (name == 0 || s[name] != '=')
		return 0;
	value = quoted(s + name + 1);
	return value ? name + 1 + value : 0;
}

int ecosystem_words_split(struct ecosystem_words *w, const char *text)
{
	int r = 0;

	while (r == 0 && *(text += strspn(text, blanks))) {
		size_t n = assignment(text), quotes = n ? 0 : quoted(text);

		if (quotes)
			n = quotes;
		if (!n)
			n = strcspn(text, blanks);
		if (!quotes)
			r = ecosystem_words_add(w, (struct str){ text, n });
		else if (strspn(text + 1, blanks) < n - 2)
			r = ecosystem_words_add(w, (struct str){ text + 1, n - 2 });
		text += n;
	}
	return r;
}

void ecosystem_words_free(struct ecosystem_words *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->list[i]);
	free(w->list);
	*w = (struct ecosystem_words){ 0 };
}
