/* Splicing between sockets: whole pieces, pieces that are taken in part, ends, errors, and no pipe
 * to be had. The pipe is empty after each, or gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "router/net/sock.h"
#include "router/net/splice_pipe.h"

enum { A_LOT = 8 << 20, NOW_MS = 5000, SECOND_MS = 1000 };

static struct sock to;
static struct pipe through;
static int writer, reader, from, passed; /* writer -> from -> to -> reader; passed: bytes read */

static char byte_at(size_t i)
{
	return (char)(i * 7 + (i >> 8));
}

static int setup(void **state)
{
	int near[2], far[2];

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, near), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, far), 0);
	writer = near[0];
	from = near[1];
	reader = far[1];
	passed = 0;
	sock_init(&to, NULL, far[0], NULL);
	through = PIPE_INIT;
	assert_true(pipe_open(&through, NOW_MS));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_free(&to.out);
	pipe_close(&through);
	fd_close(&to.fd);
	fd_close(&writer);
	fd_close(&reader);
	fd_close(&from);
	return 0;
}

static size_t fill(size_t at)
{
	char bytes[4096];
	ssize_t n;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = byte_at(at + i);
	n = write(writer, bytes, sizeof(bytes));
	return n < 0 ? 0 : (size_t)n;
}

static void check_what_came(void)
{
	char bytes[4096];
	ssize_t n;

	while ((n = read(reader, bytes, sizeof(bytes))) > 0)
		for (ssize_t i = 0; i < n; i++)
			assert_int_equal(bytes[i], byte_at((size_t)passed++));
}

static int waiting_in_pipe(void)
{
	int n = -1;

	assert_int_equal(ioctl(through.out, FIONREAD, &n), 0);
	return n;
}

static void passes_pieces_whole(void **state)
{
	size_t n = fill(0);

	(void)state;
	n += fill(n);
	assert_int_equal(sock_splice(&to, from, &through), n);
	assert_false(sock_blocked(&to));
	check_what_came();
	assert_int_equal(passed, n);
	assert_int_equal(sock_splice(&to, from, &through), -EAGAIN);
}

static void keeps_what_is_not_taken(void **state)
{
	size_t written = 0, n;

	(void)state;
	while (written < A_LOT && !sock_blocked(&to)) {
		while ((n = fill(written)) > 0)
			written += n;
		assert_true(sock_splice(&to, from, &through) > 0);
		assert_int_equal(waiting_in_pipe(), 0);
	}
	assert_true(sock_blocked(&to));
	assert_int_equal(to.read_size, SOCK_READ_MIN);
	while (sock_blocked(&to)) {
		check_what_came();
		assert_int_equal(sock_flush(&to), 0);
	}
	while (sock_splice(&to, from, &through) > 0)
		check_what_came();
	check_what_came();
	assert_int_equal(passed, written);
}

static void tells_the_end(void **state)
{
	(void)state;
	fd_close(&writer);
	assert_int_equal(sock_splice(&to, from, &through), 0);
}

static void forgets_a_pipe_that_nobody_empties(void **state)
{
	(void)state;
	assert_true(fill(0) > 0);
	fd_close(&reader);
	assert_int_equal(sock_splice(&to, from, &through), -EPIPE);
	assert_int_equal(through.in, -1);
	assert_int_equal(through.out, -1);
}

static void waits_for_descriptors(void **state)
{
	struct rlimit limit, none;

	(void)state;
	pipe_close(&through);
	through = PIPE_INIT;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_false(pipe_open(&through, NOW_MS));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_false(pipe_open(&through, NOW_MS + SECOND_MS - 1));
	assert_true(pipe_open(&through, NOW_MS + SECOND_MS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(passes_pieces_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(keeps_what_is_not_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(tells_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(forgets_a_pipe_that_nobody_empties, setup,
						teardown),
		cmocka_unit_test_setup_teardown(waits_for_descriptors, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
