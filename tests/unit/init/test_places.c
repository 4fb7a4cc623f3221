/* Places: what the app's listen() and bind() calls open, what they share and what they are refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "init/listen/places.h"
#include "init/system/credentials.h"

static struct primary primary;
static struct node_msg query;
static char dir[] = "/tmp/sioinit-primary-XXXXXX", path[64];
static int err;

static int make_dir(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/app.sock", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	assert_int_equal(rmdir(dir), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	primary_close(&primary);
	assert_null(primary.places);
	(void)unlink(path);
	return 0;
}

static struct place *ask_flags(enum node_address_type type, const char *address, int64_t port,
			       int64_t index, int64_t flags)
{
	query.address_type = type;
	query.any_address = *address == '\0';
	(void)snprintf(query.address, sizeof(query.address), "%s", address);
	query.port = port;
	query.index = index;
	query.flags = flags;
	err = 0;
	return primary_place(&primary, &query, &err);
}

static struct place *ask(enum node_address_type type, const char *address, int64_t port,
			 int64_t index)
{
	return ask_flags(type, address, port, index, 0);
}

static int type_of(int fd)
{
	socklen_t len = sizeof(int);
	int type = 0;

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len), 0);
	return type;
}

static bool is_listening(int fd)
{
	socklen_t len = sizeof(int);
	int on = 0;

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &len), 0);
	return on;
}

static bool connects(int family, const char *host, int64_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	auto_fd int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (family == AF_INET) {
		assert_int_equal(inet_pton(AF_INET, host, &v4.sin_addr), 1);
		return connect(fd, (struct sockaddr *)&v4, sizeof(v4)) == 0;
	}
	assert_int_equal(inet_pton(AF_INET6, host, &v6.sin6_addr), 1);
	return connect(fd, (struct sockaddr *)&v6, sizeof(v6)) == 0;
}

static bool connects_unix(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(a.sun_path, path, strlen(path) + 1);
	return connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
}

static int64_t free_port(void)
{
	struct place *pl = ask(NODE_ADDR_TCP4, "127.0.0.1", 0, 0);
	int64_t port;

	assert_non_null(pl);
	port = pl->actual_port;
	primary_close(&primary);
	return port;
}

static void skip_without_ipv6(void)
{
	auto_fd int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct sockaddr_in6 a = { .sin6_family = AF_INET6,
					.sin6_addr = IN6ADDR_LOOPBACK_INIT };

	if (fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a)) < 0)
		skip();
}

static void assert_owned_socket(const struct place *pl, int type)
{
	assert_non_null(pl);
	assert_int_equal(type_of(pl->fd), type);
	assert_int_equal(is_listening(pl->fd), type == SOCK_STREAM);
	assert_true(fcntl(pl->fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(fcntl(pl->fd, F_GETFD), FD_CLOEXEC);
}

/* Ports */

static void the_same_port_is_the_same_place(void **state)
{
	int64_t port = free_port();
	struct place *pl = ask(NODE_ADDR_TCP4, "127.0.0.1", port, 0);

	(void)state;
	assert_owned_socket(pl, SOCK_STREAM);
	assert_int_equal(pl->actual_port, port);
	assert_true(pl->id > 0);
	assert_ptr_equal(ask(NODE_ADDR_TCP4, "127.0.0.1", port, 0), pl);
	assert_ptr_equal(ask(NODE_ADDR_TCP4, "127.0.0.1", port, 1), pl);
	assert_true(connects(AF_INET, "127.0.0.1", port));
}

static void every_place_has_its_own_id(void **state)
{
	struct place *a = ask(NODE_ADDR_TCP4, "127.0.0.1", 0, 0),
		     *b = ask(NODE_ADDR_TCP4, "127.0.0.1", 0, 1),
		     *c = ask(NODE_ADDR_UDP4, "127.0.0.1", 0, 0);

	(void)state;
	assert_true(a && b && c);
	assert_true(a->id != b->id && b->id != c->id && a->id != c->id);
}

static void port_0_is_shared_by_the_calls_of_the_same_turn(void **state)
{
	struct place *first = ask(NODE_ADDR_TCP4, "127.0.0.1", 0, 0),
		     *second = ask(NODE_ADDR_TCP4, "127.0.0.1", 0, 1);

	(void)state;
	assert_true(first && second);
	assert_true(first->actual_port > 0);
	assert_true(first->actual_port != second->actual_port);
	assert_ptr_equal(ask(NODE_ADDR_TCP4, "127.0.0.1", 0, 0), first);
	assert_ptr_equal(ask(NODE_ADDR_TCP4, "127.0.0.1", 0, 1), second);
	assert_true(connects(AF_INET, "127.0.0.1", second->actual_port));
}

