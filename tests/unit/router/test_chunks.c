/* The chunked coding of router/http/chunks.c: legal forms are decoded and framed anew, malformed
 * ones refused, wherever the input is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/macros.h"
#include "router/http/chunks.h"
#include "tests/strict_chunks.h"

static const struct {
	const char *in, *body, *trailers;
} legal[] = {
	{ "0\r\n\r\n", "", "" },
	{ "5\r\nhello\r\n0\r\n\r\n", "hello", "" },
	{ "1\r\nh\r\n4\r\nello\r\n0\r\n\r\n", "hello", "" },
	{ "b\r\nhello world\r\n0\r\n\r\n", "hello world", "" },
	{ "B\r\nhello world\r\n0\r\n\r\n", "hello world", "" },
	{ "0005\r\nhello\r\n0\r\n\r\n", "hello", "" },
	{ "00000000000000000000005\r\nhello\r\n0000\r\n\r\n", "hello", "" },
	{ "7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n", "" },
	/* extensions */
	{ "5;a\r\nhello\r\n0\r\n\r\n", "hello", "" },
	{ "5;a=b\r\nhello\r\n0\r\n\r\n", "hello", "" },
	{ "5;a=b;c\r\nhello\r\n0\r\n\r\n", "hello", "" },
	{ "5;a;b=c\r\nhello\r\n0;d;e=f\r\n\r\n", "hello", "" },
	{ "5;a=\"\"\r\nhello\r\n0\r\n\r\n", "hello", "" },
	{ "5;a=\"b c\"\r\nhello\r\n0\r\n\r\n", "hello", "" },
	{ "5;a=\"b;c=d\"\r\nhello\r\n0\r\n\r\n", "hello", "" },
	{ "5;a=\"b\\\"c\"\r\nhello\r\n0\r\n\r\n", "hello", "" },
	{ "5;a=\"b\\\\\";c=\"\\d\"\r\nhello\r\n0\r\n\r\n", "hello", "" },
	{ "5;a=\"\t\xe9\";b\r\nhello\r\n0\r\n\r\n", "hello", "" },
	{ "5 ;a\r\nhello\r\n0\r\n\r\n", "hello", "" },
	{ "5\t; a = b ; c = \"d\"\r\nhello\r\n0\r\n\r\n", "hello", "" },
	{ "5;!#$%&'*+-.^_`|~0=1\r\nhello\r\n0\r\n\r\n", "hello", "" },
	/* trailers */
	{ "5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n", "hello", "X-T: 1\r\n" },
	{ "5\r\nhello\r\n0\r\nA: 1\r\nB:2\r\nC:\r\n\r\n", "hello", "A: 1\r\nB:2\r\nC:\r\n" },
	{ "5\r\nhello\r\n0\r\nA: b\tc \" \\ ; \xe9 \r\n\r\n", "hello",
	  "A: b\tc \" \\ ; \xe9 \r\n" },
	{ "0\r\nA: 1\r\n\r\n", "", "A: 1\r\n" },
	{ "0\r\nA-name-that-is-longer-than-any-that-is-looked-for: 1\r\nB: 2\r\n\r\n", "",
	  "A-name-that-is-longer-than-any-that-is-looked-for: 1\r\nB: 2\r\n" },
	{ "0\r\nConnection: X\r\nA: 1\r\nTE: x\r\nUpgrade: y\r\nTrailer: z\r\n\r\n", "",
	  "A: 1\r\n" },
	{ "0\r\nKeep-Alive: 1\r\nproxy-connection: 1\r\nHOST: x\r\nB: 2\r\n\r\n", "", "B: 2\r\n" },
	{ "0\r\nX-Forwarded-For: 1.2.3.4\r\nx_forwarded_proto: https\r\nForwarded: "
	  "for=x\r\nX-Real-IP: 1\r\nX-Forward: 1\r\n\r\n",
	  "", "X-Forward: 1\r\n" },
	{ "0\r\nX-Forwarded-A-name-that-is-longer-than-any-other: 1\r\n\r\n", "", "" },
	{ "0\r\nAuthorization: a\r\nCookie: b\r\nSet-Cookie: c\r\nContent-Type: "
	  "d\r\nServer-Timing: e\r\n\r\n",
	  "", "Server-Timing: e\r\n" },
};

