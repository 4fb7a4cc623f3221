/* Heads for the next hop: what the other side gets to see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "router/http/rewrite.h"

static struct http_head head;

static int request(const char *text)
{
	return http_parse_request(str_of(text), 4096, &head);
}

static int response(const char *text)
{
	return http_parse_response(str_of(text), 4096, false, &head);
}

static void assert_str(struct str s, const char *expected)
{
	assert_int_equal(s.n, strlen(expected));
	assert_memory_equal(s.p, expected, s.n);
}

static void sends_the_origin_form(void **state)
{
	struct http_forward fw = { .peer = { .addr = STR("10.0.0.9") } };
	struct buf out = BUF_INIT(4096);

	(void)state;
	assert_int_equal(request("GET HTTP://a:1?sid=x HTTP/1.1\r\nHost: A:1\r\n\r\n"), 1);
	assert_int_equal(http_forward_request(&head, &fw, &out), 0);
	assert_memory_equal(out.p, "GET /?sid=x HTTP/1.1\r\nHost: A:1\r\n", 33);
	buf_free(&out);
}

static void forwards_end_to_end_fields_only(void **state)
{
	struct http_forward fw = { .peer = { .addr = STR("10.0.0.9") } };
	struct buf out = BUF_INIT(4096);

	(void)state;
	assert_int_equal(
	    request("GET /p HTTP/1.1\r\nHost: h\r\nConnection: close, host,x-hop\r\nKeep-Alive: "
		    "5\r\nTE: gzip\r\nX-Hop: 1\r\nX-Forwarded-For: 1.2.3.4\r\nAccept: a\r\naccept: "
		    "b\r\n\r\n"),
	    1);
	assert_int_equal(http_forward_request(&head, &fw, &out), 0);
	assert_str(buf_str(&out), "GET /p HTTP/1.1\r\nHost: h\r\nAccept: a\r\naccept: b\r\n"
				  "X-Forwarded-For: 10.0.0.9\r\nX-Forwarded-Proto: http\r\n"
				  "X-Forwarded-Host: h\r\n\r\n");
	buf_free(&out);
}

static void tells_the_client_whether_it_may_go_on(void **state)
{
	struct http_forward close = { .close = true }, stay = { .close = false };
	struct buf out = BUF_INIT(4096);

	(void)state;
	assert_int_equal(
	    response("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"), 1);
	assert_int_equal(http_forward_response(&head, &stay, 1, &out), 0);
	assert_str(buf_str(&out), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	out.len = 0;
	assert_int_equal(http_forward_response(&head, &stay, 0, &out), 0);
	assert_str(buf_str(&out),
		   "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
	out.len = 0;
	assert_int_equal(http_forward_response(&head, &close, 1, &out), 0);
	assert_str(buf_str(&out),
		   "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
	buf_free(&out);
}

static void assert_answer(const char *text, unsigned minor, const char *expected)
{
	struct http_forward fw = { .close = true };
	struct buf out = BUF_INIT(4096);

	assert_int_equal(response(text), 1);
	assert_int_equal(http_forward_response(&head, &fw, minor, &out), 0);
	assert_str(buf_str(&out), expected);
	buf_free(&out);
}

static void answers_in_its_own_version(void **state)
{
	(void)state;
	assert_answer("HTTP/1.0 404 Not  Found\r\nContent-Length: 0\r\n\r\n", 1,
		      "HTTP/1.1 404 Not  Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
	assert_answer("HTTP/1.0 404\r\nContent-Length: 0\r\n\r\n", 0,
		      "HTTP/1.1 404 \r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
	assert_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n", 0,
		      "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
	assert_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n", 1,
		      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n"
		      "Connection: close\r\n\r\n");
	assert_int_equal(response("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n"
				  "Transfer-Encoding: chunked\r\n\r\n"),
			 1);
	assert_false(head.keep_alive);
}

static void offers_what_the_worker_does_not_say(void **state)
{
	struct http_forward fw = { .offered = { STR("X-Request-ID"), STR("7") } };
	struct buf out = BUF_INIT(4096);

	(void)state;
	assert_int_equal(response("HTTP/1.1 204 A\r\nX-Request-Id: own\r\n\r\n"), 1);
	assert_int_equal(http_forward_response(&head, &fw, 1, &out), 0);
	assert_str(buf_str(&out), "HTTP/1.1 204 A\r\nX-Request-Id: own\r\n\r\n");
	out.len = 0;
	assert_int_equal(response("HTTP/1.1 204 A\r\n\r\n"), 1);
	assert_int_equal(http_forward_response(&head, &fw, 1, &out), 0);
	assert_str(buf_str(&out), "HTTP/1.1 204 A\r\nX-Request-ID: 7\r\n\r\n");
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sends_the_origin_form),
		cmocka_unit_test(forwards_end_to_end_fields_only),
		cmocka_unit_test(tells_the_client_whether_it_may_go_on),
		cmocka_unit_test(answers_in_its_own_version),
		cmocka_unit_test(offers_what_the_worker_does_not_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
