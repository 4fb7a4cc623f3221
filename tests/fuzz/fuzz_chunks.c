/* Chunked bodies, cut at every place: the router's verdict is that of a strict reader of the whole,
 * what it sends is one message with exactly that body in the one form it has, and what it refuses
 * is never whole to whoever is behind it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "router/http/chunks.h"
#include "tests/strict_chunks.h"

enum { IN_MAX = 2048, EVERY_CUT_MAX = 256, ROOM = 2 * IN_MAX + 64 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

struct output {
	char data[ROOM], framed[8 * IN_MAX];
	size_t data_n, framed_n, used;
	enum verdict verdict;
};

static void expect(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void append(char *to, size_t *n, size_t max, struct str s)
{
	expect(s.n <= max - *n, "more than can be");
	if (s.n)
		memcpy(to + *n, s.p, s.n);
	*n += s.n;
}

/* False: done with the message, or refused. */
static bool feed(struct chunks *c, struct output *o, const char *in, size_t n)
{
	char *room = malloc(CHUNKS_BEFORE + n + CHUNKS_AFTER), *at = room + CHUNKS_BEFORE;
	struct chunks_piece piece;
	uint64_t least = chunks_least_left(c);
	ssize_t used;

	memcpy(at, in, n);
	used = chunks_feed(c, at, n, &piece);
	o->verdict = used < 0 ? CHUNKED_BAD : chunks_done(c) ? CHUNKED_WHOLE : CHUNKED_PARTIAL;
	if (used >= 0) {
		expect((size_t)used == n || chunks_done(c), "bytes left over");
		expect(!chunks_done(c) || (size_t)used >= least, "ended before it could");
		append(o->data, &o->data_n, sizeof(o->data), piece.data);
		append(o->framed, &o->framed_n, sizeof(o->framed), piece.framed);
		o->used += (size_t)used;
	}
	free(room);
	return o->verdict == CHUNKED_PARTIAL;
}

/* Pieces of @first and then of @step bytes. */
static void pass(struct output *o, bool no_trailers, const char *in, size_t n, size_t first,
		 size_t step)
{
	struct chunks c;
	size_t at = first;

	o->data_n = o->framed_n = o->used = 0;
	chunks_init(&c, no_trailers);
	if (!feed(&c, o, in, first))
		return;
	for (; at < n; at += step)
		if (!feed(&c, o, in + at, step < n - at ? step : n - at))
			return;
}

static void compare(const struct output *o, const struct reading *in, enum verdict expected,
		    size_t consumed, bool no_trailers)
{
	static char body[8 * IN_MAX];
	struct reading out;
	enum verdict got = strict_read(&out, true, o->framed, o->framed_n, body);

	expect(o->verdict == expected, "another verdict");
	if (expected != CHUNKED_WHOLE) {
		expect(got == CHUNKED_PARTIAL, "refused or not whole, but whole when passed on");
		return;
	}
	expect(got == CHUNKED_WHOLE && out.p == out.end, "not one message");
	expect(o->used == consumed, "another end");
	expect(out.body_n == in->body_n && memcmp(body, in->body, in->body_n) == 0, "another body");
	expect(o->data_n == in->body_n && memcmp(o->data, in->body, in->body_n) == 0,
	       "decoded otherwise");
	expect(out.trailers_n <= (no_trailers ? 0 : in->trailers_n), "trailers out of nowhere");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct output whole, cut;
	static char body[ROOM];
	const char *in = (const char *)bytes + 1;
	struct reading r;
	enum verdict expected;
	bool no_trailers;

	if (n-- < 2 || n > IN_MAX)
		return 0;
	no_trailers = bytes[0] & 1;
	expected = strict_read(&r, false, in, n, body);
	pass(&whole, no_trailers, in, n, n, n);
	compare(&whole, &r, expected, (size_t)(r.p - in), no_trailers);
	for (size_t first = 0; first < n; first += n <= EVERY_CUT_MAX ? 1 : 1 + n / 16) {
		size_t step = bytes[0] & 2 ? n : 1 + (bytes[0] >> 2);

		pass(&cut, no_trailers, in, n, first, step);
		compare(&cut, &r, expected, (size_t)(r.p - in), no_trailers);
	}
	return 0;
}