static const char *const malformed[] = {
	/* sizes */
	"\r\n",
	" 5\r\nhello\r\n",
	"\t5\r\n",
	"+5\r\n",
	"-5\r\n",
	"0x5\r\n",
	"x5\r\n",
	"5 \r\n",
	"5\t\r\n",
	"5_\r\n",
	"5g\r\n",
	"5,\r\n",
	"5.0\r\n",
	"g\r\n",
	"\xe9\r\n",
	"8000000000000000\r\n",
	"ffffffffffffffff\r\n",
	"10000000000000005\r\n",
	"fffffffffffffffff\r\n",
	"00008000000000000000\r\n",
	/* the end of the size */
	"5\nhello",
	"5\rhello",
	"5\rXhello",
	"5\r\r\n",
	"5\n\r",
	"5\x0b\r\n",
	"5\x7f\r\n",
	"\n5\r\n",
	"\r\n5\r\n",
	/* extensions */
	"5;\r\n",
	"5;;a\r\n",
	"5;a;\r\n",
	"5;a;;b\r\n",
	"5;=b\r\n",
	"5;a=\r\n",
	"5;a=;b\r\n",
	"5;a==b\r\n",
	"5;a b\r\n",
	"5;a \r\n",
	"5;a=b \r\n",
	"5;a=b c\r\n",
	"5;a=\"b\" \r\n",
	"5;a=\"b\"c\r\n",
	"5;a=b\"c\"\r\n",
	"5;a=\"b\r\nhello",
	"5;a=\"b\rX\"\r\n",
	"5;a=\"b\nc\"\r\n",
	"5;a=\"b\\\r\n",
	"5;a=\"b\\\n\"\r\n",
	"5;a=\"\x01\"\r\n",
	"5;a=\"\x7f\"\r\n",
	"5;a\rb\r\n",
	"5;a\nb\r\n",
	"5;a\n",
	"5;a=\rb\r\n",
	"5;\xe9\r\n",
	"5;a=\xe9\r\n",
	"5;a,b\r\n",
	"5;(a)\r\n",
	"5 a\r\n",
	"5 =a\r\n",
	"5\"a\"\r\n",
	"10;a\rXYYY\r\n",
	/* data and its end */
	"5\r\nhello!\r\n",
	"5\r\nhello0\r\n\r\n",
	"5\r\nhell\r\n0\r\n\r\n",
	"5\r\nhello\n0\r\n\r\n",
	"5\r\nhello\r0\r\n\r\n",
	"5\r\nhello\rX0\r\n\r\n",
	"5\r\nhello\r\r\n",
	"5\r\nhello\n\r",
	"5\r\nhello \r\n",
	"5\r\nhello\r\n\r\n",
	"5\r\nhelloXX",
	/* the end, and trailers */
	"0\n\n",
	"0\r\n\n",
	"0\r\n\rX",
	"0\r\n\r\r\n",
	"0\r\n \r\n",
	"0\r\nX\r\n\r\n",
	"0\r\n: y\r\n",
	"0\r\nX : y\r\n",
	"0\r\nX\t: y\r\n",
	"0\r\nX Y: z\r\n",
	"0\r\n X: y\r\n",
	"0\r\n\tX: y\r\n",
	"0\r\nX: y\r\n z\r\n\r\n",
	"0\r\nX: y\r\n\tz\r\n\r\n",
	"0\r\nX: y\n\r\n",
	"0\r\nX: y\rZ: z\r\n\r\n",
	"0\r\nX: y\r\r\n",
	"0\r\nX: y\r\n\n",
	"0\r\nX: y\r\n\rX",
	"0\r\nX: \x01\r\n",
	"0\r\nX: \x7f\r\n",
	"0\r\nX\xe9: y\r\n",
	"0\r\n\"X\": y\r\n",
	"0\r\nX(: y\r\n",
	"0\r\nGET / HTTP/1.1\r\n",
	"0\r\nContent-Length: 5\r\n\r\n",
	"0\r\ncontent_length: 5\r\n\r\n",
	"0\r\nA: 1\r\nTRANSFER-ENCODING: chunked\r\n\r\n",
};

struct decoded {
	struct buf data, framed;
	ssize_t used; /* or -EBADMSG */
	bool done;
};

static void decoded_init(struct decoded *d)
{
	*d = (struct decoded){ .data = BUF_INIT(1 << 20), .framed = BUF_INIT(1 << 20) };
}

