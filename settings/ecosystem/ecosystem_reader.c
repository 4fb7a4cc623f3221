/* What an app comes to while it is read: settings, variables, differences, or the first failure. */
#include "settings/ecosystem/ecosystem_reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ban.h"

void ecosystem_fail(struct ecosystem_reader *r, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (r->result < 0)
		return;
	r->result = -EINVAL;
	n = snprintf(r->err, r->err_size, "%s: %s%s%s", r->rq->file,
		     r->beside && r->eco->app ? "app \"" : "",
		     r->beside && r->eco->app ? r->eco->app : "",
		     r->beside && r->eco->app ? "\": " : "");
	va_start(ap, fmt);
	if (n >= 0 && (size_t)n < r->err_size)
		(void)vsnprintf(r->err + n, r->err_size - (size_t)n, fmt, ap);
	va_end(ap);
}

void ecosystem_texts_free(char **list)
{
	for (char **text = list; text && *text; text++)
		free(*text);
	free(list);
}

void ecosystem_item_free(struct ecosystem_item *i)
{
	free(i->name);
	free(i->value);
	free(i->key);
}

void ecosystem_list_free(struct ecosystem_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		ecosystem_item_free(&l->items[i]);
	free(l->items);
}

void ecosystem_add(struct ecosystem_reader *r, struct ecosystem_list *l, const char *name,
		   const char *value, const char *key)
{
	struct ecosystem_item item = { strdup(name), strdup(value), strdup(key) };
	struct ecosystem_item *items = realloc(l->items, (l->n + 1) * sizeof(*items));

	if (items)
		l->items = items;
	if (!items || !item.name || !item.value || !item.key) {
		ecosystem_item_free(&item);
		ecosystem_fail(r, "out of memory");
		return;
	}
	items[l->n++] = item;
}

void ecosystem_set(struct ecosystem_reader *r, const char *setting, const char *value)
{
	ecosystem_add(r, &r->eco->settings, setting, value, r->key);
}

/* Values as text */

/* As JavaScript writes it, for what a variable may hold. NULL, or memory to free. */
static char *text_of_number(double d)
{
	char text[32];

	for (int digits = 1; digits <= 17; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, d);
		if (strtod(text, NULL) == d)
			break;
	}
	return strdup(text);
}

char *ecosystem_text_of(const json_t *v)
{
	char text[32];

	switch (json_typeof(v)) {
	case JSON_STRING:
		return strdup(json_string_value(v));
	case JSON_INTEGER:
		(void)snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(v));
		return strdup(text);
	case JSON_REAL:
		return text_of_number(json_real_value(v));
	case JSON_TRUE:
	case JSON_FALSE:
		return strdup(json_is_true(v) ? "true" : "false");
	default:
		return json_dumps(v, JSON_COMPACT);
	}
}
