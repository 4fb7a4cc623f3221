/* Finding session ids. Nothing is assumed of a sid's alphabet: it is whatever stands between its
 * delimiters, and what is escaped (in a query, its name too; in JSON, in the JavaScript around
 * JSON) is the same session unescaped. */
#include "router/session/sid.h"

#include "base/ban.h"

enum { LOOK_AT_MAX = 1024 };

/* Queries */

/* Takes the next parameter from @query. False: there is none. */
static bool next_param(struct str *query, struct str *ret)
{
	const char *end;

	if (query->n == 0)
		return false;
	end = memchr(query->p, '&', query->n);
	*ret = (struct str){ query->p, end ? (size_t)(end - query->p) : query->n };
	query->p += ret->n + (end != NULL);
	query->n -= ret->n + (end != NULL);
	return true;
}

static struct str query_of(struct str target)
{
	const char *mark = target.n ? memchr(target.p, '?', target.n) : NULL;

	if (!mark)
		return (struct str){ 0 };
	return (struct str){ mark + 1, (size_t)(target.p + target.n - mark) - 1 };
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The value of @n digits at @p, or -1. */
static int hex(const char *p, size_t n)
{
	int value = 0;

	for (size_t i = 0; i < n; i++) {
		int digit = hex_digit(p[i]);

		if (digit < 0)
			return -1;
		value = value * 16 + digit;
	}
	return value;
}

/* Takes one character from *s (not empty), decoded as Node's URLSearchParams does. */
static char take_decoded(struct str *s)
{
	int c = *s->p == '%' && s->n > 2 ? hex(s->p + 1, 2) : -1;
	size_t used = c < 0 ? 1 : 3;

	if (c < 0)
		c = *s->p == '+' ? ' ' : *s->p;
	*s = (struct str){ s->p + used, s->n - used };
	return (char)c;
}

static bool is_encoded(struct str s, struct str name)
{
	while (s.n && name.n) {
		if (take_decoded(&s) != *name.p)
			return false;
		name = (struct str){ name.p + 1, name.n - 1 };
	}
	return s.n == 0 && name.n == 0;
}

/* Whether the name of @param stands for @name; then its value, empty where there is no =. */
static bool param_is(struct str param, struct str name, struct str *ret_value)
{
	const char *sign = param.n ? memchr(param.p, '=', param.n) : NULL;
	size_t n = sign ? (size_t)(sign - param.p) : param.n;

	if (!is_encoded((struct str){ param.p, n }, name))
		return false;
	n += sign != NULL;
	*ret_value = (struct str){ param.p + n, param.n - n };
	return true;
}

struct str sid_parameter(struct str target, struct str name)
{
	struct str query = query_of(target), param, value;

	while (next_param(&query, &param))
		if (param_is(param, name, &value))
			return value;
	return (struct str){ 0 };
}

/* The sids of engine.io have nothing to undo. Empty: longer than SID_MAX. */
static struct str decode(struct str s, char dst[static SID_MAX])
{
	size_t n = 0;

