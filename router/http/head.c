/* HTTP heads. See head.h.
 *
 * The end of a head is found twice, by the first empty line and by llhttp; they must agree to the
 * byte, else the message has two readings and is refused. Limits: size of the head, HTTP_FIELDS_MAX
 * fields. */
#include "router/http/head.h"

#include <errno.h>
#include <llhttp.h>

#include "base/macros.h"

#include "base/ban.h"

static int on_url(llhttp_t *p, const char *at, size_t n)
{
	struct http_head *h = p->data;

	h->target = (struct str){ at, n };
	return 0;
}

static int on_field(llhttp_t *p, const char *at, size_t n)
{
	struct http_head *h = p->data;

	if (h->n_fields == HTTP_FIELDS_MAX)
		return HPE_USER;
	h->fields[h->n_fields] = (struct http_field){ .name = { at, n } };
	return 0;
}

static int on_value(llhttp_t *p, const char *at, size_t n)
{
	struct http_head *h = p->data;

	h->fields[h->n_fields].value = (struct str){ at, n };
	return 0;
}

static int on_value_complete(llhttp_t *p)
{
	struct http_head *h = p->data;

	h->n_fields++;
	return 0;
}

static int pause_parser(llhttp_t *p)
{
	(void)p;
	return HPE_PAUSED;
}

static const llhttp_settings_t head_settings = {
	.on_url = on_url,
	.on_header_field = on_field,
	.on_header_value = on_value,
	.on_header_value_complete = on_value_complete,
	.on_headers_complete = pause_parser,
};

static size_t leading_empty_lines(struct str in)
{
	size_t n = 0;

	while (n + 1 < in.n && in.p[n] == '\r' && in.p[n + 1] == '\n')
		n += 2;
	return n;
}

static const char *find(struct str s, const char *from, char c)
{
	return memchr(from, c, (size_t)(s.p + s.n - from));
}

struct lines {
	size_t end; /* offset behind the empty line that ends the head, 0: it has not come yet */
	bool ambiguous;
};

/* Lines end with CRLF, neither character stands alone, and no line begins with a blank (obs-fold):
 * RFC 9112, 2.2 and 5.2. llhttp is content with a single LF behind the request line. */
static struct lines walk_lines(struct str in, size_t from)
{
	const char *first = in.p + from, *line = first, *lf;
	struct lines found = { 0 };

	while ((lf = find(in, line, '\n'))) {
		bool is_empty = lf - line == 1 && *line == '\r';

		if (memchr(line, '\r', (size_t)(lf - line)) != lf - 1 ||
		    (line > first && (*line == ' ' || *line == '\t')))
			found.ambiguous = true;
		if (is_empty && line - first >= 2 && line[-2] == '\r') {
			found.end = (size_t)(lf - in.p) + 1;
			break;
		}
		line = lf + 1;
	}
	return found;
}

enum { IN_TOKEN = 1, IN_TARGET = 2, IN_HOST = 4, ANYWHERE = IN_TOKEN | IN_TARGET | IN_HOST };

/* What a byte may be part of: a token (RFC 9110, 5.6.2), a request target without a fragment, a
 * Host. */
static const uint8_t may_be[256] = {
	['!'] = ANYWHERE,
	['"'] = IN_TARGET,
	['#'] = IN_TOKEN,
	['$' ... '\''] = ANYWHERE,
	['(' ... ')'] = IN_TARGET | IN_HOST,
	['*' ... '+'] = ANYWHERE,
	[','] = IN_TARGET,
	['-' ... '.'] = ANYWHERE,
	['/'] = IN_TARGET,
	['0' ... '9'] = ANYWHERE,
	[':' ... ';'] = IN_TARGET | IN_HOST,
	['<'] = IN_TARGET,
	['='] = IN_TARGET | IN_HOST,
	['>' ... '@'] = IN_TARGET,
	['A' ... 'Z'] = ANYWHERE,
	['['] = IN_TARGET | IN_HOST,
	['\\'] = IN_TARGET,
	[']'] = IN_TARGET | IN_HOST,
	['^' ... 'z'] = ANYWHERE,
	['{'] = IN_TARGET | IN_HOST,
	['|'] = ANYWHERE,
	['}'] = IN_TARGET | IN_HOST,
	['~'] = ANYWHERE,
};

static bool consists_of(struct str s, uint8_t part)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(may_be[(uint8_t)s.p[i]] & part))
			return false;
	return true;
}

static bool is_token(struct str s)
{
	return s.n > 0 && consists_of(s, IN_TOKEN);
}

