/* Bounded byte buffers and shared, immutable blobs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* A growing buffer with a hard limit. Zero-initialise with BUF_INIT(limit); no allocation until
 * used. */
struct buf {
	char *p;
	size_t len, cap, max; /* len <= cap <= max <= SIZE_MAX / 2 */
};

#define BUF_INIT(limit) ((struct buf){ .max = (limit) })

/* buf_reserve() where there is no room yet. */
int buf_grow(struct buf *b, size_t n) __attribute__((warn_unused_result));

/* Room for @n more bytes at b->p + b->len. 0, -EMSGSIZE (limit), -ENOMEM; b is intact on failure.
 */
static inline __attribute__((warn_unused_result)) int buf_reserve(struct buf *b, size_t n)
{
	return n <= b->cap - b->len ? 0 : buf_grow(b, n);
}

/* Appends a copy. Returns as buf_reserve(). */
static inline __attribute__((warn_unused_result)) int buf_append(struct buf *b, const void *bytes,
								 size_t n)
{
	int r = buf_reserve(b, n);

	if (r < 0)
		return r;
	if (n)
		memcpy(b->p + b->len, bytes, n);
	b->len += n;
	return 0;
}

/* Appends formatted text, without its NUL. Returns as buf_reserve(). */
int buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Drops the first @n bytes (n <= len) and moves the rest to the front. */
void buf_consume(struct buf *b, size_t n);

/* Frees the memory; the buffer stays usable with its limit. */
void buf_free(struct buf *b);

static inline struct str buf_str(const struct buf *b)
{
	return (struct str){ b->p, b->len };
}

/* Memory that several owners share: bytes in use and how many there may be. What is over is for
 * whoever allocates to decide: nothing here refuses. */
struct quota {
	size_t used, max;
};

static inline bool quota_has_room(const struct quota *q, size_t n)
{
	return q->used <= q->max && n <= q->max - q->used;
}

/* Immutable bytes with a reference count: one broadcast, N queues, one copy. Single-threaded. */
struct blob {
	unsigned refs;
	size_t len;
	struct quota *quota; /* what .len counts in, once however many refer to it; NULL: in none */
	uint8_t bytes[];
};

/* A new blob of @len uninitialised bytes with one reference, or NULL (ENOMEM). */
struct blob *blob_new(size_t len);
/* A copy of @s with one reference, or NULL. */
struct blob *blob_copy(struct str s);
/* @b (NULL: a new one), which nobody else refers to, with @len bytes; those that both lengths have
 * stay. NULL (ENOMEM): @b is as it was. */
struct blob *blob_resize(struct blob *b, size_t len);
/* The same for less, which cannot fail. */
struct blob *blob_shrink(struct blob *b, size_t len);
/* From now on, until its last reference is gone, @b counts in @q, which must outlive it. Once. */
void blob_charge(struct blob *b, struct quota *q);
struct blob *blob_ref(struct blob *b);
/* Drops one reference; NULL is fine. */
void blob_unref(struct blob *b);