static void no_address_is_any_address_of_both_families(void **state)
{
	struct place *pl = ask(NODE_ADDR_TCP4, "", 0, 0);

	(void)state;
	skip_without_ipv6();
	assert_owned_socket(pl, SOCK_STREAM);
	assert_true(connects(AF_INET, "127.0.0.1", pl->actual_port));
	assert_true(connects(AF_INET6, "::1", pl->actual_port));
}

static void ipv6_only_is_ipv6_only(void **state)
{
	struct place *pl;

	(void)state;
	skip_without_ipv6();
	pl = ask_flags(NODE_ADDR_TCP6, "::", 0, 0, 1);
	assert_owned_socket(pl, SOCK_STREAM);
	assert_true(connects(AF_INET6, "::1", pl->actual_port));
	assert_false(connects(AF_INET, "127.0.0.1", pl->actual_port));
}

static void a_port_in_use_is_the_apps_error(void **state)
{
	auto_fd int holder = primary_listen_tcp("127.0.0.1", 0, 0);
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	(void)state;
	assert_int_equal(getsockname(holder, (struct sockaddr *)&a, &len), 0);
	assert_null(ask(NODE_ADDR_TCP4, "127.0.0.1", ntohs(a.sin_port), 0));
	assert_int_equal(err, -EADDRINUSE);
	assert_null(primary.places);
	assert_int_equal(primary_listen_tcp("127.0.0.1", ntohs(a.sin_port), 0), -EADDRINUSE);
	fd_close(&holder);
	assert_non_null(ask(NODE_ADDR_TCP4, "127.0.0.1", ntohs(a.sin_port), 0));
}

static void an_address_that_is_none_or_not_ours_is_refused(void **state)
{
	(void)state;
	assert_null(ask(NODE_ADDR_TCP4, "no.ip", 0, 0));
	assert_int_equal(err, -EINVAL);
	assert_null(ask(NODE_ADDR_TCP4, "192.0.2.1", 0, 0));
	assert_int_equal(err, -EADDRNOTAVAIL);
	assert_null(ask(NODE_ADDR_UDP4, "192.0.2.1", 0, 0));
	assert_int_equal(err, -EADDRNOTAVAIL);
	assert_null(ask(NODE_ADDR_FD, "", 0, 0));
	assert_int_equal(err, -EINVAL);
}

static void closing_frees_the_ports(void **state)
{
	int64_t port = free_port();

	(void)state;
	assert_non_null(ask(NODE_ADDR_TCP4, "127.0.0.1", port, 0));
	primary_close(&primary);
	assert_false(connects(AF_INET, "127.0.0.1", port));
	assert_non_null(ask(NODE_ADDR_TCP4, "127.0.0.1", port, 0));
}

/* UDP */

static void udp_is_bound_and_shared(void **state)
{
	int64_t port = free_port();
	struct place *pl = ask(NODE_ADDR_UDP4, "127.0.0.1", port, 0), *any;

	(void)state;
	assert_owned_socket(pl, SOCK_DGRAM);
	assert_int_equal(pl->actual_port, port);
	assert_ptr_equal(ask(NODE_ADDR_UDP4, "127.0.0.1", port, 0), pl);
	any = ask(NODE_ADDR_UDP4, "", 0, 0);
	assert_owned_socket(any, SOCK_DGRAM);
	assert_true(any->actual_port > 0);
}

static void udp_and_tcp_do_not_share_a_port(void **state)
{
	int64_t port = free_port();
	struct place *tcp = ask(NODE_ADDR_TCP4, "127.0.0.1", port, 0),
		     *udp = ask(NODE_ADDR_UDP4, "127.0.0.1", port, 0);

	(void)state;
	assert_owned_socket(tcp, SOCK_STREAM);
	assert_owned_socket(udp, SOCK_DGRAM);
}

static void a_udp_port_in_use_is_refused(void **state)
{
	int64_t port = free_port();
	struct primary other = { 0 };

	(void)state;
	assert_non_null(ask(NODE_ADDR_UDP4, "127.0.0.1", port, 0));
	assert_null(primary_place(&other, &query, &err));
	assert_int_equal(err, -EADDRINUSE);
}

/* Unix paths */

static void a_path_is_shared_and_gone_at_the_end(void **state)
{
	struct place *pl = ask(NODE_ADDR_UNIX, path, -1, 0);

	(void)state;
	assert_owned_socket(pl, SOCK_STREAM);
	assert_ptr_equal(ask(NODE_ADDR_UNIX, path, -1, 0), pl);
	assert_true(connects_unix());
	primary_close(&primary);
	assert_int_equal(access(path, F_OK), -1);
}

