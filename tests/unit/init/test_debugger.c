/* Who debugs a process, as /proc shows it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "init/system/debugger.h"
#include "tests/unit/init/fake_root.h"

enum { PID = 40, CHILD = 41 };

#define HEAD "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
#define SOCKET(address, port, state, inode)                                                        \
	"   0: " address ":" port " " address ":0000 " state                                       \
	" 00000000:00000000 00:00000000 00000000  1000        0 " inode " 1 0000 100 0 0 10 0\n"
#define V4 "0100007F"
#define V6 "00000000000000000000000000000001"

static const struct inspector usual = { .port = INSPECTOR_PORT };

static void put_socket(int pid, int fd, const char *inode)
{
	char path[128], name[512], target[32];

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	put(path, "");
	(void)snprintf(name, sizeof(name), "%s%s", root, path);
	(void)snprintf(target, sizeof(target), "socket:[%s]", inode);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(symlink(target, name), 0);
}

static void assert_found(const struct inspector *where, const char *wanted)
{
	char by[DEBUGGER_TEXT] = "";

	assert_int_equal(debugger_is_attached(root, PID, where, by), wanted != NULL);
	assert_string_equal(by, wanted ? wanted : "");
}

static void nobody(void **state)
{
	(void)state;
	assert_found(&usual, NULL); /* it has ended */
	put("/proc/40/status", "Name:\tnode\nState:\tS (sleeping)\nPid:\t40\nTracerPid:\t0\n");
	put("/proc/40/net/tcp", HEAD SOCKET(V4, "1F90", "0A", "7") SOCKET(V4, "1F90", "01", "8"));
	put_socket(PID, 20, "7");
	assert_found(&usual, NULL);
}

static void a_tracer(void **state)
{
	(void)state;
	put("/proc/40/status", "Name:\tnode\nState:\tt (tracing stop)\nTracerPid:\t17\n");
	assert_found(&usual, "it is traced by process 17");
}

static void a_tracer_in_another_namespace(void **state)
{
	(void)state;
	put("/proc/40/status", "Name:\tnode\nState:\tt (tracing stop)\nTracerPid:\t0\n");
	assert_found(&usual, "it is stopped by a tracer");
}

static void a_name_is_no_tracer(void **state)
{
	(void)state;
	put("/proc/40/status", "Name:\tx\\nTracerPid:\t17\nState:\tS (sleeping)\nTracerPid:\t0\n");
	assert_found(&usual, NULL);
}

static void a_session(void **state)
{
	(void)state;
	put("/proc/40/net/tcp", HEAD SOCKET(V4, "240D", "0A", "7") SOCKET(V4, "1F90", "01", "9")
				    SOCKET(V4, "240D", "01", "8"));
	put_socket(PID, 20, "7");
	assert_found(&usual, "its inspector has a client at port 9229");
}

static void a_session_by_ipv6(void **state)
{
	(void)state;
	put("/proc/40/net/tcp", HEAD SOCKET(V4, "1F90", "01", "9"));
	put("/proc/40/net/tcp6", HEAD SOCKET(V6, "240D", "0A", "7") SOCKET(V6, "240D", "01", "8"));
	put_socket(PID, 20, "7");
	assert_found(&usual, "its inspector has a client at port 9229");
}

static void an_inspector_without_a_client(void **state)
{
	(void)state;
	put("/proc/40/net/tcp", HEAD SOCKET(V4, "240D", "0A", "7") SOCKET(V4, "240D", "06", "0"));
	put_socket(PID, 20, "7");
	assert_found(&usual, NULL);
}

static void the_inspector_of_a_neighbour(void **state)
{
	(void)state;
	put("/proc/40/net/tcp", HEAD SOCKET(V4, "240D", "0A", "7") SOCKET(V4, "240D", "01", "8"));
	put_socket(PID, 20, "6");
	assert_found(&usual, NULL);
}

static void an_inspector_at_any_port(void **state)
{
	const struct inspector any = { .port = INSPECTOR_PORT, .any = true, .own = 0x1f90 };

	(void)state;
	put_socket(PID, 20, "5");
	put_socket(PID, 21, "7");
	put("/proc/40/net/tcp", HEAD SOCKET(V4, "1F90", "0A", "5") SOCKET(V4, "1F90", "01", "6"));
	assert_found(&any, NULL);
	put("/proc/40/net/tcp", HEAD SOCKET(V4, "1F90", "0A", "5") SOCKET(V4, "9C40", "0A", "7")
				    SOCKET(V4, "1F90", "01", "6") SOCKET(V4, "9C40", "01", "8"));
	assert_found(&any, "its inspector has a client at port 40000");
}

static void one_that_it_has_started(void **state)
{
	(void)state;
	put("/proc/40/task/40/children", "41 ");
	put("/proc/41/status", "Name:\tnode\nState:\tt (tracing stop)\nTracerPid:\t17\n");
	assert_found(&usual, "it is traced by process 17");
}

static void assert_options(char *arg, const char *node_options, uint16_t port, bool any)
{
	char *argv[] = { "node", arg, "app.js", NULL };
	struct inspector where = debugger_options(argv, node_options);

	assert_int_equal(where.port, port);
	assert_int_equal(where.any, any);
}

static void options(void **state)
{
	(void)state;
	assert_options("-v", NULL, 9229, false);
	assert_options("--inspect", NULL, 9229, false);
	assert_options("--inspect=9300", NULL, 9300, false);
	assert_options("--inspect-brk=0.0.0.0:9301", NULL, 9301, false);
	assert_options("--inspect=[::1]:9302", NULL, 9302, false);
	assert_options("--inspect=localhost", NULL, 9229, false);
	assert_options("--inspect=host9", NULL, 9229, false);
	assert_options("--inspect=127.0.0.1:0", NULL, 9229, true);
	assert_options("--inspect-port=9303", NULL, 9303, false);
	assert_options("--inspector=9304", NULL, 9229, false);
	assert_options("--inspect=99999", NULL, 9229, false);
	assert_options("x", "--max-old-space-size=80  --inspect-wait=9305 --no-warnings", 9305,
		       false);
	assert_options("--inspect=9306", "--inspect=9305", 9306, false);
}

#define IN_ROOT(test) cmocka_unit_test_setup_teardown(test, NULL, empty_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ROOT(nobody),
		IN_ROOT(a_tracer),
		IN_ROOT(a_tracer_in_another_namespace),
		IN_ROOT(a_name_is_no_tracer),
		IN_ROOT(a_session),
		IN_ROOT(a_session_by_ipv6),
		IN_ROOT(an_inspector_without_a_client),
		IN_ROOT(the_inspector_of_a_neighbour),
		IN_ROOT(an_inspector_at_any_port),
		IN_ROOT(one_that_it_has_started),
		cmocka_unit_test(options),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
