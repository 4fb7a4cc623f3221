/* Bounded byte buffers and shared, immutable blobs. */
#pragma once

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

/* Room for @n more bytes at b->p + b->len. 0, -EMSGSIZE (limit), -ENOMEM; b is intact on failure.
 */
int buf_reserve(struct buf *b, size_t n) __attribute__((warn_unused_result));

/* Appends a copy. Returns as buf_reserve(). */
int buf_append(struct buf *b, const void *bytes, size_t n) __attribute__((warn_unused_result));

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

/* Immutable bytes with a reference count: one broadcast, N queues, one copy. Single-threaded. */
struct blob {
	unsigned refs;
	size_t len;
	uint8_t bytes[];
};

/* A new blob of @len uninitialised bytes with one reference, or NULL (ENOMEM). */
struct blob *blob_new(size_t len);
/* A copy of @s with one reference, or NULL. */
struct blob *blob_copy(struct str s);
struct blob *blob_ref(struct blob *b);
/* Drops one reference; NULL is fine. */
void blob_unref(struct blob *b);
