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
#include <grp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "init/listen/places.h"
#include "init/system/credentials.h"

static struct places places;
static struct node_msg query;
static char dir[] = "/tmp/sioinit-places-XXXXXX", path[64];
static pid_t pid; /* of the worker that asks */
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

static int setup(void **state)
{
	(void)state;
	pid = getpid();
	places = (struct places){ 0 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	places_close(&places);
	assert_null(places.list);
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
	return places_join(&places, &query, pid, &err);
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
	places_close(&places);
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
	auto_fd int holder = listen_tcp("127.0.0.1", 0, 0);
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	(void)state;
	assert_int_equal(getsockname(holder, (struct sockaddr *)&a, &len), 0);
	assert_null(ask(NODE_ADDR_TCP4, "127.0.0.1", ntohs(a.sin_port), 0));
	assert_int_equal(err, -EADDRINUSE);
	assert_null(places.list);
	assert_int_equal(listen_tcp("127.0.0.1", ntohs(a.sin_port), 0), -EADDRINUSE);
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
	places_close(&places);
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
	struct places other = { 0 };

	(void)state;
	assert_non_null(ask(NODE_ADDR_UDP4, "127.0.0.1", port, 0));
	assert_null(places_join(&other, &query, pid, &err));
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
	places_close(&places);
	assert_int_equal(access(path, F_OK), -1);
}

static void a_stale_socket_is_replaced(void **state)
{
	int stale = listen_unix(path, 0, 0, NULL);

	(void)state;
	assert_true(stale >= 0);
	fd_close(&stale);
	assert_int_equal(access(path, F_OK), 0);
	assert_non_null(ask(NODE_ADDR_UNIX, path, -1, 0));
	assert_true(connects_unix());
}

static void a_socket_in_use_is_not_replaced(void **state)
{
	auto_fd int holder = listen_unix(path, 0, 0, NULL);

	(void)state;
	assert_true(holder >= 0);
	assert_null(ask(NODE_ADDR_UNIX, path, -1, 0));
	assert_int_equal(err, -EADDRINUSE);
	assert_true(connects_unix());
}

enum { NOBODY = 65534 };

/* A worker that has become nobody by itself. */
static pid_t start_as_nobody(void)
{
	int ready[2];
	pid_t child;
	char byte;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
		    setresuid(NOBODY, NOBODY, NOBODY) == 0)
			(void)!write(ready[1], "", 1);
		for (;;)
			(void)pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return child;
}

static void end(pid_t child)
{
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
}

/* What the worker may not do it may not have done by us, either. */
static void a_worker_has_its_own_rights(void **state)
{
	gid_t before[64], after[64];
	struct stat st;
	int n;

	(void)state;
	if (geteuid() != 0)
		skip();
	n = getgroups(64, before);
	pid = start_as_nobody();
	assert_null(ask(NODE_ADDR_UNIX, path, -1, 0));
	assert_int_equal(err, -EACCES);
	assert_int_equal(chown(dir, NOBODY, NOBODY), 0);
	assert_non_null(ask(NODE_ADDR_UNIX, path, -1, 0));
	end(pid);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, NOBODY);
	assert_int_equal(st.st_gid, NOBODY);
	assert_int_equal(geteuid(), 0);
	assert_int_equal(getegid(), 0);
	assert_int_equal(getgroups(64, after), n);
	assert_memory_equal(before, after, (size_t)n * sizeof(gid_t));

	assert_int_equal(chown(dir, 0, 0), 0); /* no more its own */
	places_close(&places);
	assert_int_equal(access(path, F_OK), 0);
}

static void a_worker_that_is_gone_opens_nothing(void **state)
{
	(void)state;
	pid = fork();
	if (pid == 0)
		_exit(0);
	(void)waitpid(pid, NULL, 0);
	assert_null(ask(NODE_ADDR_TCP4, "127.0.0.1", 0, 0));
	assert_int_equal(err, -ENOENT);
}

/* A directory that is a link by now is not followed to somebody else's file of that name. */
static void a_swapped_link_removes_nothing(void **state)
{
	char moved[80], victim[] = "/tmp/sioinit-victim-XXXXXX", file[80];

	(void)state;
	assert_non_null(ask(NODE_ADDR_UNIX, path, -1, 0));
	assert_non_null(mkdtemp(victim));
	(void)snprintf(file, sizeof(file), "%s/app.sock", victim);
	(void)snprintf(moved, sizeof(moved), "%s.moved", dir);
	fd_close(&(int){ listen_unix(file, 0, 0, NULL) });
	assert_int_equal(rename(dir, moved), 0);
	assert_int_equal(symlink(victim, dir), 0);
	places_close(&places);
	assert_int_equal(access(file, F_OK), 0);

	assert_int_equal(unlink(dir), 0);
	assert_int_equal(rename(moved, dir), 0);
	assert_int_equal(access(path, F_OK), -1); /* ours */
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(victim), 0);
}

static void another_socket_in_its_place_stays(void **state)
{
	auto_fd int other = -1;

	(void)state;
	assert_non_null(ask(NODE_ADDR_UNIX, path, -1, 0));
	assert_int_equal(unlink(path), 0);
	other = listen_unix(path, 0, 0, NULL);
	places_close(&places);
	assert_true(connects_unix());
}

