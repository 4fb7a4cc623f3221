/* Strings of both serializations: Latin-1, UTF-8, UTF-16LE, JSON with its escapes. */
#include "ipc/text.h"

#include "base/ban.h"

static int32_t next_utf16(struct str s, size_t *at)
{
	const unsigned char *p = (const unsigned char *)s.p + *at;
	uint32_t hi, lo;

	if (s.n - *at < 2)
		return -1;
	hi = p[0] | (uint32_t)p[1] << 8;
	*at += 2;
	if (hi < 0xd800 || hi > 0xdfff)
		return (int32_t)hi;
	if (hi > 0xdbff || s.n - *at < 2)
		return 0xfffd;
	lo = p[2] | (uint32_t)p[3] << 8;
	if (lo < 0xdc00 || lo > 0xdfff)
		return 0xfffd;
	*at += 2;
	return (int32_t)(0x10000 + ((hi - 0xd800) << 10) + (lo - 0xdc00));
}

/* The length that a lead byte promises, and the smallest code point that may use it. */
static unsigned utf8_length(unsigned char lead, uint32_t *ret_min)
{
	static const uint32_t min[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned n = lead < 0x80   ? 1
		     : lead < 0xc2 ? 0
		     : lead < 0xe0 ? 2
		     : lead < 0xf0 ? 3
		     : lead < 0xf5 ? 4
				   : 0;

	*ret_min = min[n];
	return n;
}

static int32_t next_utf8(struct str s, size_t *at)
{
	const unsigned char *p = (const unsigned char *)s.p + *at;
	uint32_t min, c;
	unsigned n;

	if (*at == s.n)
		return -1;
	n = utf8_length(p[0], &min);
	(*at)++;
	if (n == 1)
		return p[0];
	if (n == 0 || s.n - *at < n - 1)
		return 0xfffd;
	c = p[0] & (0xffu >> (n + 1));
	for (unsigned i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0xfffd;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < min || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0xfffd;
	*at += n - 1;
	return (int32_t)c;
}

static unsigned hex4(const char *p)
{
	unsigned v = 0;

	for (int i = 0; i < 4; i++)
		v = v << 4 | (unsigned)(p[i] <= '9' ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
	return v;
}

static int32_t next_surrogate(struct str s, size_t *at, unsigned hi)
{
	unsigned lo;

	if (hi > 0xdbff || s.n - *at < 6 || s.p[*at] != '\\' || s.p[*at + 1] != 'u')
		return 0xfffd;
	lo = hex4(s.p + *at + 2);
	if (lo < 0xdc00 || lo > 0xdfff)
		return 0xfffd;
	*at += 6;
	return (int32_t)(0x10000 + ((hi - 0xd800) << 10) + (lo - 0xdc00));
}

static int32_t next_escape(struct str s, size_t *at)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	char c = s.p[(*at)++];
	const char *named = strchr(from, c);
	unsigned unit;

	if (c != 'u')
		return named ? to[named - from] : c;
	unit = hex4(s.p + *at);
	*at += 4;
	return unit >= 0xd800 && unit <= 0xdfff ? next_surrogate(s, at, unit) : (int32_t)unit;
}

static int32_t next_json(struct str s, size_t *at)
{
	if (*at == s.n || s.p[*at] != '\\')
		return next_utf8(s, at);
	(*at)++;
	return next_escape(s, at);
}

static int32_t next_latin1(struct str s, size_t *at)
{
	return *at < s.n ? (unsigned char)s.p[(*at)++] : -1;
}

int32_t text_next(const struct value *v, size_t *at)
{
	switch (v->encoding) {
	case 'j':
		return next_json(v->text, at);
	case 'u':
		return next_utf8(v->text, at);
	case 'w':
		return next_utf16(v->text, at);
	default:
		return next_latin1(v->text, at);
	}
}

/* Most strings are plain bytes: then comparing them is one memcmp. */
static bool is_plain(const struct value *v)
{
	if (v->encoding == 'j')
		return !memchr(v->text.p, '\\', v->text.n);
	return v->encoding != 'w';
}

bool text_is(const struct value *v, const char *s)
{
	size_t at = 0;

	if (v->type != VALUE_STRING)
		return false;
	if (is_plain(v))
		return str_eq(v->text, str_of(s));
	for (; *s; s++)
		if (text_next(v, &at) != (unsigned char)*s)
			return false;
	return text_next(v, &at) < 0;
}

struct value *text_find(const struct value *key, const char *const *keys, size_t n,
			struct value *out)
{
	for (size_t i = 0; i < n; i++)
		if (text_is(key, keys[i]))
			return &out[i];
	return NULL;
}
