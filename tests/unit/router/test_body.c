/* Bodies: where they end, and what of them goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "router/http/head.h"

static struct http_head head;

static int request(const char *text)
{
	return http_parse_request(str_of(text), 4096, &head);
}

static void assert_str(struct str s, const char *expected)
{
	assert_int_equal(s.n, strlen(expected));
	assert_memory_equal(s.p, expected, s.n);
}

static void measures_a_chunked_body(void **state)
{
	static const char body[] = "5;ext=1\r\nhello\r\n0\r\nTrailer: t\r\n\r\nGET /next";
	char in[CHUNKS_BEFORE + sizeof(body) + CHUNKS_AFTER];
	const size_t end = sizeof(body) - 1 - strlen("GET /next");
	struct chunks_piece piece;

	(void)state;
	memcpy(in + CHUNKS_BEFORE, body, sizeof(body));
	assert_int_equal(
	    request("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"), 1);
	assert_false(head.body.done);
	assert_int_equal(http_body_feed(&head.body, in + CHUNKS_BEFORE, sizeof(body) - 1, &piece),
			 end);
	assert_true(head.body.done);
	assert_str(piece.data, "hello");
	assert_str(piece.framed, "5\r\nhello\r\n0\r\n\r\n");
	assert_int_equal(http_body_room(&head.body), 0);
}

static void measures_a_body_with_a_length(void **state)
{
	struct chunks_piece piece;
	char in[] = "helloGET /next";

	(void)state;
	assert_int_equal(request("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"), 1);
	assert_int_equal(http_body_feed(&head.body, in, 2, &piece), 2);
	assert_int_equal(http_body_room(&head.body), 3);
	assert_int_equal(http_body_feed(&head.body, in + 2, sizeof(in) - 3, &piece), 3);
	assert_str(piece.data, "llo");
	assert_str(piece.framed, "llo");
	assert_true(head.body.done);
}

static void takes_chunks_off_for_an_old_reader(void **state)
{
	static const char body[] = "5\r\nhel";
	char in[CHUNKS_BEFORE + sizeof(body) + CHUNKS_AFTER];
	struct chunks_piece piece;

	(void)state;
	memcpy(in + CHUNKS_BEFORE, body, sizeof(body));
	assert_int_equal(
	    request("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"), 1);
	http_body_for(&head.body, 1);
	assert_false(http_body_ends_connection(&head.body));
	http_body_for(&head.body, 0);
	assert_true(http_body_ends_connection(&head.body));
	assert_int_equal(http_body_feed(&head.body, in + CHUNKS_BEFORE, sizeof(body) - 1, &piece),
			 sizeof(body) - 1);
	assert_str(piece.framed, "hel");
	memcpy(in + CHUNKS_BEFORE, "lo\r\n0\r\n\r\n", 9);
	assert_int_equal(http_body_feed(&head.body, in + CHUNKS_BEFORE, 9, &piece), 9);
	assert_str(piece.framed, "lo");
	assert_true(head.body.done);
	assert_int_equal(request("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"), 1);
	http_body_for(&head.body, 0);
	assert_false(http_body_ends_connection(&head.body));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(measures_a_chunked_body),
		cmocka_unit_test(measures_a_body_with_a_length),
		cmocka_unit_test(takes_chunks_off_for_an_old_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
