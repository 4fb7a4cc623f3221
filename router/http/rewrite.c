/* Heads for the next hop. See rewrite.h. */
#include "router/http/rewrite.h"

#include "base/macros.h"
#include "router/http/head.h"

#include "base/ban.h"

static int put(struct buf *out, struct str s)
{
	return buf_append(out, s.p, s.n);
}

static int put_field(struct buf *out, struct str name, struct str value)
{
	size_t n = name.n + value.n + 4;
	int r = buf_reserve(out, n);
	char *p;

	if (r < 0)
		return r;
	p = mempcpy(out->p + out->len, name.p, name.n);
	p = mempcpy(p, ": ", 2);
	if (value.n)
		p = mempcpy(p, value.p, value.n);
	p[0] = '\r';
	p[1] = '\n';
	out->len += n;
	return 0;
}

/* RFC 9110, 7.6.1. Transfer-Encoding and Trailer stay: what was chunked is chunked again. */
static bool is_hop_by_hop(struct str name)
{
	static const struct str names[] = {
		{ "connection", 10 }, { "keep-alive", 10 }, { "proxy-connection", 16 },
		{ "te", 2 },          { "upgrade", 7 },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq_nocase(name, names[i]))
			return true;
	return false;
}

/* Whether the Connection fields name @name; what frames and routes the message they cannot. */
static bool is_named_by_connection(const struct http_head *h, struct str name)
{
	static const struct str needed[] = {
		{ "host", 4 },
		{ "content-length", 14 },
		{ "transfer-encoding", 17 },
		{ "trailer", 7 },
	};

	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (str_eq_nocase(name, needed[i]))
			return false;
	return http_has_member(h, STR("connection"), name);
}

static bool ends_here(const struct http_head *h, struct str name)
{
	return is_hop_by_hop(name) || (h->names_fields && is_named_by_connection(h, name));
}

/* Whether the field is left out because something else stands in its place. */
static bool is_replaced(const struct http_head *h, const struct http_forward *fw, struct str name)
{
	bool replaced = h->method.n && forwarded_is_rewritten(name, &fw->peer);

	for (size_t i = 0; i < fw->n_added && !replaced; i++)
		replaced = str_eq_nocase(name, fw->added[i].name);
	return replaced;
}

/* There is one coding, and some servers know it in small letters only. */
static struct str value_of(const struct http_field *f)
{
	return str_eq_nocase(f->name, STR("transfer-encoding")) ? STR("chunked") : f->value;
}

/* What says that the body is chunked, which it is not for a reader of HTTP/1.0: http_body_for(). */
static bool tells_of_chunks(struct str name)
{
	return str_eq_nocase(name, STR("transfer-encoding")) || str_eq_nocase(name, STR("trailer"));
}

/* @minor: of the reader's HTTP/1.x */
static int put_fields(const struct http_head *h, const struct http_forward *fw, unsigned minor,
		      struct buf *out)
{
	int r = 0;

	for (size_t i = 0; i < h->n_fields && r == 0; i++) {
		const struct http_field *f = &h->fields[i];

		if (!ends_here(h, f->name) && !is_replaced(h, fw, f->name) &&
		    (minor >= 1 || !tells_of_chunks(f->name)))
			r = put_field(out, f->name, value_of(f));
	}
	return r;
}

static int put_request_line(const struct http_head *h, struct buf *out)
{
	const struct str parts[] = { h->method, STR(" "),
				     h->target.n && h->target.p[0] == '/' ? STR("") : STR("/"),
				     h->target, h->minor ? STR(" HTTP/1.1") : STR(" HTTP/1.0") };
	int r = 0;

	if (h->authority.n == 0)
		return put(out, h->start_line);
	for (size_t i = 0; i < ARRAY_LEN(parts) && r == 0; i++)
		r = put(out, parts[i]);
	return r;
}

static int put_upgrade(struct str protocols, struct buf *out)
{
	int r = protocols.n ? put(out, STR("Connection: Upgrade\r\n")) : 0;

	return r == 0 && protocols.n ? put_field(out, STR("Upgrade"), protocols) : r;
}

int http_forward_request(const struct http_head *head, const struct http_forward *fw,
			 struct buf *out)
{
	int r = put_request_line(head, out);

	if (r == 0)
		r = put(out, STR("\r\n"));
	if (r == 0)
		r = put_fields(head, fw, 1, out);
	if (r == 0)
		r = forwarded_put(head, &fw->peer, out);
	for (size_t i = 0; i < fw->n_added && r == 0; i++)
		if (fw->added[i].value.n)
			r = put_field(out, fw->added[i].name, fw->added[i].value);
	if (r == 0)
		r = put_upgrade(fw->upgrade, out);
	return r == 0 ? put(out, STR("\r\n")) : r;
}

/* Our own version, whatever the worker's (RFC 9110, 2.5), and the blank that may be missing where
 * there is no reason phrase (RFC 9112, 4). */
static int put_status_line(const struct http_head *h, struct buf *out)
{
	const size_t version = strlen("HTTP/1.1"), least = strlen("HTTP/1.1 200 ");
	struct str rest = { h->start_line.p + version, h->start_line.n - version };
	int r = put(out, STR("HTTP/1.1"));

	if (r == 0)
		r = put(out, rest);
	return r == 0 ? put(out, h->start_line.n < least ? STR(" \r\n") : STR("\r\n")) : r;
}

int http_forward_response(const struct http_head *head, const struct http_forward *fw,
			  unsigned client_minor, struct buf *out)
{
	int r = put_status_line(head, out);

	if (r == 0)
		r = put_fields(head, fw, client_minor, out);
	if (r == 0 && fw->offered.name.n && !http_field_get(head, fw->offered.name).p)
		r = put_field(out, fw->offered.name, fw->offered.value);
	if (r == 0 && fw->set_cookie.name.n)
		r = cookie_put(&fw->set_cookie, out);
	if (r == 0)
		r = put_upgrade(fw->upgrade, out);
	if (r == 0 && fw->close && head->status >= 200)
		r = put(out, STR("Connection: close\r\n"));
	if (r == 0 && !fw->close && client_minor == 0)
		r = put(out, STR("Connection: keep-alive\r\n"));
	return r == 0 ? put(out, STR("\r\n")) : r;
}
