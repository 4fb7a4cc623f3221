/* Heads: what is accepted and what it says, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macros.h"
#include "router/http/head.h"

static struct http_head head;

static int request(const char *text)
{
	return http_parse_request(str_of(text), 4096, &head);
}

static int response(const char *text, bool no_body)
{
	return http_parse_response(str_of(text), 4096, no_body, &head);
}

static void assert_str(struct str s, const char *expected)
{
	assert_int_equal(s.n, strlen(expected));
	assert_memory_equal(s.p, expected, s.n);
}

static void takes_a_plain_request(void **state)
{
	(void)state;
	assert_int_equal(request("GET /a?b=c HTTP/1.1\r\nHost: x\r\nX-Empty:\r\n\r\nrest"),
			 HTTP_HEAD_COMPLETE);
	assert_str(head.method, "GET");
	assert_str(head.target, "/a?b=c");
	assert_int_equal(head.minor, 1);
	assert_true(head.keep_alive);
	assert_false(head.websocket);
	assert_true(head.body.done);
	assert_int_equal(head.size, strlen("GET /a?b=c HTTP/1.1\r\nHost: x\r\nX-Empty:\r\n\r\n"));
	assert_str(http_field_get(&head, STR("HOST")), "x");
	assert_int_equal(http_field_get(&head, STR("x-empty")).n, 0);
}

static void skips_empty_lines_in_front(void **state)
{
	(void)state;
	assert_int_equal(request("\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"), HTTP_HEAD_COMPLETE);
	assert_str(head.start_line, "GET / HTTP/1.1");
	assert_int_equal(head.size, 31);
}

static void waits_for_the_rest_at_every_split(void **state)
{
	static const char text[] =
	    "POST /x?sid=abc HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n";

	(void)state;
	for (size_t n = 0; n < sizeof(text) - 1; n++)
		assert_int_equal(http_parse_request((struct str){ text, n }, 4096, &head),
				 HTTP_HEAD_PARTIAL);
	assert_int_equal(request(text), HTTP_HEAD_COMPLETE);
	assert_int_equal(head.body.kind, HTTP_BODY_LENGTH);
	assert_int_equal(head.body.left, 3);
}

static void refuses_what_has_two_readings(void **state)
{
	static const char *const bad[] = {
		"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: "
		"chunked\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
		"chunked\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
		"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
		"GET / HTTP/1.1\r\nX: y\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x/y\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x y\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
		"GET / HTTP/1.1\nHost: x\n\n\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\nX: y\r\n\r\n",
		"GET / HTTP/1.1\nHost: x\r\nX: y\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\rX: y\r\n\r\n",
		"POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
		"\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"hello\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (request(bad[i]) != HTTP_HEAD_BAD)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(
	    http_parse_request(STR("GET / HTTP/1.1\r\nHost: x\0y\r\n\r\n"), 4096, &head),
	    HTTP_HEAD_BAD);
}

static void refuses_garbage_before_it_is_complete(void **state)
{
	(void)state;
	assert_int_equal(request("\x16\x03\x01\x02"), HTTP_HEAD_BAD);
	assert_int_equal(request("hello"), HTTP_HEAD_BAD);
}

static void bounds_the_head(void **state)
{
	char big[5000];

	(void)state;
	memset(big, 'a', sizeof(big));
	memcpy(big, "GET / HTTP/1.1\r\nX: ", 19);
	assert_int_equal(http_parse_request((struct str){ big, 4096 }, 4096, &head),
			 HTTP_HEAD_TOO_LARGE);
	assert_int_equal(http_parse_request((struct str){ big, 4095 }, 4096, &head),
			 HTTP_HEAD_PARTIAL);
}

static void knows_when_a_connection_persists(void **state)
{
	(void)state;
	assert_int_equal(request("GET / HTTP/1.1\r\nHost: x\r\nConnection: foo, Close\r\n\r\n"), 1);
	assert_false(head.keep_alive);
	assert_int_equal(request("GET / HTTP/1.0\r\n\r\n"), 1);
	assert_false(head.keep_alive);
	assert_int_equal(request("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), 1);
	assert_true(head.keep_alive);
}

static void sees_upgrades(void **state)
{
	(void)state;
	assert_int_equal(request("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: "
				 "keep-alive, Upgrade\r\n\r\n"),
			 1);
	assert_true(head.websocket);
	assert_int_equal(request("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n"), 1);
	assert_false(head.websocket);
	assert_int_equal(
	    request("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"), 1);
	assert_false(head.websocket);
	assert_int_equal(request("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: "
				 "Upgrade\r\nContent-Length: 2\r\n\r\n"),
			 1);
	assert_false(head.websocket);
}

static void takes_absolute_targets_apart(void **state)
{
	static const char *const bad[] = {
		"GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n",
		"GET http:///x HTTP/1.1\r\nHost: b\r\n\r\n",
		"GET http://u@a/ HTTP/1.1\r\nHost: u@a\r\n\r\n",
		"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
	};

	(void)state;
	assert_int_equal(request("GET HTTP://a:1?sid=x HTTP/1.1\r\nHost: A:1\r\n\r\n"), 1);
	assert_str(head.authority, "a:1");
	assert_str(head.target, "?sid=x");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (request(bad[i]) != HTTP_HEAD_BAD)
			fail_msg("accepted: %s", bad[i]);
}

static void measures_responses(void **state)
{
	(void)state;
	assert_int_equal(response("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", false), 1);
	assert_int_equal(head.body.left, 10);
	assert_int_equal(response("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", true), 1);
	assert_true(head.body.done);
	assert_int_equal(response("HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", false),
			 1);
	assert_true(head.body.done);
	assert_int_equal(response("HTTP/1.1 204 No Content\r\n\r\n", false), 1);
	assert_true(head.body.done);
	assert_int_equal(response("HTTP/1.1 200 OK\r\n\r\n", false), 1);
	assert_int_equal(head.body.kind, HTTP_BODY_UNTIL_CLOSE);
	assert_false(head.keep_alive);
	assert_int_equal(response("HTTP/1.1 100 Continue\r\n\r\n", false), 1);
	assert_int_equal(head.status, 100);
	assert_int_equal(response("HTTQ/1.1 200 OK\r\n\r\n", false), HTTP_HEAD_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_a_plain_request),
		cmocka_unit_test(skips_empty_lines_in_front),
		cmocka_unit_test(waits_for_the_rest_at_every_split),
		cmocka_unit_test(refuses_what_has_two_readings),
		cmocka_unit_test(refuses_garbage_before_it_is_complete),
		cmocka_unit_test(bounds_the_head),
		cmocka_unit_test(knows_when_a_connection_persists),
		cmocka_unit_test(sees_upgrades),
		cmocka_unit_test(takes_absolute_targets_apart),
		cmocka_unit_test(measures_responses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
