/* Clients behind proxies. See forwarded.h. */
#include "router/http/forwarded.h"

#include "base/macros.h"
#include "router/http/head.h"

#include "base/ban.h"

static const struct str x_for = { "X-Forwarded-For", 15 }, x_proto = { "X-Forwarded-Proto", 17 },
			x_host = { "X-Forwarded-Host", 16 }, forwarded = { "Forwarded", 9 };

/* Names */

static char canonical(char c)
{
	if (c == '_')
		return '-';
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c;
}

static bool has_prefix(struct str name, struct str prefix)
{
	if (name.n < prefix.n)
		return false;
	for (size_t i = 0; i < prefix.n; i++)
		if (canonical(name.p[i]) != prefix.p[i])
			return false;
	return true;
}

bool forwarded_is_claim(struct str name)
{
	return has_prefix(name, STR("x-forwarded-")) ||
	       (name.n == 9 &&
		(has_prefix(name, STR("forwarded")) || has_prefix(name, STR("x-real-ip"))));
}

bool forwarded_has_claim(const struct http_head *head)
{
	for (size_t i = 0; i < head->n_fields; i++)
		if (forwarded_is_claim(head->fields[i].name))
			return true;
	return false;
}

bool forwarded_is_rewritten(struct str name, const struct forwarded_peer *peer)
{
	if (!peer->trusted)
		return forwarded_is_claim(name);
	return !peer->is_seen && (str_eq_nocase(name, x_for) || str_eq_nocase(name, forwarded));
}

/* Writing */

static int put(struct buf *out, struct str s)
{
	return buf_append(out, s.p, s.n);
}

static bool is_unix(const struct forwarded_peer *peer)
{
	return str_eq(peer->addr, STR("unix"));
}

struct field_out {
	struct buf *out;
	struct str name;
	bool begun;
	int err;
};

static void put_part(struct field_out *f, struct str s)
{
	if (f->err == 0)
		f->err = put(f->out, s);
}

static void put_element(struct field_out *f, struct str element)
{
	if (element.n == 0)
		return;
	put_part(f, f->begun ? STR(", ") : f->name);
	if (!f->begun)
		put_part(f, STR(": "));
	f->begun = true;
	put_part(f, element);
}

/* All that @head says in fields of that name, in one. */
static void put_said(struct field_out *f, const struct http_head *head)
{
	for (size_t i = 0; i < head->n_fields; i++)
		if (str_eq_nocase(head->fields[i].name, f->name))
			put_element(f, head->fields[i].value);
}

static int put_end(struct field_out *f)
{
	if (f->begun)
		put_part(f, STR("\r\n"));
	return f->err;
}

static int put_for(const struct http_head *head, const struct forwarded_peer *peer, struct buf *out)
{
	struct field_out f = { .out = out, .name = x_for };

	if (peer->trusted)
		put_said(&f, head);
	if (!peer->trusted || !is_unix(peer)) /* a trusted local proxy has no address to add */
		put_element(&f, peer->addr);
	return put_end(&f);
}

/* The value of a trusted peer's field passes by itself. */
static int put_one(const struct http_head *head, const struct forwarded_peer *peer, struct str name,
		   struct str value, struct buf *out)
{
	struct field_out f = { .out = out, .name = name };

	if (!peer->trusted || !http_field_get(head, name).p)
		put_element(&f, value);
	return put_end(&f);
}

/* Nobody has to know this field; where a trusted peer uses it, it stays true. */
static int put_forwarded(const struct http_head *head, const struct forwarded_peer *peer,
			 struct buf *out)
{
	struct field_out f = { .out = out, .name = forwarded };
	bool v6 = memchr(peer->addr.p, ':', peer->addr.n) != NULL;

	if (!peer->trusted)
		return 0;
	put_said(&f, head);
	if (f.begun && !is_unix(peer)) {
		put_element(&f, v6 ? STR("for=\"[") : STR("for="));
		put_part(&f, peer->addr);
		put_part(&f, v6 ? STR("]\"") : STR(""));
	}
	return put_end(&f);
}

