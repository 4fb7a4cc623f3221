/* Owned descriptors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fd.h"

static void closes_a_descriptor_once(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), copy = fd;

	(void)state;
	errno = EXDEV;
	fd_close(&fd);
	fd_close(&fd);
	assert_int_equal(errno, EXDEV);
	assert_int_equal(fd, -1);
	assert_int_equal(fcntl(copy, F_GETFD), -1);
	{
		auto_fd int scoped = open("/dev/null", O_RDONLY | O_CLOEXEC);

		copy = scoped;
	}
	assert_int_equal(fcntl(copy, F_GETFD), -1);
}

static void opens_what_is_closed_of_the_standard_three(void **state)
{
	int saved = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3), next;

	(void)state;
	close(STDIN_FILENO);
	fd_open_standard();
	assert_int_equal(fcntl(STDIN_FILENO, F_GETFD), 0);
	next = open("/dev/null", O_RDONLY | O_CLOEXEC);
	fd_open_standard();
	assert_int_equal(fcntl(next + 1, F_GETFD), -1);
	fd_close(&next);
	if (saved >= 0)
		assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
	fd_close(&saved);
}

static void sets_flags_of_a_descriptor(void **state)
{
	auto_fd int fd = open("/dev/null", O_RDONLY);
	int moved;

	(void)state;
	assert_int_equal(fd_set_nonblock(fd), 0);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(fd_set_cloexec(fd, 1), 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fd_set_cloexec(fd, 0), 0);
	assert_int_equal(fcntl(fd, F_GETFD), 0);
	assert_int_equal(fd_set_nonblock(-1), -EBADF);
	assert_int_equal(fd_set_cloexec(-1, 1), -EBADF);
	moved = fd_take(&fd);
	assert_int_equal(fd, -1);
	close(moved);
}

static void raises_the_limit_of_descriptors(void **state)
{
	struct rlimit l;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &l), 0);
	l.rlim_cur = l.rlim_max / 2;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &l), 0);
	assert_true(fd_raise_limit() == l.rlim_max);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closes_a_descriptor_once),
		cmocka_unit_test(opens_what_is_closed_of_the_standard_three),
		cmocka_unit_test(sets_flags_of_a_descriptor),
		cmocka_unit_test(raises_the_limit_of_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
