/* The service manager, played by a datagram socket and three descriptors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macros.h"
#include "init/system/notify.h"

static const char *const private_names[] = { "NOTIFY_SOCKET",  "LISTEN_FDS",    "LISTEN_PID",
					     "LISTEN_FDNAMES", "WATCHDOG_USEC", "WATCHDOG_PID" };

static void assert_environment_clean(void)
{
	for (size_t i = 0; i < ARRAY_LEN(private_names); i++)
		assert_null(getenv(private_names[i]));
}

#ifdef SIOINIT_HAVE_SYSTEMD

enum { LISTEN_FIRST = 3, LISTENERS = 3, MANAGER_FD = 20 };

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
	for (int i = 0; i < LISTENERS; i++)
		listen_at(LISTEN_FIRST + i);
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	(void)setenv("LISTEN_PID", pid, 1);
	(void)setenv("LISTEN_FDS", "3", 1);
	(void)setenv("LISTEN_FDNAMES", "sioinit.socket:admin:http", 1);
	(void)setenv("WATCHDOG_USEC", "3000000", 1);
	(void)setenv("WATCHDOG_PID", pid, 1);
	notify_init();
	assert_environment_clean();
	assert_int_equal(fcntl(LISTEN_FIRST, F_GETFD), FD_CLOEXEC);

	assert_int_equal(notify_take_listener("admin"), LISTEN_FIRST + 1);
	assert_int_equal(notify_take_listener("admin"), -1);
	assert_int_equal(notify_take_listener("http"), LISTEN_FIRST + 2);

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
	close(MANAGER_FD);
	notify_stopping(0); /* nobody listens any more */
}

static void takes_an_unnamed_listener_for_http(void **state)
{
	(void)state; /* goes on where the test before left off */
	assert_int_equal(notify_take_listener("http"), LISTEN_FIRST);
	assert_int_equal(notify_take_listener("http"), -1);
}

#else

static void plays_with_a_manager(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(private_names); i++)
		(void)setenv(private_names[i], "1", 1);
	notify_init();
	assert_environment_clean();
	notify_ready();
	assert_int_equal(notify_watchdog_interval_ms(), 0);
}

static void takes_an_unnamed_listener_for_http(void **state)
{
	(void)state;
	assert_int_equal(notify_take_listener("http"), -1);
}

#endif

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
		cmocka_unit_test(plays_with_a_manager),
		cmocka_unit_test(takes_an_unnamed_listener_for_http),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
