/* Addresses in what a DNS server answers, and what is none of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "peers/dns_answer.h"

/* chat-pods.shop.svc: an alias of "p" there, which has two addresses of IPv4 and one of IPv6, of
 * TTL 30, 5 and 60 s, and a text. */
static const unsigned char whole[] =
    "\x12\x34\x81\x80\x00\x01\x00\x05\x00\x00\x00\x00"
    "\x09"
    "chat-pods"
    "\x04"
    "shop"
    "\x03"
    "svc"
    "\x00\x00\x01\x00\x01"
    "\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x01\x00\x04\x01"
    "p"
    "\xc0\x16"
    "\xc0\x30\x00\x01\x00\x01\x00\x00\x00\x1e\x00\x04\x0a\x00\x00\x07"
    "\xc0\x30\x00\x01\x00\x01\x00\x00\x00\x05\x00\x04\x0a\x00\x00\x08"
    "\xc0\x30\x00\x1c\x00\x01\x00\x00\x00\x3c\x00\x10\xfd\x00\x00\x00\x00\x00\x00\x00"
    "\x00\x00\x00\x00\x00\x00\x00\x09"
    "\xc0\x30\x00\x10\x00\x01\x00\x00\x00\x00\x00\x03\x02"
    "hi";
enum { WHOLE = sizeof(whole) - 1 };

static void assert_address(const struct ip *ip, const char *expected)
{
	char text[IP_TEXT_MAX];

	ip_print(ip, text);
	assert_string_equal(text, expected);
}

static void addresses_of_both_families_and_the_least_ttl(void **state)
{
	struct dns_answer a;

	(void)state;
	assert_int_equal(dns_answer_parse(&a, whole, WHOLE), 0);
	assert_int_equal(a.n, 3);
	assert_address(&a.addresses[0], "10.0.0.7");
	assert_address(&a.addresses[1], "10.0.0.8");
	assert_address(&a.addresses[2], "fd00::9");
	assert_int_equal(a.ttl_s, 5);
}

static int parse_copy(const unsigned char *bytes, size_t n)
{
	unsigned char *copy = malloc(n ? n : 1); /* a sanitizer sees a byte too many */
	struct dns_answer a;
	int r;

	assert_non_null(copy);
	memcpy(copy, bytes, n);
	r = dns_answer_parse(&a, copy, n);
	assert_true(a.n <= DNS_ADDRESSES_MAX);
	free(copy);
	return r;
}

static void what_ends_early_is_refused(void **state)
{
	(void)state;
	for (size_t n = 0; n < WHOLE; n++)
		assert_true(parse_copy(whole, n) < 0);
}

/* Whatever it says, nothing is read beyond it. */
static void no_byte_is_trusted(void **state)
{
	static const unsigned char values[] = { 0x00, 0x01, 0x3f, 0x40, 0x80, 0xc0, 0xff };
	unsigned char bytes[WHOLE];

	(void)state;
	for (size_t at = 0; at < WHOLE; at++)
		for (size_t v = 0; v < ARRAY_LEN(values); v++) {
			memcpy(bytes, whole, WHOLE);
			bytes[at] = values[v];
			(void)parse_copy(bytes, WHOLE);
		}
}

static void more_addresses_than_are_kept(void **state)
{
	static const unsigned char record[] =
	    "\x00\x00\x01\x00\x01\x00\x00\x00\x05\x00\x04\x0a\x00\x00\x07";
	enum { RECORD = sizeof(record) - 1, N = DNS_ADDRESSES_MAX + 9 };
	unsigned char bytes[12 + N * RECORD] = { [7] = N };
	struct dns_answer a;

	(void)state;
	for (size_t i = 0; i < N; i++)
		memcpy(bytes + 12 + i * RECORD, record, RECORD);
	assert_int_equal(dns_answer_parse(&a, bytes, sizeof(bytes)), 0);
	assert_int_equal(a.n, DNS_ADDRESSES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_of_both_families_and_the_least_ttl),
		cmocka_unit_test(what_ends_early_is_refused),
		cmocka_unit_test(no_byte_is_trusted),
		cmocka_unit_test(more_addresses_than_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
