/* The first byte of a connection: whatever some server may read as HTTP counts as that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/macros.h"
#include "router/http/first_byte.h"

static void methods_are_http(void **state)
{
	const char token[] = "!#$%&'*+-.^_`|~09azAZ";

	(void)state;
	for (size_t i = 0; i < sizeof(token) - 1; i++)
		assert_int_equal(first_byte_of(token[i]), FIRST_BYTE_HTTP);
}

static void so_is_what_a_server_may_skip(void **state)
{
	const char space[] = " \t\r\n\v\f\x1c\x1f\x85\xa0";

	(void)state;
	for (size_t i = 0; i < sizeof(space) - 1; i++)
		assert_int_equal(first_byte_of(space[i]), FIRST_BYTE_HTTP);
}

static void a_handshake_record_is_tls(void **state)
{
	(void)state;
	assert_int_equal(first_byte_of(0x16), FIRST_BYTE_TLS);
	assert_int_equal(first_byte_of(0x15), FIRST_BYTE_OTHER);
	assert_int_equal(first_byte_of(0x17), FIRST_BYTE_OTHER);
}

static void the_rest_is_neither(void **state)
{
	const char rest[] = "\x01\x04\x05\x10\x7f\x80\xff\"(),/:;<=>?@[\\]{}";
	unsigned n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rest); i++) /* with the NUL */
		assert_int_equal(first_byte_of(rest[i]), FIRST_BYTE_OTHER);
	for (int byte = 0; byte < 256; byte++)
		n += first_byte_of((char)byte) == FIRST_BYTE_HTTP;
	assert_int_equal(n, 77 + 12); /* RFC 9110's tchar, and white space */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(methods_are_http),
		cmocka_unit_test(so_is_what_a_server_may_skip),
		cmocka_unit_test(a_handshake_record_is_tls),
		cmocka_unit_test(the_rest_is_neither),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