static bool has_ambiguous_field(const struct http_head *h)
{
	unsigned hosts = 0, encodings = 0;

	for (size_t i = 0; i < h->n_fields; i++) {
		struct str name = h->fields[i].name;

		if (!is_token(name) || name.p[name.n] != ':')
			return true;
		hosts += str_eq_nocase(name, STR("host"));
		if (!str_eq_nocase(name, STR("transfer-encoding")))
			continue;
		if (++encodings > 1 || !str_eq_nocase(h->fields[i].value, STR("chunked")))
			return true;
	}
	return hosts > 1;
}

/* The members of a list with commas; empty ones are none. */
static void for_each_member(struct str list, void (*member)(struct str, void *), void *ctx)
{
	while (list.n) {
		const char *comma = memchr(list.p, ',', list.n);
		size_t n = comma ? (size_t)(comma - list.p) : list.n;
		struct str s = str_trim((struct str){ list.p, n });

		if (s.n)
			member(s, ctx);
		n += comma != NULL;
		list = (struct str){ list.p + n, list.n - n };
	}
}

struct search {
	struct str token;
	bool found;
};

static void compare(struct str member, void *ctx)
{
	struct search *s = ctx;

	s->found = s->found || str_eq_nocase(member, s->token);
}

bool http_has_member(const struct http_head *h, struct str name, struct str token)
{
	struct search s = { token, false };

	for (size_t i = 0; i < h->n_fields; i++)
		if (str_eq_nocase(h->fields[i].name, name))
			for_each_member(h->fields[i].value, compare, &s);
	return s.found;
}

/* What the Connection fields say (RFC 9110, 7.6.1). */
struct options {
	bool close, keep_alive, upgrade, names_fields;
};

static void read_option(struct str option, void *ctx)
{
	struct options *o = ctx;

	if (str_eq_nocase(option, STR("close")))
		o->close = true;
	else if (str_eq_nocase(option, STR("keep-alive")))
		o->keep_alive = true;
	else if (str_eq_nocase(option, STR("upgrade")))
		o->upgrade = true;
	else
		o->names_fields = true;
}

static struct options read_options(const struct http_head *h)
{
	struct options o = { 0 };

	for (size_t i = 0; i < h->n_fields; i++)
		if (str_eq_nocase(h->fields[i].name, STR("connection")))
			for_each_member(h->fields[i].value, read_option, &o);
	return o;
}

static void measure_body(const llhttp_t *p, bool names_fields, struct http_body *body)
{
	if (p->flags & F_CHUNKED) {
		body->kind = HTTP_BODY_CHUNKED;
		chunks_init(&body->chunks, names_fields);
	} else if ((p->flags & F_CONTENT_LENGTH) && p->content_length > 0) {
		body->kind = HTTP_BODY_LENGTH;
		body->left = p->content_length;
	} else {
		body->done = true;
	}
}

static enum http_parse_result refuse(const struct http_head *h, enum llhttp_errno e)
{
	if (h->n_fields == HTTP_FIELDS_MAX)
		return HTTP_HEAD_TOO_LARGE;
	return e == HPE_INVALID_VERSION ? HTTP_HEAD_VERSION : HTTP_HEAD_BAD;
}

/* Everything requests and responses share. */
static enum http_parse_result parse(llhttp_type_t type, struct str in, size_t max, llhttp_t *p,
				    struct http_head *h)
{
	size_t from = leading_empty_lines(in);
	struct lines lines = walk_lines(in, from);
	size_t end = lines.end;
	struct options options;
	const char *eol;
	enum llhttp_errno e;

	if (end == 0)
		return in.n >= max ? HTTP_HEAD_TOO_LARGE : HTTP_HEAD_PARTIAL;
	if (end > max)
		return HTTP_HEAD_TOO_LARGE;
	h->size = end;
	h->n_fields = 0;
	h->method = h->target = h->authority = (struct str){ 0 };
	h->body = (struct http_body){ 0 };
	eol = memchr(in.p + from, '\r', end - from);
	h->start_line = (struct str){ in.p + from, (size_t)(eol - in.p) - from };
	llhttp_init(p, type, &head_settings);
	p->data = h;
	e = llhttp_execute(p, in.p + from, end - from);
	if (e != HPE_PAUSED || llhttp_get_error_pos(p) != in.p + end)
		return lines.ambiguous ? HTTP_HEAD_BAD : refuse(h, e);
	llhttp_resume(p);
	if (p->http_major != 1)
		return HTTP_HEAD_VERSION;
	if (lines.ambiguous || memchr(in.p + from, '\0', end - from) || has_ambiguous_field(h))
		return HTTP_HEAD_BAD;
	options = read_options(h);
	h->minor = p->http_minor;
	h->keep_alive = !options.close && (h->minor >= 1 || options.keep_alive);
	h->websocket = options.upgrade && http_has_member(h, STR("upgrade"), STR("websocket"));
	h->names_fields = options.names_fields;
	return HTTP_HEAD_COMPLETE;
}