/* readableAll and writableAll. */
static void the_mode_is_as_asked(void **state)
{
	mode_t before = umask(077);
	struct stat st;

	(void)state;
	query.writable_all = true;
	assert_non_null(ask(NODE_ADDR_UNIX, path, -1, 0));
	query.writable_all = false;
	(void)umask(before);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0722);
	places_close(&places);
	query.readable_all = true;
	assert_non_null(ask(NODE_ADDR_UNIX, path, -1, 0));
	query.readable_all = false;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0444, 0444);
}

static void a_path_longer_than_an_address(void **state)
{
	char deep[160], file[200];

	(void)state;
	(void)snprintf(deep, sizeof(deep), "%s/%0*d", dir, 100, 0);
	(void)snprintf(file, sizeof(file), "%s/app.sock", deep);
	assert_int_equal(mkdir(deep, 0700), 0);
	assert_non_null(ask(NODE_ADDR_UNIX, file, -1, 0));
	assert_int_equal(access(file, F_OK), 0);
	places_close(&places);
	assert_int_equal(rmdir(deep), 0);
}

/* Ends */

/* The descriptor that a router has does not keep the port. */
static void the_last_server_frees_the_port(void **state)
{
	struct place *pl = ask(NODE_ADDR_TCP4, "127.0.0.1", 0, 0);
	int64_t port = pl->actual_port;
	int at_router = dup(pl->fd);
	auto_fd int again = -1;

	(void)state;
	assert_ptr_equal(ask(NODE_ADDR_TCP4, "127.0.0.1", 0, 0), pl);
	assert_false(places_leave(&places, pl));
	assert_true(connects(AF_INET, "127.0.0.1", port));
	assert_true(places_leave(&places, pl));
	place_free(pl);
	assert_null(places.list);
	assert_false(connects(AF_INET, "127.0.0.1", port));
	again = listen_tcp("127.0.0.1", (uint16_t)port, 0);
	assert_true(again >= 0);
	fd_close(&at_router);
}

static void places_are_bounded(void **state)
{
	struct place *pl;

	(void)state;
	for (int i = 0; i < PLACES_MAX; i++)
		assert_non_null(ask(NODE_ADDR_TCP4, "127.0.0.1", 0, i));
	assert_null(ask(NODE_ADDR_TCP4, "127.0.0.1", 0, PLACES_MAX));
	assert_int_equal(err, -EMFILE);
	pl = ask(NODE_ADDR_TCP4, "127.0.0.1", 0, 7);
	assert_false(places_leave(&places, pl));
	assert_true(places_leave(&places, pl));
	place_free(pl);
	assert_non_null(ask(NODE_ADDR_TCP4, "127.0.0.1", 0, PLACES_MAX));
}

static void loopback_is_known(void **state)
{
	(void)state;
	assert_true(ask(NODE_ADDR_TCP4, "127.0.0.2", 0, 0)->is_loopback);
	assert_false(ask(NODE_ADDR_TCP4, "", 0, 0)->is_loopback);
	assert_false(ask(NODE_ADDR_TCP4, "0.0.0.0", 0, 0)->is_loopback);
	skip_without_ipv6();
	assert_true(ask(NODE_ADDR_TCP6, "::1", 0, 0)->is_loopback);
	assert_string_equal(ask(NODE_ADDR_TCP6, "::1", 0, 0)->name, "::1");
}

/* connect() would wait for room, and with it everybody else. */
static void a_full_backlog_is_no_stale_socket(void **state)
{
	auto_fd int holder = listen_unix(path, 1, 0, NULL);
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
	assert_int_equal(listen_unix(path, 0, 0, NULL), -EADDRINUSE);
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

#define PLACES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACES(the_same_port_is_the_same_place),
		PLACES(every_place_has_its_own_id),
		PLACES(port_0_is_shared_by_the_calls_of_the_same_turn),
		PLACES(no_address_is_any_address_of_both_families),
		PLACES(ipv6_only_is_ipv6_only),
		PLACES(a_port_in_use_is_the_apps_error),
		PLACES(an_address_that_is_none_or_not_ours_is_refused),
		PLACES(closing_frees_the_ports),
		PLACES(udp_is_bound_and_shared),
		PLACES(udp_and_tcp_do_not_share_a_port),
		PLACES(a_udp_port_in_use_is_refused),
		PLACES(a_path_is_shared_and_gone_at_the_end),
		PLACES(a_stale_socket_is_replaced),
		PLACES(a_socket_in_use_is_not_replaced),
		PLACES(a_worker_has_its_own_rights),
		PLACES(a_worker_that_is_gone_opens_nothing),
		PLACES(a_swapped_link_removes_nothing),
		PLACES(another_socket_in_its_place_stays),
		PLACES(the_mode_is_as_asked),
		PLACES(a_path_longer_than_an_address),
		PLACES(the_last_server_frees_the_port),
		PLACES(places_are_bounded),
		PLACES(loopback_is_known),
		PLACES(a_full_backlog_is_no_stale_socket),
		PLACES(a_file_that_is_no_socket_stays),
		PLACES(a_link_stays),
		PLACES(a_path_too_long_or_nowhere_is_refused),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
