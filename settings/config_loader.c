#include "settings/config_loader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/ban.h"

int config_loader_fail(const struct loader *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(l->err, l->err_size, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

struct config_text {
	struct config_text *next;
	char bytes[];
};

const char *config_keep(struct config *c, struct str s)
{
	struct config_text *t = malloc(sizeof(*t) + s.n + 1);

	if (!t)
		return NULL;
	if (s.n)
		memcpy(t->bytes, s.p, s.n);
	t->bytes[s.n] = '\0';
	LL_PREPEND(c->texts, t);
	return t->bytes;
}

const char *config_apply_sidecar(struct config *c, struct config_origin from, const char *value)
{
	struct config_sidecar one;
	const char *wrong = config_parse_sidecar(value, &one);

	if (wrong)
		return wrong;
	one.from = from;
	return config_add_sidecar(c, &one);
}

const char *config_apply(struct config *c, const struct setting *s, config_parse_fn *parse,
			 struct config_origin from, const char *value)
{
	struct config_origin *known = &c->from[s - config_table];
	struct config unused;
	bool wins = from.source >= known->source;
	const char *wrong;

	if (!*value)
		return NULL;
	if (setting_is_sidecar(s))
		return config_apply_sidecar(c, from, value);
	wrong = parse(value, (char *)(wins ? c : &unused) + s->offset);
	if (!wrong && wins)
		*known = from;
	return wrong;
}

int config_loader_apply(const struct loader *l, const struct setting *s, config_parse_fn *parse,
			enum config_source source, const char *from, const char *value)
{
	struct config_origin origin = { source, { from, strcspn(from, "=") } };
	const char *wrong = config_apply(l->config, s, parse, origin, value);

	if (wrong)
		return config_loader_fail(l, "%.*s=\"%s\": %s", (int)origin.name.n, from,
					  setting_shown(s, value), wrong);
	return 0;
}

void config_free(struct config *c)
{
	struct config_text *t, *next;

	LL_FOREACH_SAFE(c->texts, t, next)
	free(t);
	c->texts = NULL;
}
