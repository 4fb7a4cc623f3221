// Pairs in a network of the router's own, as a worker that gets the far end sees them.
#include "router/backend/native_pair.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/log.h"
#include "router/backend/context.h"
#include "router/backend/ends.h"

static struct backend backend;

static void stay_as_it_is(void)
{
}

/* Where namespaces are refused there is nothing to be seen. */
static int open_network(void **state)
{
	(void)state;
	backend = (struct backend){ .own_network = { .maker = -1 } };
	return 0;
}

static void need_network(void)
{
	if (backend.own_network.maker < 0 && native_pair_open(&backend, stay_as_it_is) < 0)
		skip();
}

static int close_network(void **state)
{
	(void)state;
	own_network_close(&backend.own_network);
	return 0;
}

static struct ip ip(const char *text)
{
	struct ip ret;

	assert_int_equal(ip_parse(str_of(text), &ret), 0);
	return ret;
}

static struct ends ends(sa_family_t family, const char *client, uint16_t port, const char *public)
{
	return (struct ends){ .family = family,
			      .client = ip(client),
			      .client_port = port,
			      .public = ip(public),
			      .public_port = 80 };
}

static void name_of(int fd, int (*ask)(int, struct sockaddr *, socklen_t *), char *dst, size_t size)
{
	struct sockaddr_storage a = { 0 };
	socklen_t len = sizeof(a);
	const struct sockaddr_in6 *v6 = (const void *)&a;
	const struct sockaddr_in *v4 = (const void *)&a;
	char text[INET6_ADDRSTRLEN];

	assert_int_equal(ask(fd, (struct sockaddr *)&a, &len), 0);
	assert_non_null(inet_ntop(a.ss_family,
				  a.ss_family == AF_INET6 ? (const void *)&v6->sin6_addr
							  : (const void *)&v4->sin_addr,
				  text, sizeof(text)));
	(void)snprintf(dst, size, "%s %u", text, ntohs(v6->sin6_port));
}

static void assert_seen(int far, const char *peer, const char *local)
{
	char text[80];

	name_of(far, getpeername, text, sizeof(text));
	assert_string_equal(text, peer);
	name_of(far, getsockname, text, sizeof(text));
	assert_string_equal(text, local);
}

static void has_the_ends_that_it_is_to_have(void **state)
{
	static const struct {
		sa_family_t family;
		const char *client, *public, *peer, *local;
	} cases[] = {
		{ AF_INET, "203.0.113.7", "10.0.0.5", "203.0.113.7 4567", "10.0.0.5 80" },
		{ AF_INET6, "2001:db8::7", "2001:db8::1", "2001:db8::7 4567", "2001:db8::1 80" },
	};

	(void)state;
	need_network();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ends e = ends(cases[i].family, cases[i].client, 4567, cases[i].public);
		auto_fd int near = -1, far = -1;
		char byte = 'x';

		own_network_close(&backend.own_network);
		need_network();
		assert_int_equal(native_pair(&backend, &e, &near, &far), 0);
		assert_seen(far, cases[i].peer, cases[i].local);
		assert_int_equal(write(near, &byte, 1), 1);
		assert_int_equal(read(far, &byte, 1), 1);
	}
}

static void takes_another_port_where_the_clients_is_in_use(void **state)
{
	struct ends e = ends(AF_INET6, "203.0.113.7", 4568, "10.0.0.5");
	int near[2], far[2];
	char first[80], second[80];

	(void)state;
	need_network();
	for (int i = 0; i < 2; i++)
		assert_int_equal(native_pair(&backend, &e, &near[i], &far[i]), 0);
	assert_seen(far[0], "::ffff:203.0.113.7 4568", "::ffff:10.0.0.5 80");
	name_of(far[0], getpeername, first, sizeof(first));
	name_of(far[1], getpeername, second, sizeof(second));
	assert_string_not_equal(first, second);
	for (int i = 0; i < 2; i++) {
		fd_close(&near[i]);
		fd_close(&far[i]);
	}
	assert_memory_equal(second, "::ffff:203.0.113.7 ", strlen("::ffff:203.0.113.7 "));
}

static void outlasts_its_stock(void **state)
{
	(void)state;
	need_network();
	for (int i = 0; i < 10 * OWN_NETWORK_STOCK; i++) {
		struct ends e = ends(AF_INET6, "203.0.113.8", (uint16_t)(2000 + i), "10.0.0.5");
		auto_fd int near = -1, far = -1;

		assert_int_equal(native_pair(&backend, &e, &near, &far), 0);
	}
}

static void an_address_that_nobody_can_have_is_refused(void **state)
{
	struct ends e = ends(AF_INET6, "ff02::1", 4567, "2001:db8::1");
	auto_fd int near = -1, far = -1;

	(void)state;
	need_network();
	assert_true(native_pair(&backend, &e, &near, &far) < 0);
	assert_true(backend.said_not_native);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_the_ends_that_it_is_to_have),
		cmocka_unit_test(takes_another_port_where_the_clients_is_in_use),
		cmocka_unit_test(outlasts_its_stock),
		cmocka_unit_test(an_address_that_nobody_can_have_is_refused),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, open_network, close_network);
}
