/* Slices: borrowed bytes with a length, never NUL-terminated by promise. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

/* A slice of a string literal. */
#define STR(literal) ((struct str){ (literal), sizeof(literal) - 1 })

/* A slice of a NUL-terminated string; NULL gives the empty slice. */
static inline struct str str_of(const char *s)
{
	return (struct str){ s, s ? strlen(s) : 0 };
}

static inline bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_has_prefix(struct str s, struct str prefix)
{
	return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

/* ASCII case-insensitive equality, as HTTP field names want it (RFC 9110, 5.1). */
bool bytes_eq_nocase(const char *a, const char *b, size_t n);
static inline bool str_eq_nocase(struct str a, struct str b)
{
	return a.n == b.n && bytes_eq_nocase(a.p, b.p, a.n);
}

/* Without blanks and tabs at both ends. */
struct str str_trim(struct str s);

/* The last @n lines of @s, the end of which need not be the end of a line. */
struct str str_last_lines(struct str s, size_t n);

/* Decimal digits only, the whole slice, no sign, no blanks. 0: *ret is set. -EINVAL, -ERANGE (>
 * max). */
int str_to_u64(struct str s, uint64_t max, uint64_t *ret);
