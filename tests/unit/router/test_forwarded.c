/* Forwarding fields of router/http/forwarded.c: what of them reaches the app, and who the client
 * is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/macros.h"
#include "router/http/rewrite.h"

static struct http_head head;

static void request(const char *fields)
{
	static char text[2048];

	(void)snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n", fields);
	assert_int_equal(http_parse_request(str_of(text), sizeof(text), &head), HTTP_HEAD_COMPLETE);
}

static void assert_sent(const char *fields, struct forwarded_peer peer, const char *expected)
{
	struct http_forward fw = { .peer = peer };
	struct buf out = BUF_INIT(4096);

	request(fields);
	assert_int_equal(http_forward_request(&head, &fw, &out), 0);
	assert_int_equal(buf_append(&out, "", 1), 0);
	assert_string_equal(out.p + strlen("GET / HTTP/1.1\r\nHost: h\r\n"), expected);
	buf_free(&out);
}

static const char claims[] = "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\n"
			     "X-Forwarded-Proto: https\r\nX-Forwarded-Host: pub\r\n"
			     "X-Forwarded-Port: 443\r\nX-Real-IP: 1.1.1.1\r\nX_FORWARDED_FOR: 3\r\n"
			     "Forwarded: for=1.1.1.1\r\nAccept: a\r\n";

static void replaces_what_strangers_say(void **state)
{
	struct forwarded_peer peer = { .addr = STR("9.9.9.9") };

	(void)state;
	assert_sent(claims, peer,
		    "Accept: a\r\nX-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: http\r\n"
		    "X-Forwarded-Host: h\r\n\r\n");
	peer.tls = true;
	assert_sent("", peer,
		    "X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\n"
		    "X-Forwarded-Host: h\r\n\r\n");
}

static void adds_to_what_trusted_proxies_say(void **state)
{
	struct forwarded_peer peer = { .addr = STR("fd00::9"), .trusted = true };

	(void)state;
	assert_sent(claims, peer,
		    "X-Forwarded-Proto: https\r\nX-Forwarded-Host: pub\r\n"
		    "X-Forwarded-Port: 443\r\nX-Real-IP: 1.1.1.1\r\nX_FORWARDED_FOR: 3\r\n"
		    "Accept: a\r\n"
		    "X-Forwarded-For: 1.1.1.1, 2.2.2.2, fd00::9\r\n"
		    "Forwarded: for=1.1.1.1, for=\"[fd00::9]\"\r\n\r\n");
	assert_sent("", peer,
		    "X-Forwarded-For: fd00::9\r\nX-Forwarded-Proto: http\r\n"
		    "X-Forwarded-Host: h\r\n\r\n");
	peer.addr = STR("unix");
	assert_sent("X-Forwarded-For: 1.1.1.1\r\nForwarded: for=x\r\n", peer,
		    "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: http\r\n"
		    "X-Forwarded-Host: h\r\nForwarded: for=x\r\n\r\n");
}

static void adds_nothing_where_the_peer_is_seen(void **state)
{
	struct forwarded_peer peer = { .addr = STR("9.9.9.9"), .is_seen = true };

	(void)state;
	assert_sent(claims, peer, "Accept: a\r\n\r\n");
	peer.tls = true;
	assert_sent("", peer, "X-Forwarded-Proto: https\r\n\r\n");
	peer.trusted = true;
	assert_sent(
	    "X-Forwarded-For: 1.1.1.1\r\nForwarded: for=1.1.1.1\r\nX-Forwarded-Proto: http\r\n",
	    peer,
	    "X-Forwarded-For: 1.1.1.1\r\nForwarded: for=1.1.1.1\r\nX-Forwarded-Proto: "
	    "http\r\n\r\n");
}

static void puts_others_in_place_of_fields(void **state)
{
	struct http_forward fw = { .peer = { .addr = STR("9.9.9.9") },
				   .added = { { STR("X-Request-ID"), STR("abc") },
					      { STR("tracestate"), { 0 } } },
				   .n_added = 2 };
	struct buf out = BUF_INIT(4096);

	(void)state;
	request("x-request-id:\r\nTraceState: a=b\r\n");
	assert_int_equal(http_forward_request(&head, &fw, &out), 0);
	assert_int_equal(buf_append(&out, "", 1), 0);
	assert_null(strstr(out.p, "x-request-id"));
	assert_null(strcasestr(out.p, "tracestate"));
	assert_non_null(strstr(out.p, "\r\nX-Request-ID: abc\r\n\r\n"));
	buf_free(&out);
}

static void finds_the_client(void **state)
{
	static const struct {
		const char *fields, *client;
	} cases[] = {
		{ "", "10.0.0.1" },
		{ "X-Forwarded-For: 1.1.1.1\r\n", "1.1.1.1" },
		{ "X-Forwarded-For: 6.6.6.6, 1.1.1.1\r\n", "1.1.1.1" },
		{ "X-Forwarded-For: 6.6.6.6, 1.1.1.1, 10.0.0.2\r\n", "1.1.1.1" },
		{ "X-Forwarded-For: 6.6.6.6, 1.1.1.1\r\nX-Forwarded-For: 10.0.0.2\r\n", "1.1.1.1" },
		{ "X-Forwarded-For: 10.0.0.3, 10.0.0.2\r\n", "10.0.0.3" },
		{ "X-Forwarded-For: 6.6.6.6, unknown, 10.0.0.2\r\n", "10.0.0.2" },
		{ "X-Forwarded-For: ,, 1.1.1.1:5060 ,\t,\r\n", "1.1.1.1" },
		{ "X-Forwarded-For: [2001:db8::1]:80\r\n", "2001:db8::1" },
		{ "X-Forwarded-For: [2001:db8::1]\r\n", "2001:db8::1" },
		{ "X-Forwarded-For: 2001:db8::1\r\n", "2001:db8::1" },
		{ "X-Forwarded-For: [2001:db8::1]x\r\n", "10.0.0.1" },
		{ "X-Forwarded-For:\r\n", "10.0.0.1" },
		{ "Forwarded: for=6.6.6.6, For=1.1.1.1;proto=https;by=x\r\n", "1.1.1.1" },
		{ "Forwarded: proto=https;for=\"[2001:db8::1]:47\"\r\n", "2001:db8::1" },
		{ "Forwarded: for=1.1.1.1, for=10.0.0.2;ext=\"a,b;for=6.6.6.6\"\r\n", "1.1.1.1" },
		{ "Forwarded: for=_hidden, for=10.0.0.2\r\n", "10.0.0.2" },
		{ "Forwarded: proto=http\r\n", "10.0.0.1" },
		{ "X-Forwarded-For: 1.1.1.1\r\nForwarded: for=2.2.2.2\r\n", "1.1.1.1" },
	};
	struct cidr_list trusted = { .n = 1 };
	char text[IP_TEXT_MAX];
	struct ip ip;

	(void)state;
	assert_int_equal(cidr_parse(STR("10.0.0.0/8"), &trusted.row[0]), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		request(cases[i].fields);
		assert_int_equal(ip_parse(STR("10.0.0.1"), &ip), 0);
		forwarded_client(&head, &trusted, &ip);
		ip_print(&ip, text);
		if (strcmp(text, cases[i].client) != 0)
			fail_msg("%s is taken for %s", cases[i].fields, text);
	}
}

static void knows_who_came_by_tls(void **state)
{
	static const struct {
		const char *fields;
		bool trusted, tls, expected;
	} cases[] = {
		{ "", true, false, false },
		{ "", false, true, true },
		{ "X-Forwarded-Proto: https\r\n", false, false, false },
		{ "X-Forwarded-Proto: HTTPS\r\n", true, false, true },
		{ "X-Forwarded-Proto: https, http\r\n", true, false, true },
		{ "X-Forwarded-Proto: http, https\r\n", true, true, false },
		{ "X-Forwarded-Proto: wss\r\n", true, false, true },
		{ "Forwarded: for=1.2.3.4;proto=\"https\", proto=http\r\n", true, false, true },
		{ "Forwarded: for=1.2.3.4, proto=https\r\n", true, false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct forwarded_peer peer = { .addr = STR("9.9.9.9"),
					       .trusted = cases[i].trusted,
					       .tls = cases[i].tls };

		request(cases[i].fields);
		if (forwarded_is_tls(&head, &peer) != cases[i].expected)
			fail_msg("%s", cases[i].fields);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replaces_what_strangers_say),
		cmocka_unit_test(adds_to_what_trusted_proxies_say),
		cmocka_unit_test(adds_nothing_where_the_peer_is_seen),
		cmocka_unit_test(puts_others_in_place_of_fields),
		cmocka_unit_test(finds_the_client),
		cmocka_unit_test(knows_who_came_by_tls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
