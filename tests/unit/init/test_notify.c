/* The service manager, played by a datagram socket and three descriptors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macros.h"
#include "init/system/notify.h"
#include "init/system/sd_daemon.h"

static const char *const private_names[] = { "NOTIFY_SOCKET",  "LISTEN_FDS",    "LISTEN_PID",
					     "LISTEN_FDNAMES", "WATCHDOG_USEC", "WATCHDOG_PID",
					     "FDSTORE" };

static void assert_environment_clean(void)
{
	for (size_t i = 0; i < ARRAY_LEN(private_names); i++)
		assert_null(getenv(private_names[i]));
}

enum { LISTEN_FIRST = 3, LISTENERS = 3, WITH_KEPT = 6, MANAGER_FD = 20 };

/* An abstract socket with a name given by the kernel, at a descriptor above the passed ones. */
static void be_manager(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	socklen_t n = sizeof(a);
	char name[sizeof(a.sun_path) + 1] = "@";
	auto_fd int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	assert_int_equal(bind(s, (struct sockaddr *)&a, sizeof(a.sun_family)), 0);
	assert_int_equal(getsockname(s, (struct sockaddr *)&a, &n), 0);
	(void)snprintf(name + 1, sizeof(name) - 1, "%.*s", (int)(n - sizeof(a.sun_family) - 1),
		       a.sun_path + 1);
	assert_int_equal(dup2(s, MANAGER_FD), MANAGER_FD);
	(void)setenv("NOTIFY_SOCKET", name, 1);
}

static void assert_told(const char *wanted)
{
	char text[512];
	ssize_t n = recv(MANAGER_FD, text, sizeof(text) - 1, 0);

	assert_true(n > 0);
	text[n] = '\0';
	assert_string_equal(text, wanted);
}

static void listen_at(int fd)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(bind(s, (struct sockaddr *)&a, sizeof(a.sun_family)), 0);
	assert_int_equal(listen(s, 1), 0);
	if (s == fd)
		return;
	assert_int_equal(dup2(s, fd), fd);
	close(s);
}

static void plays_with_a_manager(void **state)
{
	char pid[16];

	(void)state;
	be_manager();
	for (int i = 0; i < WITH_KEPT; i++)
		listen_at(LISTEN_FIRST + i);
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	(void)setenv("LISTEN_PID", pid, 1);
	(void)setenv("LISTEN_FDS", "6", 1);
	(void)setenv("LISTEN_FDNAMES",
		     "kept /x.socket 1 2:sioinit.socket:admin:http:kept 8080:kept 8081", 1);
	(void)setenv("FDSTORE", "64", 1);
	(void)setenv("WATCHDOG_USEC", "3000000", 1);
	(void)setenv("WATCHDOG_PID", pid, 1);
	notify_init();
	assert_environment_clean();
	assert_int_equal(fcntl(LISTEN_FIRST, F_GETFD), FD_CLOEXEC);

	assert_int_equal(notify_take_listener("admin"), LISTEN_FIRST + 2);
	assert_int_equal(notify_take_listener("admin"), -1);
	assert_int_equal(notify_take_listener("http"), LISTEN_FIRST + 3);

	notify_ready();
	assert_told("READY=1");
	notify_status("%d/%d workers ready", 3, 4);
	assert_told("STATUS=3/4 workers ready");
	assert_int_equal(notify_watchdog_interval_ms(), 1500);
	notify_watchdog();
	assert_told("WATCHDOG=1");
	notify_stopping(40000);
	assert_told("STOPPING=1\nEXTEND_TIMEOUT_USEC=40000000");
	assert_environment_clean();
	notify_keep("127.0.0.1 80", (int[]){ LISTEN_FIRST, LISTEN_FIRST + 1 }, 2);
	assert_told("FDSTORE=1\nFDPOLL=0\nFDNAME=kept 127.0.0.1 80");
	notify_keep_no_more("127.0.0.1 80");
	assert_told("FDSTOREREMOVE=1\nFDNAME=kept 127.0.0.1 80");
	close(MANAGER_FD);
	notify_stopping(0); /* nobody listens any more */
}

static void takes_an_unnamed_listener_for_http(void **state)
{
	(void)state; /* goes on where the test before left off */
	assert_int_equal(notify_take_listener("http"), LISTEN_FIRST + 1);
	assert_int_equal(notify_take_listener("http"), -1);
}

static void gives_back_what_was_kept(void **state)
{
	(void)state;
	assert_int_equal(notify_take_kept("8080"), LISTEN_FIRST + 4);
	assert_int_equal(notify_take_kept("8080"), -1);
}

static bool is_the_last(int fd, void *ctx)
{
	(void)ctx;
	return fd == LISTEN_FIRST + WITH_KEPT - 1;
}

/* Who waits at one that was shut down is told. */
static bool listens(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 0) == 0;
}

static void keeps_no_more_what_nobody_took(void **state)
{
	int copy = dup(LISTEN_FIRST + WITH_KEPT - 1); /* the manager's */

	(void)state;
	assert_true(listens(copy));
	notify_drop_kept(is_the_last, NULL);
	assert_false(listens(copy));
	assert_int_equal(notify_take_kept("8081"), -1);
	assert_true(listens(LISTEN_FIRST));
	notify_drop_kept(NULL, NULL);
	assert_int_equal(notify_take_kept("/x.socket 1 2"), -1);
	assert_true(listens(LISTEN_FIRST + 4));
	close(copy);
}

/* How it is spoken to: each way, in a process of its own. */

static const struct sd_daemon *spoken;

