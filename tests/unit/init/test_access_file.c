/* The access log's file: opened at the start and anew, by a child that may fail or hang. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "init/logs/access_file.h"

static uv_loop_t loop;
static struct access_file file;
static char folder[64], path[80], moved[80];
static unsigned opened;

static void on_open(void *ctx)
{
	(void)ctx;
	opened++;
}

static int set_up(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/test_access_file.XXXXXX");
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/log", folder);
	(void)snprintf(moved, sizeof(moved), "%s/log.1", folder);
	opened = 0;
	return uv_loop_init(&loop);
}

static int tear_down(void **state)
{
	(void)state;
	access_file_close(&file);
	uv_close((uv_handle_t *)&file.deadline, NULL);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	(void)unlink(path);
	(void)unlink(moved);
	(void)rmdir(folder);
	return uv_loop_close(&loop);
}

/* The opener's end, as init/system/reap.c tells it. */
static void hear_of_its_end(void)
{
	int status;
	pid_t pid = wait4(file.opener, &status, 0, NULL);

	assert_true(pid > 0);
	assert_false(access_file_ended(&file, pid + 1, status));
	assert_true(access_file_ended(&file, pid, status));
}

static bool is_open_at(const char *where)
{
	struct stat there, here;

	return stat(where, &there) == 0 && fstat(file.fd, &here) == 0 &&
	       there.st_ino == here.st_ino;
}

static void opens_the_path_anew(void **state)
{
	(void)state;
	access_file_open(&file, &loop, path, on_open, NULL);
	assert_true(is_open_at(path));
	assert_int_equal(rename(path, moved), 0);
	access_file_reopen(&file);
	access_file_reopen(&file); /* not lost, though one is under way */
	assert_true(is_open_at(moved));
	hear_of_its_end();
	assert_true(is_open_at(path));
	assert_int_equal(opened, 1);
	hear_of_its_end();
	assert_true(is_open_at(path));
	assert_int_equal(opened, 2);
	assert_int_equal(file.opener, 0);
	assert_true(fcntl(file.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fcntl(file.fd, F_GETFL) & (O_APPEND | O_NONBLOCK), O_APPEND | O_NONBLOCK);
}

static void keeps_the_old_one_when_that_fails(void **state)
{
	(void)state;
	access_file_open(&file, &loop, path, on_open, NULL);
	assert_int_equal(rename(path, moved), 0);
	assert_int_equal(mkfifo(path, 0600), 0); /* which nobody reads */
	access_file_reopen(&file);
	hear_of_its_end();
	assert_true(is_open_at(moved));
	access_file_reopen(&file);
	assert_int_equal(kill(file.opener, SIGKILL), 0); /* as its deadline does */
	hear_of_its_end();
	assert_true(is_open_at(moved));
	assert_int_equal(opened, 0);
	assert_int_equal(file.next, -1);
}

static void is_there_as_soon_as_it_can_be(void **state)
{
	char nowhere[100];

	(void)state;
	(void)snprintf(nowhere, sizeof(nowhere), "%s/later/log", folder);
	access_file_open(&file, &loop, nowhere, on_open, NULL);
	assert_int_equal(file.fd, -1);
	(void)snprintf(moved, sizeof(moved), "%s/later", folder);
	assert_int_equal(mkdir(moved, 0700), 0);
	access_file_reopen(&file);
	hear_of_its_end();
	assert_true(is_open_at(nowhere));
	(void)unlink(nowhere);
	(void)rmdir(moved);
}

static void takes_the_descriptors_there_are(void **state)
{
	char name[32];
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	(void)snprintf(name, sizeof(name), "/dev/fd/%d", pair[0]);
	access_file_open(&file, &loop, name, on_open, NULL);
	assert_true(file.fd > pair[1]);
	access_file_reopen(&file); /* is no path */
	assert_int_equal(file.opener, 0);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void takes_a_pipe_of_another_user(void **state)
{
	char name[32];
	int fds[2];

	(void)state;
	access_file_open(&file, &loop, NULL, on_open, NULL);
	access_file_reopen(&file);
	assert_int_equal(file.opener, 0);
	if (geteuid() != 0)
		skip();
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	(void)snprintf(name, sizeof(name), "/dev/fd/%d", fds[1]);
	assert_int_equal(seteuid(65534), 0);
	uv_close((uv_handle_t *)&file.deadline, NULL);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
	access_file_open(&file, &loop, name, on_open, NULL);
	assert_int_equal(seteuid(0), 0);
	assert_true(file.fd >= 0);
	assert_int_equal(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(opens_the_path_anew, set_up, tear_down),
		cmocka_unit_test_setup_teardown(keeps_the_old_one_when_that_fails, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(is_there_as_soon_as_it_can_be, set_up, tear_down),
		cmocka_unit_test_setup_teardown(takes_the_descriptors_there_are, set_up, tear_down),
		cmocka_unit_test_setup_teardown(takes_a_pipe_of_another_user, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
