/* Names and fields. See guard.h. What is let in: addresses (a page that was loaded from an address
 * is whoever has that address), names that public DNS does not have, and those of the setting. */
#include "router/admin/guard.h"

#include "base/ip.h"
#include "base/macros.h"

#include "base/ban.h"

enum { HTTP_PORT = 80, HTTPS_PORT = 443, PORT_MAX = 65535 };

static const char bad_host[] = "this Host is not let in, as a page of a stranger's could have sent "
			       "it here: SIOINIT_ADMIN_HOSTS=NAME lets a name in";
static const char bad_origin[] =
    "a page of another origin asks: behind a proxy, Host is to be what "
    "the browser has sent (and one of SIOINIT_ADMIN_HOSTS)";
static const char cross_site[] =
    "a page of another site asks (Sec-Fetch-Site), which no setting lets in: "
    "SIOINIT_ADMIN_HOSTS is for names of our own";

/* What Host has, or an Origin behind its scheme. */
struct place {
	struct str name; /* without brackets and the dot at its end */
	bool is_ip;
	bool is_rooted; /* it ends with a dot */
	unsigned port;  /* 0: none */
};

static bool has_suffix(struct str s, struct str suffix)
{
	return s.n >= suffix.n &&
	       str_eq_nocase((struct str){ s.p + s.n - suffix.n, suffix.n }, suffix);
}

static bool is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_' || c == '.';
}

/* Labels of letters, digits, - and _, none of them empty. */
static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_name_byte(s.p[i]) || (s.p[i] == '.' && (i == 0 || s.p[i - 1] == '.')))
			return false;
	return s.n > 0;
}

/* @s is :PORT or empty. */
static bool read_port(struct str s, struct place *ret)
{
	uint64_t port = 0;

	if (s.n == 0)
		return true;
	if (s.p[0] != ':' || str_to_u64((struct str){ s.p + 1, s.n - 1 }, PORT_MAX, &port) < 0)
		return false;
	ret->port = (unsigned)port;
	return port > 0;
}

static bool read_ip6(struct str s, struct place *ret)
{
	const char *end = memchr(s.p, ']', s.n);
	size_t n = end ? (size_t)(end - s.p) + 1 : 0;
	struct ip ip;

	if (!end)
		return false;
	ret->name = (struct str){ s.p + 1, n - 2 };
	ret->is_ip = true;
	return memchr(ret->name.p, ':', ret->name.n) && ip_parse(ret->name, &ip) == 0 &&
	       read_port((struct str){ s.p + n, s.n - n }, ret);
}

/* False: it is none. */
static bool read_place(struct str s, struct place *ret)
{
	const char *colon;
	size_t n;
	struct ip ip;

	*ret = (struct place){ .port = 0 };
	if (s.n == 0)
		return false;
	if (s.p[0] == '[')
		return read_ip6(s, ret);
	colon = memchr(s.p, ':', s.n);
	n = colon ? (size_t)(colon - s.p) : s.n;
	ret->name = (struct str){ s.p, n };
	if (!is_name(ret->name) || !read_port((struct str){ s.p + n, s.n - n }, ret))
		return false;
	ret->is_rooted = s.p[n - 1] == '.';
	ret->name.n -= ret->is_rooted;
	ret->is_ip = ip_parse(ret->name, &ip) == 0;
	return ret->name.n > 0;
}

/* Hosts */

/* Names that stand for this host, or that public DNS never has (.internal: ICANN, 2024). One
 * without dots is found by the search list of whoever asks, unless a dot at its end makes it a
 * domain of the root's. */
static bool is_local(const struct place *p)
{
	static const struct str suffixes[] = {
		{ ".localhost", 10 }, { ".svc", 4 }, { ".cluster.local", 14 }, { ".internal", 9 }
	};

	if (str_eq_nocase(p->name, STR("localhost")))
		return true;
	if (!memchr(p->name.p, '.', p->name.n))
		return !p->is_rooted;
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
		if (has_suffix(p->name, suffixes[i]))
			return true;
	return false;
}

/* Of the setting: NAME, or *.NAME for all that are below it. */
static bool is_meant(struct str entry, struct str name)
{
	if (str_has_prefix(entry, STR("*.")))
		return name.n >= entry.n &&
		       has_suffix(name, (struct str){ entry.p + 1, entry.n - 1 });
	return str_eq_nocase(entry, name);
}

static bool is_listed(const char *hosts, struct str name)
{
	while (hosts && *hosts) {
		size_t n = strcspn(hosts, ",");

		if (is_meant(str_trim((struct str){ hosts, n }), name))
			return true;
		hosts += n + (hosts[n] == ',');
	}
	return false;
}

/* How many there are; *ret is the last one's value. */
static unsigned count_fields(const struct http_head *head, struct str name, struct str *ret)
{
	unsigned n = 0;

	*ret = (struct str){ 0 };
	for (size_t i = 0; i < head->n_fields; i++)
		if (str_eq_nocase(head->fields[i].name, name)) {
			*ret = head->fields[i].value;
			n++;
		}
	return n;
}

/* Only HTTP/1.0 comes without one, which no browser speaks. */
static bool host_is_fine(const struct guard *g, const struct http_head *head, struct str *ret_host)
{
	unsigned n = count_fields(head, STR("Host"), ret_host);
	struct place p;

	if (n == 0 && head->minor == 0)
		return true;
	if (n != 1 || !read_place(*ret_host, &p))
		return false;
	return p.is_ip || is_local(&p) || is_listed(g->hosts, p.name);
}

/* Origins */

static bool read_origin(struct str s, struct place *ret, unsigned *ret_default)
{
	static const struct {
		struct str prefix;
		unsigned port;
	} schemes[] = { { { "http://", 7 }, HTTP_PORT }, { { "https://", 8 }, HTTPS_PORT } };

	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		size_t n = schemes[i].prefix.n;

		if (s.n <= n || !str_eq_nocase((struct str){ s.p, n }, schemes[i].prefix))
			continue;
		*ret_default = schemes[i].port;
		return read_place((struct str){ s.p + n, s.n - n }, ret);
	}
	return false; /* null is one */
}

/* Of the page that Host is of; its scheme may be that of a proxy before us. */
static bool origin_is_fine(const struct http_head *head, struct str host)
{
	struct str value;
	unsigned n = count_fields(head, STR("Origin"), &value), port;
	struct place from, to;

	if (n == 0)
		return true;
	if (n > 1 || !read_origin(value, &from, &port) || !read_place(host, &to))
		return false;
	return str_eq_nocase(from.name, to.name) && from.is_rooted == to.is_rooted &&
	       (from.port ? from.port : port) == (to.port ? to.port : port);
}

/* A link that somebody has followed, to a page that nobody can frame or read from outside. */
static bool is_navigation(const struct http_head *head)
{
	return str_eq(head->method, STR("GET")) &&
	       str_eq(http_field_get(head, STR("Sec-Fetch-Mode")), STR("navigate")) &&
	       str_eq(http_field_get(head, STR("Sec-Fetch-Dest")), STR("document"));
}

const char *guard_judge(const struct guard *g, const struct http_head *head)
{
	struct str host, site;
	unsigned n_sites = count_fields(head, STR("Sec-Fetch-Site"), &site);

	if (!g->is_unix && !host_is_fine(g, head, &host))
		return bad_host;
	if (!g->is_unix && !origin_is_fine(head, host))
		return bad_origin;
	if (n_sites > 1 || (str_eq_nocase(site, STR("cross-site")) && !is_navigation(head)))
		return cross_site;
	return NULL;
}
