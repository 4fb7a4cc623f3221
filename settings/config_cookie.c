/* The attributes of the sticky cookie (RFC 6265, 4.1; draft-ietf-httpbis-rfc6265bis, 4.1), written
 * as in a Set-Cookie field. Those that are always there are added: Path=/, or the cookie would
 * count below the first page only; HttpOnly, as no script has a use for it; SameSite=Lax, browsers'
 * default. SameSite=None and Partitioned are nothing without Secure, so they bring it. Pure. */
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/str.h"
#include "settings/config.h"
#include "settings/config_values.h"

#include "base/ban.h"

enum { MAX_AGE_S = 400 * 86400 }; /* what browsers cut it to */

enum attribute { PATH, DOMAIN, MAX_AGE, SAME_SITE, SECURE, HTTP_ONLY, PARTITIONED, N_ATTRIBUTES };

/* What has been read. */
struct draft {
	char *text;
	size_t n;
	bool has[N_ATTRIBUTES];
	bool needs_secure, secure_auto;
};

static bool take_nothing(struct str value, struct draft *d)
{
	(void)d;
	return !value.p;
}

static bool take_path(struct str value, struct draft *d)
{
	(void)d;
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] <= ' ' || value.p[i] >= 0x7f)
			return false;
	return value.n > 0 && value.p[0] == '/';
}

static bool take_domain(struct str value, struct draft *d)
{
	static const char allowed[] = "-.0123456789abcdefghijklmnopqrstuvwxyz";

	(void)d;
	for (size_t i = 0; i < value.n; i++)
		if (!strchr(allowed, value.p[i] | 0x20) || value.p[i] == '\0')
			return false;
	return value.n > 0 && value.p[value.n - 1] != '.';
}

static bool take_max_age(struct str value, struct draft *d)
{
	uint64_t n;

	(void)d;
	return str_to_u64(value, MAX_AGE_S, &n) == 0 && n > 0;
}

static bool take_same_site(struct str value, struct draft *d)
{
	d->needs_secure |= str_eq_nocase(value, STR("none"));
	return str_eq_nocase(value, STR("strict")) || str_eq_nocase(value, STR("lax")) ||
	       str_eq_nocase(value, STR("none"));
}

static bool take_secure(struct str value, struct draft *d)
{
	d->secure_auto = str_eq_nocase(value, STR("auto"));
	return !value.p || d->secure_auto;
}

static bool take_partitioned(struct str value, struct draft *d)
{
	d->needs_secure = true;
	return !value.p;
}

static const struct {
	struct str name;
	bool (*take)(struct str value, struct draft *d); /* without = there is no value.p */
	const char *wrong;
} attributes[N_ATTRIBUTES] = {
	[PATH] = { { "Path", 4 }, take_path, "Path is not a /path" },
	[DOMAIN] = { { "Domain", 6 }, take_domain, "Domain is not a name such as example.com" },
	[MAX_AGE] = { { "Max-Age", 7 },
		      take_max_age,
		      "Max-Age is not a number of seconds (1 to 34560000, 400 days)" },
	[SAME_SITE] = { { "SameSite", 8 },
			take_same_site,
			"SameSite is not \"Strict\", \"Lax\" or \"None\"" },
	[SECURE] = { { "Secure", 6 }, take_secure, "not \"Secure\" or \"Secure=auto\"" },
	[HTTP_ONLY] = { { "HttpOnly", 8 }, take_nothing, "HttpOnly has no value" },
	[PARTITIONED] = { { "Partitioned", 11 }, take_partitioned, "Partitioned has no value" },
};

static const char too_long[] = "longer than 250 characters";

/* False: no room. */
static bool put(struct draft *d, struct str s)
{
	if (d->n + 2 + s.n >= COOKIE_ATTRIBUTES_SIZE)
		return false;
	if (d->n)
		d->n = (size_t)((char *)mempcpy(d->text + d->n, "; ", 2) - d->text);
	memcpy(d->text + d->n, s.p, s.n);
	d->n += s.n;
	d->text[d->n] = '\0';
	return true;
}

static const char *take(struct str part, struct draft *d)
{
	const char *sign = part.n ? memchr(part.p, '=', part.n) : NULL;
	size_t n = sign ? (size_t)(sign - part.p) : part.n;
	struct str value = { sign ? sign + 1 : NULL, sign ? part.n - n - 1 : 0 };
	enum attribute i = 0;

	while (i < N_ATTRIBUTES && !str_eq_nocase((struct str){ part.p, n }, attributes[i].name))
		i++;
	if (i == N_ATTRIBUTES)
		return "not a list with ; of Path=/PATH, Domain=NAME, Max-Age=SECONDS, "
		       "SameSite=Strict (Lax, None), Secure, Secure=auto, HttpOnly, Partitioned";
	if (d->has[i])
		return "an attribute is there twice";
	d->has[i] = true;
	if (!attributes[i].take(value, d))
		return attributes[i].wrong;
	if (i == SECURE && d->secure_auto) /* added where it belongs */
		return NULL;
	return put(d, part) ? NULL : too_long;
}

static bool add_missing(struct draft *d)
{
	static const struct {
		enum attribute attribute;
		struct str text;
	} defaults[] = {
		{ PATH, { "Path=/", 6 } },
		{ HTTP_ONLY, { "HttpOnly", 8 } },
		{ SAME_SITE, { "SameSite=Lax", 12 } },
		{ SECURE, { "Secure", 6 } },
	};

	if (d->needs_secure && d->secure_auto)
		d->has[SECURE] = d->secure_auto = false;
	for (size_t i = 0; i < ARRAY_LEN(defaults); i++) {
		enum attribute a = defaults[i].attribute;

		if (!d->has[a] && (a != SECURE || d->needs_secure) && !put(d, defaults[i].text))
			return false;
	}
	return true;
}

const char *config_parse_cookie(const char *s, void *dst)
{
	struct config_cookie ret = { 0 };
	struct draft d = { .text = ret.attributes };
	const char *wrong = NULL;

	for (bool more = true; more && !wrong;) {
		size_t n = strcspn(s, ";");

		wrong = take(str_trim((struct str){ s, n }), &d);
		more = s[n] == ';';
		s += n + more;
	}
	if (!wrong && !add_missing(&d))
		wrong = too_long;
	if (wrong)
		return wrong;
	ret.secure_auto = d.secure_auto;
	*(struct config_cookie *)dst = ret;
	return NULL;
}

void config_print_cookie(const void *src, FILE *out)
{
	const struct config_cookie *c = src;

	(void)fprintf(out, "%s%s", c->attributes, c->secure_auto ? "; Secure=auto" : "");
}