static void decoded_free(struct decoded *d)
{
	buf_free(&d->data);
	buf_free(&d->framed);
}

/* In memory of its own, so that the sanitizers see the bounds. False: ended or refused. */
static bool feed(struct chunks *c, struct decoded *d, struct str in)
{
	char *room = malloc(CHUNKS_BEFORE + in.n + CHUNKS_AFTER);
	struct chunks_piece piece;
	ssize_t used;

	memcpy(room + CHUNKS_BEFORE, in.p, in.n);
	used = chunks_feed(c, room + CHUNKS_BEFORE, in.n, &piece);
	if (used >= 0) {
		assert_int_equal(buf_append(&d->data, piece.data.p, piece.data.n), 0);
		assert_int_equal(buf_append(&d->framed, piece.framed.p, piece.framed.n), 0);
	}
	free(room);
	d->used = used < 0 ? used : d->used + used;
	d->done = chunks_done(c);
	return used >= 0 && !d->done;
}

/* In pieces of @first and then @step bytes. */
static void decode(struct decoded *d, bool no_trailers, struct str in, size_t first, size_t step)
{
	struct chunks c;
	size_t n = first;

	decoded_init(d);
	chunks_init(&c, no_trailers);
	while (feed(&c, d, (struct str){ in.p, n }) && (in.n -= n) > 0) {
		in.p += n;
		n = step < in.n ? step : in.n;
	}
}

static void expect(const struct decoded *d, const char *form, const char *body,
		   const char *trailers)
{
	char *read = malloc(d->framed.len + 1);
	struct reading r;

	if (!d->done || strict_read(&r, true, d->framed.p, d->framed.len, read) != CHUNKED_WHOLE ||
	    r.p != r.end || r.body_n != strlen(body) || memcmp(read, body, r.body_n) != 0 ||
	    !str_eq(buf_str(&d->data), str_of(body)) ||
	    !str_eq((struct str){ r.trailers, r.trailers_n }, str_of(trailers)))
		fail_msg("%s -> %zd, %.*s", form, d->used, (int)d->framed.len, d->framed.p);
	free(read);
}

static void takes_legal_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(legal); i++) {
		struct str in = str_of(legal[i].in);

		for (size_t first = 1; first <= in.n; first++)
			for (size_t step = 1; step <= in.n; step += in.n) {
				struct decoded d;

				decode(&d, false, in, first, step);
				expect(&d, legal[i].in, legal[i].body, legal[i].trailers);
				assert_int_equal(d.used, in.n);
				decoded_free(&d);
			}
	}
}

static void refuses_malformed_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(malformed); i++) {
		struct str in = str_of(malformed[i]);

		for (size_t first = 1; first <= in.n; first++) {
			struct decoded d;
			struct reading r;
			char read[256];

			decode(&d, false, in, first, 1);
			if (d.used != -EBADMSG)
				fail_msg("accepted: %s", malformed[i]);
			assert_int_equal(strict_read(&r, true, d.framed.p, d.framed.len, read),
					 CHUNKED_PARTIAL);
			decoded_free(&d);
		}
	}
}

static void refuses_every_control_character_but_in_data(void **state)
{
	static const char *const forms[] = { "5%c\r\n",         "5;a%c\r\n",
					     "5;a=%c\r\n",      "5;a=\"%c\"\r\n",
					     "0\r\nX%c: y\r\n", "0\r\nX: %c\r\n\r\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		for (int c = 0; c < 0x20; c++) {
			struct decoded d;
			char in[32];
			int n = snprintf(in, sizeof(in), forms[i], c);

			if (c == '\t')
				continue;
			decode(&d, false, (struct str){ in, (size_t)n }, (size_t)n, 1);
			if (d.used != -EBADMSG)
				fail_msg("accepted: %s with %d", forms[i], c);
			decoded_free(&d);
		}
}

static void ends_where_the_message_does(void **state)
{
	struct decoded d;

	(void)state;
	decode(&d, false, STR("1\r\na\r\n0\r\nX: y\r\n\r\nGET /next"), 26, 1);
	assert_true(d.done);
	assert_int_equal(d.used, 17);
	assert_true(str_eq(buf_str(&d.framed), STR("1\r\na\r\n0\r\nX: y\r\n\r\n")));
	decoded_free(&d);
}