int forwarded_put(const struct http_head *head, const struct forwarded_peer *peer, struct buf *out)
{
	int r;

	if (peer->is_seen)
		return peer->tls ? put_one(head, peer, x_proto, STR("https"), out) : 0;
	r = put_for(head, peer, out);
	if (r == 0)
		r = put_one(head, peer, x_proto, peer->tls ? STR("https") : STR("http"), out);
	if (r == 0)
		r = put_one(head, peer, x_host, http_field_get(head, STR("host")), out);
	return r == 0 ? put_forwarded(head, peer, out) : r;
}

/* Reading */

/* Cuts the last part off *list at @separator, where that is not in a quoted string. Escapes within
 * quotes do not matter here: no address has any. */
static struct str take_last(struct str *list, char separator)
{
	size_t cut = list->n;
	bool quoted = false, found = false;
	struct str part;

	for (size_t i = list->n; i-- > 0 && !found;) {
		quoted ^= list->p[i] == '"';
		found = list->p[i] == separator && !quoted;
		cut = i;
	}
	part = (struct str){ list->p + cut + found, list->n - cut - found };
	list->n = cut;
	return str_trim(part);
}

/* 1.2.3.4, 1.2.3.4:5, fd00::1, [fd00::1], [fd00::1]:5 */
static bool is_node(struct str s, struct ip *ret)
{
	const char *end;

	if (s.n && s.p[0] == '[') {
		end = memchr(s.p, ']', s.n);
		return end && (end + 1 == s.p + s.n || end[1] == ':') &&
		       ip_parse((struct str){ s.p + 1, (size_t)(end - s.p) - 1 }, ret) == 0;
	}
	if (ip_parse(s, ret) == 0)
		return true;
	end = s.n ? memchr(s.p, ':', s.n) : NULL;
	return end && ip_parse((struct str){ s.p, (size_t)(end - s.p) }, ret) == 0;
}

/* Of for=NODE;proto=http or the like, in any order, what follows @key, such as "for="; the value
 * may be quoted. */
static struct str value_of_pair(struct str pairs, struct str key)
{
	while (pairs.n) {
		struct str pair = take_last(&pairs, ';');

		if (!has_prefix(pair, key))
			continue;
		pair = (struct str){ pair.p + key.n, pair.n - key.n };
		if (pair.n >= 2 && pair.p[0] == '"' && pair.p[pair.n - 1] == '"')
			pair = (struct str){ pair.p + 1, pair.n - 2 };
		return pair;
	}
	return (struct str){ 0 };
}

struct search {
	const struct cidr_list *trusted;
	struct ip *ip;
	bool found;
};

/* From right to left, until somebody is named whose own word does not count, or nobody. */
static void search(struct search *s, struct str list, bool pairs)
{
	while (list.n && !s->found) {
		struct str element = take_last(&list, ',');

		if (element.n == 0)
			continue;
		s->found = !is_node(pairs ? value_of_pair(element, STR("for=")) : element, s->ip) ||
			   !cidr_list_has(s->trusted, s->ip);
	}
}

/* The first part of a list, which is the client's. */
static struct str first_of(struct str list)
{
	struct str first = { 0 };

	while (list.n)
		first = take_last(&list, ',');
	return first;
}

bool forwarded_is_tls(const struct http_head *head, const struct forwarded_peer *peer)
{
	struct str proto = first_of(http_field_get(head, x_proto));

	if (proto.n == 0)
		proto = value_of_pair(first_of(http_field_get(head, forwarded)), STR("proto="));
	if (!peer->trusted || proto.n == 0)
		return peer->tls;
	return str_eq_nocase(proto, STR("https")) || str_eq_nocase(proto, STR("wss"));
}

void forwarded_client(const struct http_head *head, const struct cidr_list *trusted, struct ip *ip)
{
	struct search s = { .trusted = trusted, .ip = ip };
	bool pairs = !http_field_get(head, x_for).p;
	struct str name = pairs ? forwarded : x_for;

	for (size_t i = head->n_fields; i-- > 0 && !s.found;)
		if (str_eq_nocase(head->fields[i].name, name))
			search(&s, head->fields[i].value, pairs);
}
