/* Without over-long forms and surrogates. */
#include "base/utf8.h"

#include "base/ban.h"

enum { REPLACEMENT = 0xfffd, LENGTH_MAX = 4 };

/* The length that a lead byte promises, and the smallest code point that may use it. */
static unsigned length_of(unsigned char lead, uint32_t *ret_min)
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

int32_t utf8_next(struct str s, size_t *at)
{
	const unsigned char *p = (const unsigned char *)s.p + *at;
	uint32_t min, c;
	unsigned n;

	if (*at == s.n)
		return -1;
	n = length_of(p[0], &min);
	(*at)++;
	if (n == 1)
		return p[0];
	if (n == 0 || s.n - *at < n - 1)
		return REPLACEMENT;
	c = p[0] & (0xffu >> (n + 1));
	for (unsigned i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return REPLACEMENT;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < min || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return REPLACEMENT;
	*at += n - 1;
	return (int32_t)c;
}

size_t utf8_write(int32_t c, char dst[static 4])
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (n == 1) {
		dst[0] = (char)c;
		return 1;
	}
	for (size_t i = n; i-- > 1; c >>= 6)
		dst[i] = (char)(0x80 | (c & 0x3f));
	dst[0] = (char)(0xf00 >> n | c);
	return n;
}

bool utf8_is_valid(struct str s)
{
	size_t at = 0, before = 0;
	int32_t c;

	while ((c = utf8_next(s, &at)) >= 0) {
		if (c == REPLACEMENT && at - before == 1)
			return false;
		before = at;
	}
	return true;
}

size_t utf8_whole(struct str s)
{
	uint32_t min;

	for (size_t back = 1; back < LENGTH_MAX && back <= s.n; back++) {
		unsigned char c = (unsigned char)s.p[s.n - back];

		if ((c & 0xc0) != 0x80)
			return length_of(c, &min) > back ? s.n - back : s.n;
	}
	return s.n;
}
