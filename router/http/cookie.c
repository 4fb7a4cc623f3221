/* Cookies. See cookie.h. */
#include "router/http/cookie.h"

#include "router/http/head.h"

#include "base/ban.h"

struct str cookie_get(struct str field, struct str name)
{
	const char *p = field.p, *end;

	if (field.n == 0)
		return (struct str){ 0 };
	end = p + field.n;
	while (p < end) {
		const char *semicolon = memchr(p, ';', (size_t)(end - p));
		const char *stop = semicolon ? semicolon : end;
		struct str pair = { p, (size_t)(stop - p) };

		while (pair.n && *pair.p == ' ')
			pair = (struct str){ pair.p + 1, pair.n - 1 };
		if (str_has_prefix(pair, name) && pair.n > name.n && pair.p[name.n] == '=')
			return (struct str){ pair.p + name.n + 1, pair.n - name.n - 1 };
		p = stop + 1;
	}
	return (struct str){ 0 };
}

struct str cookie_of(const struct http_head *head, struct str name)
{
	struct str value = { 0 };

	for (size_t i = 0; i < head->n_fields && value.n == 0; i++)
		if (str_eq_nocase(head->fields[i].name, STR("cookie")))
			value = cookie_get(head->fields[i].value, name);
	return value;
}

int cookie_put(const struct cookie *cookie, struct buf *out)
{
	return buf_printf(out, "Set-Cookie: %.*s=%.*s; %.*s%s\r\n", (int)cookie->name.n,
			  cookie->name.p, (int)cookie->value.n, cookie->value.p,
			  (int)cookie->attributes.n, cookie->attributes.p,
			  cookie->secure ? "; Secure" : "");
}
