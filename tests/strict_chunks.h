/* Two readers of the chunked coding that share nothing with router/http/chunks.c: one for what may
 * come in (RFC 9112, 7.1, in full), one for what the router sends, which is one form only. Both
 * read whole buffers, by recursive descent. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum verdict { CHUNKED_BAD, CHUNKED_PARTIAL, CHUNKED_WHOLE };

struct reading {
	const char *p, *end;
	bool partial; /* it failed only because the input ends here */
	char *body;   /* room for all of the input */
	size_t body_n;
	const char *trailers; /* in the input */
	size_t trailers_n;
};

static inline bool more(struct reading *r)
{
	r->partial = r->p == r->end;
	return !r->partial;
}

static inline bool literal(struct reading *r, const char *text)
{
	for (; *text; text++, r->p++)
		if (!more(r) || *r->p != *text)
			return false;
	return true;
}

static inline bool is_token_char(char c)
{
	return c && strchr("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			   "!#$%&'*+-.^_`|~",
			   c);
}

/* What a field value and, but for two characters, a quoted string is made of. */
static inline bool is_text_char(char c)
{
	return c == '\t' || ((uint8_t)c >= ' ' && c != 0x7f);
}

static inline bool token(struct reading *r)
{
	const char *begin = r->p;

	while (more(r) && is_token_char(*r->p))
		r->p++;
	return !r->partial && r->p > begin;
}

static inline bool blanks(struct reading *r)
{
	while (more(r) && (*r->p == ' ' || *r->p == '\t'))
		r->p++;
	return !r->partial;
}

static inline bool quoted(struct reading *r)
{
	r->p++;
	while (more(r) && *r->p != '"') {
		if (*r->p == '\\') {
			r->p++;
			if (!more(r))
				return false;
		}
		if (!is_text_char(*r->p++))
			return false;
	}
	return !r->partial && *r->p++ == '"';
}

static inline bool extension_value(struct reading *r)
{
	r->p++;
	if (!blanks(r))
		return false;
	return *r->p == '"' ? quoted(r) : token(r);
}

static inline bool extensions(struct reading *r)
{
	for (;;) {
		const char *begin = r->p;

		if (!blanks(r))
			return false;
		if (*r->p != ';')
			return r->p == begin;
		r->p++;
		if (!blanks(r) || !token(r))
			return false;
		begin = r->p;
		if (!blanks(r))
			return false;
		if (*r->p == '=') {
			if (!extension_value(r))
				return false;
		} else {
			r->p = begin;
		}
	}
}

static inline bool size(struct reading *r, uint64_t *ret)
{
	static const char digits[] = "0123456789abcdef";
	const char *begin = r->p, *digit;

	*ret = 0;
	for (; more(r); r->p++) {
		char c = *r->p >= 'A' && *r->p <= 'F' ? (char)(*r->p + 'a' - 'A') : *r->p;

		digit = c ? strchr(digits, c) : NULL;
		if (!digit)
			return r->p > begin;
		if (*ret > INT64_MAX / 16)
			return false;
		*ret = *ret * 16 + (uint64_t)(digit - digits);
	}
	return false;
}

static inline bool data(struct reading *r, uint64_t n)
{
	size_t there = (size_t)(r->end - r->p), k = n < there ? (size_t)n : there;

	memcpy(r->body + r->body_n, r->p, k);
	r->body_n += k;
	r->p += k;
	r->partial = k < n;
	return !r->partial;
}

static inline bool is_name(const char *p, size_t n, const char *name)
{
	if (n != strlen(name))
		return false;
	for (size_t i = 0; i < n; i++)
		if ((p[i] == '_' ? '-' : p[i] | 0x20) != (name[i] | 0x20))
			return false;
	return true;
}

static inline bool field(struct reading *r)
{
	const char *begin = r->p;
	size_t n;

	if (!token(r) || *r->p != ':')
		return false;
	n = (size_t)(r->p++ - begin);
	if (is_name(begin, n, "content-length") || is_name(begin, n, "transfer-encoding"))
		return false;
	while (more(r) && is_text_char(*r->p))
		r->p++;
	return literal(r, "\r\n");
}

static inline bool trailers(struct reading *r)
{
	r->trailers = r->p;
	while (more(r) && *r->p != '\r')
		if (!field(r))
			return false;
	r->trailers_n = (size_t)(r->p - r->trailers);
	return literal(r, "\r\n");
}

static inline bool own_size(struct reading *r, uint64_t *ret)
{
	const char *begin = r->p;

	if (!size(r, ret))
		return false;
	for (const char *p = begin; p < r->p; p++)
		if ((*p >= 'A' && *p <= 'F') || (*begin == '0' && r->p > begin + 1))
			return false;
	return true;
}

static inline bool message(struct reading *r, bool own)
{
	uint64_t n;

	do {
		if (own ? !own_size(r, &n) : !size(r, &n) || !extensions(r))
			return false;
		if (!literal(r, "\r\n"))
			return false;
		if (n > 0 && (!data(r, n) || !literal(r, "\r\n")))
			return false;
	} while (n > 0);
	return trailers(r);
}

/* @own: as the router writes it, no extensions, no zeros in front. @body has room for @n bytes.
 * r->p is where the message ends or fails. */
static inline enum verdict strict_read(struct reading *r, bool own, const char *in, size_t n,
				       char *body)
{
	*r = (struct reading){ .p = in, .end = in + n, .body = body };
	if (message(r, own))
		return CHUNKED_WHOLE;
	return r->partial ? CHUNKED_PARTIAL : CHUNKED_BAD;
}
