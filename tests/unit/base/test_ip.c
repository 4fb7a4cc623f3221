/* Addresses and networks of base/ip.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/ip.h"
#include "base/macros.h"

static struct ip ip(const char *text)
{
	struct ip ret;

	if (ip_parse(str_of(text), &ret) < 0)
		fail_msg("refused: %s", text);
	return ret;
}

static struct cidr cidr(const char *text)
{
	struct cidr ret;

	if (cidr_parse(str_of(text), &ret) < 0)
		fail_msg("refused: %s", text);
	return ret;
}

static void reads_and_prints_addresses(void **state)
{
	static const char *const same[] = { "1.2.3.4", "255.255.255.255", "fd00::1", "::", "::1" };
	static const char *const bad[] = { "",         "1.2.3",     "1.2.3.4 ",
					   "01.2.3.4", "1.2.3.256", "[fd00::1]",
					   "fd00:::1", "x",         "1.2.3.4:5" };
	char text[IP_TEXT_MAX];
	struct ip a, mapped = ip("::ffff:1.2.3.4");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		a = ip(same[i]);
		ip_print(&a, text);
		assert_string_equal(text, same[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_true(ip_parse(str_of(bad[i]), &a) < 0);
	assert_true(ip_parse((struct str){ "1.2.3.4\0", 8 }, &a) < 0);
	a = ip("1.2.3.4");
	assert_memory_equal(&a, &mapped, sizeof(a));
}

static void knows_who_is_in_a_network(void **state)
{
	static const struct {
		const char *net, *in, *out;
	} cases[] = {
		{ "10.0.0.0/8", "10.255.0.1", "11.0.0.0" },
		{ "10.1.2.3", "10.1.2.3", "10.1.2.2" },
		{ "192.168.4.0/22", "192.168.7.255", "192.168.8.0" },
		{ "128.0.0.0/1", "200.0.0.1", "127.0.0.1" },
		{ "0.0.0.0/0", "1.2.3.4", "fd00::1" },
		{ "fd00::/8", "fdff::1", "fe00::1" },
		{ "2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1" },
		{ "::1", "::1", "::2" },
		{ "::/0", "1.2.3.4", NULL },
		{ "::ffff:10.0.0.0/104", "10.1.2.3", "11.0.0.0" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct cidr c = cidr(cases[i].net);
		struct ip in = ip(cases[i].in), out;

		assert_true(cidr_has(&c, &in));
		if (!cases[i].out)
			continue;
		out = ip(cases[i].out);
		assert_false(cidr_has(&c, &out));
	}
}

static void refuses_what_is_no_network(void **state)
{
	static const char *const bad[] = { "",          "/8",           "10.0.0.0/33", "10.0.0.1/8",
					   "10.0.0.0/", "10.0.0.0/-1",  "fd00::/129",  "fd00::1/64",
					   "10/8",      "10.0.0.0/8/8", "10.0.0.0/ 8" };
	struct cidr c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (cidr_parse(str_of(bad[i]), &c) == 0)
			fail_msg("accepted: %s", bad[i]);
}

static void prints_networks(void **state)
{
	static const char *const same[] = { "10.0.0.0/8", "0.0.0.0/0", "1.2.3.4",
					    "fd00::/8",   "::/0",      "::1" };
	char text[IP_TEXT_MAX + 4];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		struct cidr c = cidr(same[i]);

		cidr_print(&c, text);
		assert_string_equal(text, same[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_prints_addresses),
		cmocka_unit_test(knows_who_is_in_a_network),
		cmocka_unit_test(refuses_what_is_no_network),
		cmocka_unit_test(prints_networks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
