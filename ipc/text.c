/* Strings of both serializations: Latin-1, UTF-8, UTF-16LE, JSON with its escapes. */
#include "ipc/text.h"

#include "base/utf8.h"

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
		return utf8_next(s, at);
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
		return utf8_next(v->text, at);
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

/* Whether the code points from *at on are those of the ASCII text @s; moves *at behind them. */
static bool take_ascii(const struct value *v, size_t *at, const char *s)
{
	for (; *s; s++)
		if (text_next(v, at) != (unsigned char)*s)
			return false;
	return true;
}

bool text_begins(const struct value *v, const char *s)
{
	size_t at = 0;

	return v->type == VALUE_STRING && take_ascii(v, &at, s);
}

bool text_is(const struct value *v, const char *s)
{
	size_t at = 0;

	if (v->type != VALUE_STRING)
		return false;
	if (is_plain(v))
		return str_eq(v->text, str_of(s));
	return take_ascii(v, &at, s) && text_next(v, &at) < 0;
}

/* A name is told from most others by its first character. */
static bool equals(struct str s, const char *name)
{
	return s.n > 0 && s.p[0] == name[0] && str_eq(s, str_of(name));
}

struct value *text_find(const struct value *key, const char *const *keys, size_t n,
			struct value *out)
{
	bool plain;

	if (key->type != VALUE_STRING)
		return NULL;
	plain = is_plain(key);
	for (size_t i = 0; i < n; i++)
		if (plain ? equals(key->text, keys[i]) : text_is(key, keys[i]))
			return &out[i];
	return NULL;
}