	if (s.n > 0 && s.n <= SID_MAX && !memchr(s.p, '%', s.n) && !memchr(s.p, '+', s.n)) {
		memcpy(dst, s.p, s.n);
		return (struct str){ dst, s.n };
	}
	while (s.n) {
		if (n == SID_MAX)
			return (struct str){ 0 };
		dst[n++] = take_decoded(&s);
	}
	return (struct str){ dst, n };
}

void sid_of_target(struct str target, struct str name, struct sid_request *ret)
{
	struct str query = query_of(target), param, value;

	ret->sid = (struct str){ 0 };
	ret->engine = false;
	while (next_param(&query, &param))
		if (param_is(param, name, &value))
			ret->sid = decode(value, ret->text);
		else if (param_is(param, STR("EIO"), &value) ||
			 param_is(param, STR("transport"), &value))
			ret->engine = true;
}

/* Handshakes */

static size_t put_utf8(int c, char *dst)
{
	if (c < 0x80) {
		dst[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		dst[0] = (char)(0xc0 | c >> 6);
		dst[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	dst[0] = (char)(0xe0 | c >> 12);
	dst[1] = (char)(0x80 | (c >> 6 & 0x3f));
	dst[2] = (char)(0x80 | (c & 0x3f));
	return 3;
}

/* One escape sequence of JSON or JavaScript at @s, which begins with a backslash: its length, 0
 * when it is not whole; the bytes it stands for in @dst. */
static size_t unescape_one(struct str s, char dst[static 3], size_t *ret_n)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *control;
	int code = s.n >= 6 && s.p[1] == 'u' ? hex(s.p + 2, 4) : -1;

	if (s.n < 2 || (s.p[1] == 'u' && s.n < 6))
		return 0;
	if (code >= 0) {
		*ret_n = put_utf8(code, dst);
		return 6;
	}
	control = memchr(from, s.p[1], sizeof(from) - 1);
	dst[0] = s.p[1];
	if (control)
		dst[0] = to[control - from];
	*ret_n = 1;
	return 2;
}

/* Undoes the escapes of a string literal: *ret_n bytes in @dst. False: its closing quote is not
 * there, or there was no room. */
static bool unquote(struct str s, char *dst, size_t size, size_t *ret_n)
{
	size_t n = 0;

	while (s.n > 0 && *s.p != '"' && n + 3 <= size) {
		size_t used = 1, put = 1;

		dst[n] = *s.p;
		if (*s.p == '\\')
			used = unescape_one(s, dst + n, &put);
		if (used == 0)
			break;
		n += put;
		s = (struct str){ s.p + used, s.n - used };
	}
	*ret_n = n;
	return s.n > 0 && *s.p == '"';
}

static const char *find(struct str s, struct str text)
{
	const char *at = s.n ? memmem(s.p, s.n, text.p, text.n) : NULL;

	return at ? at + text.n : NULL;
}

static uint32_t number_after(struct str s, struct str before)
{
	const char *at = find(s, before);
	struct str digits = { at, 0 };
	uint64_t n;

	if (!at)
		return 0;
	while (digits.p + digits.n < s.p + s.n && digits.p[digits.n] >= '0' &&
	       digits.p[digits.n] <= '9')
		digits.n++;
	return str_to_u64(digits, 86400000, &n) == 0 ? (uint32_t)n : 0;
}

/* The packet inside `___eio[0]("...");`, unescaped into @dst; any other body as it is. */
static struct str unwrap_jsonp(struct str body, char dst[static LOOK_AT_MAX])
{
	const char *at = str_has_prefix(body, STR("___eio[")) ? find(body, STR("(\"")) : NULL;
	size_t n;

	if (!at)
		return body;
	(void)unquote((struct str){ at, (size_t)(body.p + body.n - at) }, dst, LOOK_AT_MAX, &n);
	return (struct str){ dst, n };
}

bool sid_of_handshake(struct str body, struct sid_handshake *ret)
{
	char unwrapped[LOOK_AT_MAX], sid[SID_MAX + 3];
	struct str head = { body.p, body.n < LOOK_AT_MAX ? body.n : LOOK_AT_MAX };
	uint32_t interval, timeout;
	const char *at;
	size_t n;

	head = unwrap_jsonp(head, unwrapped);
	at = find(head, STR("\"sid\":\""));
	if (!at ||
	    !unquote((struct str){ at, (size_t)(head.p + head.n - at) }, sid, sizeof(sid), &n) ||
	    n == 0 || n > SID_MAX)
		return false;
	memcpy(ret->text, sid, n);
	ret->sid = (struct str){ ret->text, n };
	interval = number_after(head, STR("\"pingInterval\":"));
	timeout = number_after(head, STR("\"pingTimeout\":"));
	ret->idle_ms = interval && timeout ? interval + timeout : 0;
	return true;
}