static void a_stale_socket_is_replaced(void **state)
{
	int stale = primary_listen_unix(path, 0);

	(void)state;
	assert_true(stale >= 0);
	fd_close(&stale);
	assert_int_equal(access(path, F_OK), 0);
	assert_non_null(ask(NODE_ADDR_UNIX, path, -1, 0));
	assert_true(connects_unix());
}

static void a_socket_in_use_is_not_replaced(void **state)
{
	auto_fd int holder = primary_listen_unix(path, 0);

	(void)state;
	assert_true(holder >= 0);
	assert_null(ask(NODE_ADDR_UNIX, path, -1, 0));
	assert_int_equal(err, -EADDRINUSE);
	assert_true(connects_unix());
}

/* What the worker's user may not do it may not have done by us, either. */
static void a_worker_has_its_own_rights(void **state)
{
	enum { NOBODY = 65534 };
	static gid_t groups[] = { NOBODY };
	static const struct credentials as = {
		.change = true, .uid = NOBODY, .gid = NOBODY, .groups = groups, .n_groups = 1
	};
	gid_t before[64], after[64];
	struct stat st;
	int n;

	(void)state;
	if (geteuid() != 0)
		skip();
	n = getgroups(64, before);
	primary.as = &as;
	assert_null(ask(NODE_ADDR_UNIX, path, -1, 0));
	assert_int_equal(err, -EACCES);
	assert_int_equal(chown(dir, NOBODY, NOBODY), 0);
	assert_non_null(ask(NODE_ADDR_UNIX, path, -1, 0));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, NOBODY);
	assert_int_equal(st.st_gid, NOBODY);
	assert_int_equal(geteuid(), 0);
	assert_int_equal(getegid(), 0);
	assert_int_equal(getgroups(64, after), n);
	assert_memory_equal(before, after, (size_t)n * sizeof(gid_t));

	assert_int_equal(chown(dir, 0, 0), 0); /* as after a rename: no more its own */
	primary_close(&primary);
	assert_int_equal(access(path, F_OK), 0);
	primary.as = NULL;
}

/* connect() would wait for room, and with it everybody else. */
static void a_full_backlog_is_no_stale_socket(void **state)
{
	auto_fd int holder = primary_listen_unix(path, 1);
	int clients[8];

	(void)state;
	assert_true(holder >= 0);
	for (int i = 0; i < 8; i++) {
		struct sockaddr_un a = { .sun_family = AF_UNIX };

		(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
		clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(clients[i], (struct sockaddr *)&a, sizeof(a));
	}
	assert_null(ask(NODE_ADDR_UNIX, path, -1, 0));
	assert_int_equal(err, -EADDRINUSE);
	for (int i = 0; i < 8; i++)
		fd_close(&clients[i]);
}

static void a_file_that_is_no_socket_stays(void **state)
{
	auto_fd int file = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	struct stat st;

	(void)state;
	assert_int_equal(write(file, "precious", 8), 8);
	assert_null(ask(NODE_ADDR_UNIX, path, -1, 0));
	assert_int_equal(err, -EADDRINUSE);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode) && st.st_size == 8);
}

static void a_link_stays(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(primary_listen_unix(path, 0), -EADDRINUSE);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
}

static void a_path_too_long_or_nowhere_is_refused(void **state)
{
	char longest[200];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	assert_null(ask(NODE_ADDR_UNIX, longest, -1, 0));
	assert_int_equal(err, -ENAMETOOLONG);
	assert_null(ask(NODE_ADDR_UNIX, "/no/such/folder/app.sock", -1, 0));
	assert_int_equal(err, -ENOENT);
}

#define PRIMARY(test) cmocka_unit_test_teardown(test, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PRIMARY(the_same_port_is_the_same_place),
		PRIMARY(every_place_has_its_own_id),
		PRIMARY(port_0_is_shared_by_the_calls_of_the_same_turn),
		PRIMARY(no_address_is_any_address_of_both_families),
		PRIMARY(ipv6_only_is_ipv6_only),
		PRIMARY(a_port_in_use_is_the_apps_error),
		PRIMARY(an_address_that_is_none_or_not_ours_is_refused),
		PRIMARY(closing_frees_the_ports),
		PRIMARY(udp_is_bound_and_shared),
		PRIMARY(udp_and_tcp_do_not_share_a_port),
		PRIMARY(a_udp_port_in_use_is_refused),
		PRIMARY(a_path_is_shared_and_gone_at_the_end),
		PRIMARY(a_stale_socket_is_replaced),
		PRIMARY(a_socket_in_use_is_not_replaced),
		PRIMARY(a_worker_has_its_own_rights),
		PRIMARY(a_full_backlog_is_no_stale_socket),
		PRIMARY(a_file_that_is_no_socket_stays),
		PRIMARY(a_link_stays),
		PRIMARY(a_path_too_long_or_nowhere_is_refused),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
