/* Members of a list and their parameters. See accept.h. */
#include "router/http/accept.h"

#include <string.h>

#include "base/ban.h"

/* @s up to @end, which is taken off with it. */
static struct str cut(struct str *s, char end)
{
	const char *at = s->n ? memchr(s->p, end, s->n) : NULL;
	struct str first = { s->p, at ? (size_t)(at - s->p) : s->n };
	size_t n = first.n + (at != NULL);

	*s = (struct str){ s->p + n, s->n - n };
	return str_trim(first);
}

/* What is no such number is 1. */
static unsigned quality_of(struct str s)
{
	unsigned q = 0, unit = ACCEPT_QUALITY_ONE / 10;

	if (s.n == 0 || s.p[0] != '0')
		return ACCEPT_QUALITY_ONE;
	for (size_t i = 2; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++, unit /= 10)
		q += (unsigned)(s.p[i] - '0') * unit;
	return q;
}

void accept_take(struct str *list, struct accept_range *ret)
{
	struct str range = cut(list, ',');

	*ret = (struct accept_range){ .value = cut(&range, ';'), .quality = ACCEPT_QUALITY_ONE };
	while (range.n) {
		struct str parameter = cut(&range, ';'), name = cut(&parameter, '=');

		if (str_eq_nocase(name, STR("q")))
			ret->quality = quality_of(parameter);
		else if (str_eq_nocase(name, STR("version")))
			ret->version = parameter;
	}
}
