/* In which PID namespaces a process is, by its status file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "init/supervisor/admin_peer.h"

static unsigned depth_of(const char *text)
{
	FILE *f = fmemopen((char *)text, strlen(text), "r");
	unsigned n = admin_peer_depth(f);

	(void)fclose(f);
	return n;
}

static void counts_namespaces(void **state)
{
	char status[2048] = "Groups:\t";

	(void)state;
	assert_int_equal(depth_of("Name:\tsioinit\nNStgid:\t7\t1\nNSpid:\t7\nNSpgid:\t7\t1\n"), 1);
	assert_int_equal(depth_of("Name:\tNSpid:\nNSpid:\t700\t12\t1\n"), 3);
	assert_int_equal(depth_of("Name:\tsioinit\nPid:\t7\n"), 0);
	memset(status + strlen(status), '7', 1500);
	(void)strncat(status, "\nNSpid:\t7\t1\n", 20);
	assert_int_equal(depth_of(status), 2);
}

static void answers_ourselves(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_true(admin_peer_is_allowed(ends[0], geteuid()));
	close(ends[0]);
	close(ends[1]);
	assert_false(admin_peer_is_allowed(ends[0], geteuid()));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_namespaces),
		cmocka_unit_test(answers_ourselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