static void set_passed(const char *pid, const char *fd_names)
{
	(void)setenv("LISTEN_PID", pid, 1);
	(void)setenv("LISTEN_FDS", "3", 1);
	(void)setenv("LISTEN_FDNAMES", fd_names, 1);
}

static void tells_the_watchdog(const char *pid)
{
	(void)setenv("WATCHDOG_USEC", "3000000", 1);
	(void)setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(spoken->watchdog_us(), 3000000);
	(void)unsetenv("WATCHDOG_PID");
	assert_int_equal(spoken->watchdog_us(), 3000000);
	(void)setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(spoken->watchdog_us(), 0);
	(void)setenv("WATCHDOG_USEC", "soon", 1);
	(void)unsetenv("WATCHDOG_PID");
	assert_int_equal(spoken->watchdog_us(), 0);
}

static void assert_names(const char *const *wanted)
{
	char **got = NULL;
	int n = spoken->listen_fds(&got);

	assert_int_equal(n, LISTENERS);
	for (int i = 0; i < n; i++)
		assert_string_equal(got[i], wanted[i]);
	sd_daemon_free_names(got, n);
}

static void tells_what_is_passed(const char *pid)
{
	static const char *const wanted[] = { "sioinit.socket", "", "http" };
	static const char *const none[] = { "unknown", "unknown", "unknown" };
	char **got = NULL;

	for (int i = 0; i < LISTENERS; i++)
		listen_at(LISTEN_FIRST + i);
	set_passed(pid, "sioinit.socket::http");
	assert_names(wanted);
	assert_int_equal(fcntl(LISTEN_FIRST + 2, F_GETFD), FD_CLOEXEC);
	(void)unsetenv("LISTEN_FDNAMES");
	assert_names(none);
	(void)setenv("LISTEN_PID", "1", 1);
	assert_int_equal(spoken->listen_fds(&got), 0);
	(void)unsetenv("LISTEN_FDS");
	assert_int_equal(spoken->listen_fds(&got), 0);
}

/* Two descriptors come with the datagram, and are those that were sent. */
static void assert_told_with_fds(const char *wanted, const int sent[2])
{
	char text[64] = "", control[CMSG_SPACE(2 * sizeof(int))];
	struct iovec v = { text, sizeof(text) - 1 };
	struct msghdr m = { .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct stat a, b;
	int got[2];

	assert_int_equal(recvmsg(MANAGER_FD, &m, MSG_CMSG_CLOEXEC), strlen(wanted));
	assert_string_equal(text, wanted);
	assert_int_equal(CMSG_FIRSTHDR(&m)->cmsg_len, CMSG_LEN(sizeof(got)));
	memcpy(got, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(got));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(fstat(got[i], &a) + fstat(sent[i], &b), 0);
		assert_int_equal(a.st_ino, b.st_ino);
		close(got[i]);
	}
}

static void tells_a_manager_at_a_path(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "/tmp/test_notify.sock" };
	auto_fd int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "/tmp/test_notify-%d", (int)getpid());
	assert_int_equal(bind(s, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(dup2(s, MANAGER_FD), MANAGER_FD);
	assert_int_equal(spoken->notify(a.sun_path, "READY=1", NULL, 0), 0);
	assert_told("READY=1");
	(void)unlink(a.sun_path);
	assert_int_equal(spoken->notify(a.sun_path, "READY=1", NULL, 0), -ENOENT);
}

static void tells_the_manager(void)
{
	const int fds[] = { LISTEN_FIRST, LISTEN_FIRST + 1 };
	char *name;

	be_manager();
	name = strdup(getenv("NOTIFY_SOCKET"));
	(void)unsetenv("NOTIFY_SOCKET");
	assert_int_equal(spoken->notify(name, "STATUS=a\nREADY=1", NULL, 0), 0);
	assert_told("STATUS=a\nREADY=1");
	assert_int_equal(spoken->notify(name, "FDSTORE=1\nFDNAME=x", fds, 2), 0);
	assert_told_with_fds("FDSTORE=1\nFDNAME=x", fds);
	assert_null(getenv("NOTIFY_SOCKET"));
	close(MANAGER_FD);
	assert_int_equal(spoken->notify(name, "STOPPING=1", NULL, 0), -ECONNREFUSED);
	free(name);
	tells_a_manager_at_a_path();
	assert_true(spoken->notify("nowhere", "READY=1", NULL, 0) < 0);
}

static int speaks(const struct sd_daemon *d)
{
	char pid[16];

	spoken = d;
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	if (!d->load())
		return 77;
	tells_the_watchdog(pid);
	tells_what_is_passed(pid);
	tells_the_manager();
	return 0;
}

/* A failed assertion ends a child by cmocka's own way, with another status than 0. */
static void speaks_in_each_way(void **state)
{
	int status;

	(void)state;
	for (size_t i = 0; sd_daemons[i]; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(speaks(sd_daemons[i]));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			fail_msg("%s: status %#x", sd_daemons[i]->name, (unsigned)status);
	}
}

static void is_silent_without_a_manager(void **state)
{
	(void)state;
	assert_int_equal(notify_take_listener("http"), -1);
	assert_int_equal(notify_watchdog_interval_ms(), 0);
	notify_ready();
	notify_status("%s", "x");
	notify_watchdog();
	notify_stopping(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_silent_without_a_manager),
		cmocka_unit_test(speaks_in_each_way),
		cmocka_unit_test(plays_with_a_manager),
		cmocka_unit_test(takes_an_unnamed_listener_for_http),
		cmocka_unit_test(gives_back_what_was_kept),
		cmocka_unit_test(keeps_no_more_what_nobody_took),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
