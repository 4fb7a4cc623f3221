/* The chunked transfer coding (RFC 9112, 7.1), decoded and framed anew: what the next reader gets
 * is our own framing around the bytes that were parsed, so that no form of a chunk that it might
 * read differently ever reaches it. A pure parser: no I/O, no allocation, any split of the input.
 *
 * Strict: lines end with CRLF, sizes are hexadecimal digits below 2^63, extensions follow the
 * grammar. Extensions are dropped. Trailer fields are passed on as they came, but for those that a
 * trailer must not carry (RFC 9110, 6.5.1: framing, routing, credentials, the form of the content)
 * and the hop-by-hop ones, which are dropped; Content-Length and Transfer-Encoding there are
 * malformed. Limit: CHUNKS_LINE_MAX. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

enum {
	CHUNKS_LINE_MAX = 16 << 10, /* bytes of a size with its extensions, and of all trailers */
	CHUNKS_NAME_MAX = 40,       /* longer than any name that is looked for */
	/* bytes in front of and behind the input that chunks_feed() may write to */
	CHUNKS_BEFORE = CHUNKS_NAME_MAX + 24,
	CHUNKS_AFTER = 2,
};

struct chunks {
	uint64_t left;     /* bytes of this chunk's data */
	uint32_t line;     /* bytes of this line, or of the trailers */
	uint8_t state;     /* enum state in chunks.c */
	bool no_trailers;  /* drop every trailer field */
	bool named, drops; /* what is to become of this trailer field is known; it is dropped */
	uint8_t name_len;  /* its name, held back until then */
	char name[CHUNKS_NAME_MAX];
};

/* What a piece of input carried. Both borrow the memory around the input. */
struct chunks_piece {
	struct str data;   /* decoded */
	struct str framed; /* to be passed on; empty: nothing yet */
};

/* @no_trailers: what the head's Connection field names ends here, and is not remembered. */
void chunks_init(struct chunks *c, bool no_trailers);

/* Takes @n bytes at @bytes, which are overwritten, with CHUNKS_BEFORE writable bytes in front and
 * CHUNKS_AFTER behind. Returns how many of them belong to the body: fewer than @n only when it ends
 * there. -EBADMSG: malformed; *ret is not set, and nothing of this piece may be passed on. */
ssize_t chunks_feed(struct chunks *c, char *bytes, size_t n, struct chunks_piece *ret);

bool chunks_done(const struct chunks *c);

/* The fewest bytes that are still to come: so many can be read without reading past the end. */
uint64_t chunks_least_left(const struct chunks *c);