/* Enough of a request to know that it will never be one: answers garbage before the header timeout
 * does. */
static enum http_parse_result judge_partial(struct str in)
{
	llhttp_t p;
	struct http_head scratch = { 0 };

	llhttp_init(&p, HTTP_REQUEST, &head_settings);
	p.data = &scratch;
	return llhttp_execute(&p, in.p, in.n) == HPE_OK ? HTTP_HEAD_PARTIAL : HTTP_HEAD_BAD;
}

/* "METHOD TARGET HTTP/1.x" with one blank each, printable ASCII and no fragment (RFC 9112, 3). */
static bool is_sound_request_line(const struct http_head *h)
{
	return h->start_line.n == h->method.n + h->target.n + strlen("  HTTP/1.1") &&
	       consists_of(h->target, IN_TARGET);
}

/* http://authority/path, whose scheme and authority are not the path's (RFC 9112, 3.2.2). False:
 * neither that nor another form. */
static bool take_target(struct http_head *h)
{
	static const struct str schemes[] = { { "http://", 7 }, { "https://", 8 } };
	struct str t = h->target;

	if (t.n == 0 || t.p[0] == '/' || str_eq(h->method, STR("CONNECT")))
		return t.n > 0;
	if (str_eq(t, STR("*")))
		return str_eq(h->method, STR("OPTIONS"));
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		size_t n = schemes[i].n, end = n;

		if (t.n <= n || !str_eq_nocase((struct str){ t.p, n }, schemes[i]))
			continue;
		while (end < t.n && t.p[end] != '/' && t.p[end] != '?')
			end++;
		h->authority = (struct str){ t.p + n, end - n };
		h->target = (struct str){ t.p + end, t.n - end };
		return end > n;
	}
	return false;
}

/* One Host, or none in HTTP/1.0; a name and a port and nothing else, the same that an absolute
 * target names (RFC 9112, 3.2). */
static bool has_sound_host(const struct http_head *h)
{
	struct str host = http_field_get(h, STR("host"));

	if (!host.p)
		return h->minor == 0;
	return consists_of(host, IN_HOST) &&
	       (h->authority.n == 0 || str_eq_nocase(host, h->authority));
}

enum http_parse_result http_parse_request(struct str in, size_t max, struct http_head *ret)
{
	llhttp_t p;
	enum http_parse_result r = parse(HTTP_REQUEST, in, max, &p, ret);
	const char *space;

	if (r == HTTP_HEAD_PARTIAL && in.n > 0)
		return judge_partial(in);
	if (r == HTTP_HEAD_TOO_LARGE && !memchr(in.p, '\n', max))
		return judge_partial(in) == HTTP_HEAD_BAD ? HTTP_HEAD_BAD : HTTP_HEAD_URI_TOO_LONG;
	if (r != HTTP_HEAD_COMPLETE)
		return r;
	space = memchr(ret->start_line.p, ' ', ret->start_line.n);
	ret->method =
	    (struct str){ ret->start_line.p, space ? (size_t)(space - ret->start_line.p) : 0 };
	ret->status = 0;
	if (p.http_minor == 0 && (p.flags & F_TRANSFER_ENCODING))
		return HTTP_HEAD_BAD; /* RFC 9112, 6.1 */
	if (p.content_length > INT64_MAX || !is_sound_request_line(ret) || !take_target(ret) ||
	    !has_sound_host(ret))
		return HTTP_HEAD_BAD;
	measure_body(&p, ret->names_fields, &ret->body);
	ret->websocket =
	    ret->websocket && ret->minor >= 1 && ret->body.done && str_eq(ret->method, STR("GET"));
	return r;
}

enum http_parse_result http_parse_response(struct str in, size_t max, bool no_body,
					   struct http_head *ret)
{
	llhttp_t p;
	enum http_parse_result r = parse(HTTP_RESPONSE, in, max, &p, ret);
	unsigned status;

	if (r != HTTP_HEAD_COMPLETE)
		return r;
	status = p.status_code;
	ret->status = status;
	if (p.http_minor == 0 && (p.flags & F_TRANSFER_ENCODING))
		ret->keep_alive = false; /* RFC 9112, 6.1 */
	if (no_body || status < 200 || status == 204 || status == 304) {
		ret->body.done = true;
	} else if (p.flags & (F_CHUNKED | F_CONTENT_LENGTH)) {
		measure_body(&p, ret->names_fields, &ret->body);
	} else {
		ret->body.kind = HTTP_BODY_UNTIL_CLOSE;
		ret->keep_alive = false;
	}
	return r;
}

struct str http_field_get(const struct http_head *head, struct str name)
{
	for (size_t i = 0; i < head->n_fields; i++)
		if (str_eq_nocase(head->fields[i].name, name))
			return head->fields[i].value;
	return (struct str){ 0 };
}
