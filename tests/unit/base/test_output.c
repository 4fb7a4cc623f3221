/* Lines to a reader that is slow, stuck or gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/output.h"

enum { LINE_SIZE = 10000 };

static char line_text[LINE_SIZE];
static int ends[2]; /* reading, writing */
static struct output out;

static struct str line_of(char c)
{
	memset(line_text, c, sizeof(line_text));
	line_text[LINE_SIZE - 1] = '\n';
	return (struct str){ line_text, sizeof(line_text) };
}

static int open_pipe(void **state)
{
	(void)state;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	output_open(&out, ends[1]);
	return 0;
}

static int open_socket(void **state)
{
	(void)state;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -1;
	output_open(&out, ends[1]);
	return 0;
}

static int close_both(void **state)
{
	(void)state;
	output_close(&out);
	close(ends[0]);
	close(ends[1]);
	return 0;
}

/* Reads until @out has nothing queued and the pipe is empty; lines that came. Fails when one of
 * them is no line of ours. */
static unsigned read_lines(void)
{
	static char bytes[4 << 20];
	size_t n = 0, left;
	unsigned lines = 0;

	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	do {
		ssize_t k;

		left = output_flush(&out);
		while ((k = read(ends[0], bytes + n, sizeof(bytes) - n)) > 0)
			n += (size_t)k;
	} while (left > 0);
	assert_int_equal(n % LINE_SIZE, 0);
	for (size_t at = 0; at < n; at += LINE_SIZE, lines++) {
		assert_int_equal(bytes[at + LINE_SIZE - 1], '\n');
		assert_int_equal(strspn(bytes + at, (char[]){ bytes[at], 0 }), LINE_SIZE - 1);
	}
	return lines;
}

/* That it comes back at all is the point. */
static void never_waits_and_counts_what_it_leaves_out(void **state)
{
	unsigned taken = 0, left_out = 0;

	(void)state;
	while (left_out < 10) {
		bool ok = output_line(&out, line_of((char)('a' + taken % 26)));

		taken += ok;
		left_out += !ok;
	}
	assert_true(out.queue.len <= OUTPUT_QUEUE_MAX);
	assert_true(taken > OUTPUT_QUEUE_MAX / LINE_SIZE);
	assert_int_equal(read_lines(), taken);
	assert_int_equal(output_take_left_out(&out), 10);
	assert_int_equal(output_take_left_out(&out), 0);
	assert_true(output_line(&out, line_of('z')));
	assert_int_equal(read_lines(), 1);
}

static void leaves_the_shared_description_alone(void **state)
{
	(void)state;
	assert_true(out.owns_fd);
	assert_int_equal(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
}

static void ignores_a_reader_that_is_gone(void **state)
{
	(void)state;
	assert_ptr_not_equal(signal(SIGPIPE, SIG_IGN), SIG_ERR);
	while (out.queue.len == 0)
		assert_true(output_line(&out, line_of('a')));
	close(ends[0]);
	errno = EXDEV;
	assert_true(output_line(&out, line_of('b')));
	assert_int_equal(out.queue.len, 0);
	assert_int_equal(errno, EXDEV);
}

static void writes_files_in_place(void **state)
{
	char name[] = "/tmp/sioinit-test-output-XXXXXX";
	int fd = mkstemp(name);
	struct output file;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "head\n", 5), 5);
	output_open(&file, fd);
	assert_true(output_line(&file, STR("one\n")));
	assert_true(output_line(&file, STR("two\n")));
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 13);
	output_close(&file);
	close(fd);
	unlink(name);
}

static void waits_at_the_end_but_not_for_ever(void **state)
{
	(void)state;
	while (out.queue.len == 0)
		assert_true(output_line(&out, line_of('a')));
	output_flush_within(&out, 20);
	assert_true(out.queue.len > 0);
}

#define ON(open, test) cmocka_unit_test_setup_teardown(test, open, close_both)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON(open_pipe, never_waits_and_counts_what_it_leaves_out),
		ON(open_socket, never_waits_and_counts_what_it_leaves_out),
		ON(open_pipe, leaves_the_shared_description_alone),
		ON(open_pipe, ignores_a_reader_that_is_gone),
		ON(open_socket, ignores_a_reader_that_is_gone),
		ON(open_pipe, waits_at_the_end_but_not_for_ever),
		cmocka_unit_test(writes_files_in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