static void makes_one_chunk_of_what_came_together(void **state)
{
	struct decoded d;
	const struct str in = STR("1;x\r\na\r\n002\r\nbc\r\n3;y=\"z\"\r\ndef\r\n0\r\n\r\n");

	(void)state;
	decode(&d, false, in, in.n, in.n);
	assert_true(str_eq(buf_str(&d.framed), STR("6\r\nabcdef\r\n0\r\n\r\n")));
	decoded_free(&d);
}

static void drops_all_trailers_when_told(void **state)
{
	struct decoded d;
	const struct str in = STR("1\r\na\r\n0\r\nX: y\r\nZ: z\r\n\r\n");

	(void)state;
	decode(&d, true, in, in.n, in.n);
	assert_true(str_eq(buf_str(&d.framed), STR("1\r\na\r\n0\r\n\r\n")));
	decoded_free(&d);
}

static void bounds_lines(void **state)
{
	static const struct {
		const char *before, *behind;
	} places[] = { { "1;", "\r\na\r\n0\r\n\r\n" },
		       { "1;a=\"", "\"\r\na\r\n0\r\n\r\n" },
		       { "0\r\nX: ", "\r\n\r\n" },
		       { "0\r\n", ": x\r\n\r\n" } };
	static const struct {
		size_t filler;
		bool fits;
	} sizes[] = { { CHUNKS_LINE_MAX - 64, true }, { CHUNKS_LINE_MAX, false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
			struct buf in = BUF_INIT(1 << 20);
			struct decoded d;

			assert_int_equal(buf_printf(&in, "%s", places[i].before), 0);
			assert_int_equal(buf_reserve(&in, sizes[k].filler), 0);
			memset(in.p + in.len, 'a', sizes[k].filler);
			in.len += sizes[k].filler;
			assert_int_equal(buf_printf(&in, "%s", places[i].behind), 0);
			decode(&d, false, buf_str(&in), 1000, 1000);
			assert_int_equal(d.done, sizes[k].fits);
			assert_int_equal(d.used, sizes[k].fits ? (ssize_t)in.len : -EBADMSG);
			decoded_free(&d);
			buf_free(&in);
		}
}

static void takes_zeros_in_front_up_to_the_limit(void **state)
{
	char zeros[CHUNKS_LINE_MAX + 1];
	struct decoded d;

	(void)state;
	memset(zeros, '0', sizeof(zeros));
	decode(&d, false, (struct str){ zeros, sizeof(zeros) - 1 }, 100, 100);
	assert_int_equal(d.used, sizeof(zeros) - 1);
	decoded_free(&d);
	decode(&d, false, (struct str){ zeros, sizeof(zeros) }, 100, 100);
	assert_int_equal(d.used, -EBADMSG);
	decoded_free(&d);
}

static void streams_a_chunk_of_any_size(void **state)
{
	static char in[CHUNKS_BEFORE + 65536 + CHUNKS_AFTER];
	char *at = in + CHUNKS_BEFORE;
	struct chunks_piece piece;
	struct chunks c;

	(void)state;
	chunks_init(&c, false);
	memcpy(at, "7fffffffffffffff\r\n", 18);
	assert_int_equal(chunks_feed(&c, at, 18, &piece), 18);
	assert_int_equal(piece.framed.n, 0);
	assert_true(chunks_least_left(&c) == (uint64_t)INT64_MAX + 7);
	assert_int_equal(chunks_feed(&c, at, 65536, &piece), 65536);
	assert_int_equal(piece.data.n, 65536);
	assert_ptr_equal(piece.data.p, at); /* not copied */
	assert_memory_equal(piece.framed.p, "10000\r\n", 7);
	assert_int_equal(piece.framed.n, 7 + 65536 + 2);
	assert_true(chunks_least_left(&c) == (uint64_t)INT64_MAX + 7 - 65536);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_legal_forms),
		cmocka_unit_test(refuses_malformed_forms),
		cmocka_unit_test(refuses_every_control_character_but_in_data),
		cmocka_unit_test(ends_where_the_message_does),
		cmocka_unit_test(makes_one_chunk_of_what_came_together),
		cmocka_unit_test(drops_all_trailers_when_told),
		cmocka_unit_test(bounds_lines),
		cmocka_unit_test(takes_zeros_in_front_up_to_the_limit),
		cmocka_unit_test(streams_a_chunk_of_any_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
