/* Escaping. A character is written whole or not at all. */
#include "base/escape.h"

#include <stdio.h>

#include "base/utf8.h"

#include "base/ban.h"

enum { ESCAPED_BUF = 8 };

static struct str quoted(char c, char dst[static ESCAPED_BUF])
{
	dst[0] = '\\';
	dst[1] = c;
	return (struct str){ dst, 2 };
}

static struct str numbered(const char *format, unsigned c, char dst[static ESCAPED_BUF])
{
	return (struct str){ dst, (size_t)snprintf(dst, ESCAPED_BUF, format, c) };
}

/* What stands for the character at the start of @rest, of @n bytes there. */
typedef struct str escape_fn(struct str rest, size_t *ret_n, char dst[static ESCAPED_BUF]);

static struct str one_json(struct str rest, size_t *ret_n, char dst[static ESCAPED_BUF])
{
	static const char special[] = "\"\\\n\r\t", names[] = "\"\\nrt";
	const char *known;
	int32_t c;

	*ret_n = 0;
	c = utf8_next(rest, ret_n);
	known = c > 0 && c < 0x80 ? strchr(special, (int)c) : NULL;
	if (known)
		return quoted(names[known - special], dst);
	if (c < 0x20 || c == 0x7f)
		return numbered("\\u%04x", (unsigned)c, dst);
	if (c == 0xfffd)
		return STR("\xef\xbf\xbd");
	return (struct str){ rest.p, *ret_n };
}

static struct str one_logfmt(struct str rest, size_t *ret_n, char dst[static ESCAPED_BUF])
{
	unsigned char c = (unsigned char)rest.p[0];

	*ret_n = 1;
	if (c == '"' || c == '\\')
		return quoted((char)c, dst);
	if (c < 0x20 || c == 0x7f)
		return numbered("\\x%02x", c, dst);
	return (struct str){ rest.p, 1 };
}

/* C1 controls, too, which terminals obey, and what turns the direction of text round. */
static struct str one_terminal(struct str rest, size_t *ret_n, char dst[static ESCAPED_BUF])
{
	int32_t c;

	*ret_n = 0;
	c = utf8_next(rest, ret_n);
	if (c == '\\')
		return quoted('\\', dst);
	if (c < 0x20 || (c >= 0x7f && c < 0xa0))
		return numbered("\\x%02x", (unsigned)c, dst);
	if ((c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
		return numbered("\\u%04x", (unsigned)c, dst);
	if (c == 0xfffd)
		return STR("\xef\xbf\xbd");
	return (struct str){ rest.p, *ret_n };
}

/* How many bytes at the start of @s stand for themselves in either way. */
static size_t plain(struct str s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] >= ' ' && s.p[n] < 0x7f && s.p[n] != '"' && s.p[n] != '\\')
		n++;
	return n;
}

static size_t escape(struct str s, char *dst, size_t size, escape_fn *one)
{
	size_t len = 0, n;
	char escaped[ESCAPED_BUF];

	for (size_t at = 0; at < s.n; at += n) {
		struct str rest = { s.p + at, s.n - at }, c = { rest.p, plain(rest) };

		if (c.n > size - len)
			c.n = size - len;
		n = c.n;
		if (n == 0)
			c = one(rest, &n, escaped);
		if (c.n > size - len)
			break;
		memcpy(dst + len, c.p, c.n);
		len += c.n;
	}
	return len;
}

size_t escape_json(struct str s, char *dst, size_t size)
{
	return escape(s, dst, size, one_json);
}

size_t escape_logfmt(struct str s, char *dst, size_t size)
{
	return escape(s, dst, size, one_logfmt);
}

size_t escape_terminal(struct str s, char *dst, size_t size)
{
	return escape(s, dst, size, one_terminal);
}
