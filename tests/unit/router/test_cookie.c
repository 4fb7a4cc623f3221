/* Cookies: found in a request's fields, set in an answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "router/http/cookie.h"
#include "router/http/head.h"

static void assert_cookie(const char *field, const char *expected)
{
	struct str got = cookie_get(str_of(field), STR("sioinit"));

	assert_int_equal(got.n, strlen(expected));
	assert_memory_equal(got.p ? got.p : "", expected, got.n);
}

static void finds_the_cookie(void **state)
{
	(void)state;
	assert_cookie("sioinit=1", "1");
	assert_cookie("a=b; sioinit=12; c=d", "12");
	assert_cookie("asioinit=1;sioinit=2", "2");
	assert_cookie("sioinit", "");
	assert_cookie("sioinit=", "");
	assert_cookie("sioinits=3", "");
	assert_cookie(";;  ;", "");
	assert_cookie("", "");
}

static void finds_it_in_any_cookie_field(void **state)
{
	static struct http_head head;
	static const char text[] = "GET / HTTP/1.1\r\nHost: x\r\nCookie: a=b; sioinit=\r\n"
				   "Cookie: c=d; sioinit=7\r\n\r\n";

	(void)state;
	assert_int_equal(http_parse_request(STR(text), sizeof(text), &head), HTTP_HEAD_COMPLETE);
	assert_true(str_eq(cookie_of(&head, STR("sioinit")), STR("7")));
	assert_int_equal(cookie_of(&head, STR("e")).n, 0);
}

static void sets_one(void **state)
{
	struct cookie cookie = { STR("n"), STR("v"), STR("Path=/; HttpOnly"), false };
	struct buf out = BUF_INIT(256);

	(void)state;
	assert_int_equal(cookie_put(&cookie, &out), 0);
	assert_true(str_eq(buf_str(&out), STR("Set-Cookie: n=v; Path=/; HttpOnly\r\n")));
	out.len = 0;
	cookie.secure = true;
	assert_int_equal(cookie_put(&cookie, &out), 0);
	assert_true(str_eq(buf_str(&out), STR("Set-Cookie: n=v; Path=/; HttpOnly; Secure\r\n")));
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_cookie),
		cmocka_unit_test(finds_it_in_any_cookie_field),
		cmocka_unit_test(sets_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
