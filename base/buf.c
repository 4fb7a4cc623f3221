/* Bounded buffers and blobs. Capacity doubles up to the limit, so appending is amortised O(1). */
#include "base/buf.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/ban.h"

enum { BUF_FIRST = 256 };

int buf_grow(struct buf *b, size_t n)
{
	size_t cap = b->cap;
	char *p;

	if (n > b->max - b->len)
		return -EMSGSIZE;
	if (cap == 0)
		cap = BUF_FIRST;
	while (cap < b->len + n)
		cap *= 2;
	if (cap > b->max)
		cap = b->max;
	p = realloc(b->p, cap);
	if (!p)
		return -ENOMEM;
	b->p = p;
	b->cap = cap;
	return 0;
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
	size_t room = b->cap - b->len;
	va_list ap;
	int n, r = 0;

	va_start(ap, fmt);
	n = vsnprintf(room ? b->p + b->len : NULL, room, fmt, ap);
	va_end(ap);
	if ((size_t)n >= room) {
		r = buf_reserve(b, (size_t)n + 1);
		if (r < 0)
			return r;
		va_start(ap, fmt);
		(void)vsnprintf(b->p + b->len, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	b->len += (size_t)n;
	return 0;
}

void buf_consume(struct buf *b, size_t n)
{
	assert(n <= b->len);
	if (n == 0)
		return;
	b->len -= n;
	memmove(b->p, b->p + n, b->len);
}

void buf_free(struct buf *b)
{
	free(b->p);
	*b = BUF_INIT(b->max);
}

struct blob *blob_new(size_t len)
{
	return blob_resize(NULL, len);
}

struct blob *blob_copy(struct str s)
{
	struct blob *b = blob_new(s.n);

	if (b && s.n)
		memcpy(b->bytes, s.p, s.n);
	return b;
}

struct blob *blob_resize(struct blob *b, size_t len)
{
	struct blob *resized = realloc(b, sizeof(*b) + len);

	if (!resized)
		return NULL;
	if (!b)
		*resized = (struct blob){ .refs = 1, .len = len };
	assert(resized->refs == 1);
	if (resized->quota)
		resized->quota->used += len - resized->len; /* modulo 2^64, also for less */
	resized->len = len;
	return resized;
}

struct blob *blob_shrink(struct blob *b, size_t len)
{
	struct blob *shrunk = blob_resize(b, len);

	if (shrunk)
		return shrunk;
	if (b->quota)
		b->quota->used -= b->len - len;
	b->len = len;
	return b;
}

void blob_charge(struct blob *b, struct quota *q)
{
	assert(!b->quota);
	b->quota = q;
	q->used += b->len;
}

struct blob *blob_ref(struct blob *b)
{
	b->refs++;
	return b;
}

void blob_unref(struct blob *b)
{
	if (!b)
		return;
	assert(b->refs > 0);
	if (--b->refs > 0)
		return;
	if (b->quota)
		b->quota->used -= b->len;
	free(b);
}
