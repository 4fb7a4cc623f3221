/* PROXY headers of router/http/proxy_protocol.c: both versions, cut anywhere, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macros.h"
#include "router/http/proxy_protocol.h"

#define V2 "\r\n\r\n\0\r\nQUIT\n"

static struct proxy_header header;

static void assert_client(const char *expected)
{
	char text[IP_TEXT_MAX];

	assert_int_equal(header.has_client, expected != NULL);
	if (!expected)
		return;
	ip_print(&header.client, text);
	assert_string_equal(text, expected);
}

/* Complete with all of its @n bytes, whatever follows, and partial before. */
static void takes(const char *bytes, size_t n, const char *client)
{
	char more[512];

	for (size_t cut = 0; cut < n; cut++)
		assert_int_equal(proxy_header_parse((struct str){ bytes, cut }, &header),
				 PROXY_PARTIAL);
	memcpy(more, bytes, n);
	memcpy(more + n, "GET / HTTP/1.1\r\n", 16);
	assert_int_equal(proxy_header_parse((struct str){ more, n + 16 }, &header), PROXY_COMPLETE);
	assert_int_equal(header.size, n);
	assert_client(client);
}

static void takes_version_1(void **state)
{
	static const struct {
		const char *line, *client;
	} good[] = {
		{ "PROXY TCP4 1.2.3.4 5.6.7.8 65535 0\r\n", "1.2.3.4" },
		{ "PROXY TCP6 2001:db8::1 ::1 1 443\r\n", "2001:db8::1" },
		{ "PROXY UNKNOWN\r\n", NULL },
		{ "PROXY UNKNOWN whatever that is\r\n", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		takes(good[i].line, strlen(good[i].line), good[i].client);
}

static void refuses_other_lines(void **state)
{
	static const char *const bad[] = {
		"GET / HTTP/1.1\r\n",
		"PROXYTCP4 1.2.3.4 5.6.7.8 1 2\r\n",
		"proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
		"PROXY \r\n",
		"PROXY  TCP4 1.2.3.4 5.6.7.8 1 2\r\n",
		"PROXY TCP4 1.2.3.4  5.6.7.8 1 2\r\n",
		"PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n",
		"PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n",
		"PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n",
		"PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n",
		"PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n",
		"PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n",
		"PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n",
		"PROXY TCP4 ::1 ::1 1 2\r\n",
		"PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n",
		"PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n",
		"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n",
		"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\r\n",
		"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\rGET / HTTP/1.1\r\n",
		("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
		 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 655350\r\n"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (proxy_header_parse(str_of(bad[i]), &header) != PROXY_BAD)
			fail_msg("not refused: %s", bad[i]);
}

static void takes_version_2(void **state)
{
	static const char v4[] = V2 "\x21\x11\0\x0c\1\2\3\4\5\6\7\x08\0\1\0\2";
	static const char v6[] = { V2 "\x21\x21\0\x24\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
				      "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\1\0\2" };
	static const char local[] = V2 "\x20\x00\0\0";
	static const char local_with_more[] = V2 "\x20\x11\0\3abc";
	static const char unspecified[] = V2 "\x21\x00\0\2xy";
	static const char udp[] = V2 "\x21\x12\0\x0c\1\2\3\4\5\6\7\x08\0\1\0\2";
	static const char tls[] = V2 "\x21\x11\0\x14\1\2\3\4\5\6\7\x08\0\1\0\2\x20\0\5\1\0\0\0\0";
	static const char plain[] = V2 "\x21\x11\0\x14\1\2\3\4\5\6\7\x08\0\1\0\2\x20\0\5\0\0\0\0\0";

	(void)state;
	takes(v4, sizeof(v4) - 1, "1.2.3.4");
	takes(v6, sizeof(v6) - 1, "2001:db8::1");
	takes(local, sizeof(local) - 1, NULL);
	takes(local_with_more, sizeof(local_with_more) - 1, NULL);
	takes(unspecified, sizeof(unspecified) - 1, NULL);
	takes(udp, sizeof(udp) - 1, NULL);
	takes(plain, sizeof(plain) - 1, "1.2.3.4");
	assert_false(header.tls);
	takes(tls, sizeof(tls) - 1, "1.2.3.4");
	assert_true(header.tls);
}

static void refuses_other_bytes(void **state)
{
	static const struct str bad[] = {
		STR(V2 "\x11"),
		STR(V2 "\x22\x11\0\0"),
		STR(V2 "\x21\x41\0\0"),
		STR(V2 "\x21\x13\0\x0c\1\2\3\4\5\6\7\x08\0\1\0\2"),
		STR(V2 "\x21\x11\0\x0b\1\2\3\4\5\6\7\x08\0\1\0"),
		STR(V2 "\x21\x11\xff\xff"),
		STR("\r\n\r\n\0\r\nQUIX\n"),
		STR("\r\n\r\nGET / HTTP/1.1\r\n"),
		STR(V2 "\x21\x11\0\x0e\1\2\3\4\5\6\7\x08\0\1\0\2\4\0"),
		STR(V2 "\x21\x11\0\x10\1\2\3\4\5\6\7\x08\0\1\0\2\4\0\2x"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (proxy_header_parse(bad[i], &header) != PROXY_BAD)
			fail_msg("not refused: %zu", i);
}

/* The sum is that of RFC 4960 over the header with zeros in its place, computed elsewhere. */
static void checks_checksums(void **state)
{
	static const uint8_t crc[4] = { 0xcd, 0x4f, 0xa1, 0x6e };
	char bytes[] = V2 "\x21\x11\0\x13\x7f\0\0\1\x7f\0\0\1\xd4\x31\x1f\x90\3\0\4....";

	(void)state;
	memcpy(bytes + sizeof(bytes) - 5, crc, sizeof(crc));
	takes(bytes, sizeof(bytes) - 1, "127.0.0.1");
	bytes[20] ^= 1;
	assert_int_equal(proxy_header_parse((struct str){ bytes, sizeof(bytes) - 1 }, &header),
			 PROXY_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_version_1),  cmocka_unit_test(refuses_other_lines),
		cmocka_unit_test(takes_version_2),  cmocka_unit_test(refuses_other_bytes),
		cmocka_unit_test(checks_checksums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
