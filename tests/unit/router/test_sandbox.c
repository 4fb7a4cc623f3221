/* What a process in the sandbox can do: each case is a child that enters it and tries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/macros.h"
#include "router/sandbox.h"
#include "router/sandbox_filter.h"

#if SANDBOX_OF_SANITIZER
#include <sanitizer/lsan_interface.h>
#endif

static char folder[] = "/tmp/sioinit-sandbox-XXXXXX";
static char elsewhere[64];
static pid_t parent;

/* How @act in a child that is in the sandbox ends: its exit code is what @act gives. */
static int outcome(int (*act)(void))
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		sandbox_enter();
		_exit(act());
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void assert_killed(int (*act)(void))
{
	int status = outcome(act);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void assert_gives(int (*act)(void), int code)
{
	int status = outcome(act);

	if (WIFSIGNALED(status))
		print_error("signal %d\n", WTERMSIG(status));
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), code);
}

static int errno_of(long r)
{
	return r < 0 ? errno : 0;
}

/* Forbidden */

static int execute(void)
{
	char *const argv[] = { "true", NULL };

	return errno_of(execv("/bin/true", argv));
}

static int start_process(void)
{
	return fork() == 0 ? 0 : 1;
}

static int trace(void)
{
	return errno_of(ptrace(PTRACE_ATTACH, parent, 0, 0));
}

static int end_others(void)
{
	return errno_of(kill(parent, SIGCONT));
}

static int take_descriptors(void)
{
	return errno_of(syscall(SYS_pidfd_open, parent, 0));
}

static int write_memory_of_others(void)
{
	return errno_of(syscall(SYS_process_vm_writev, parent, NULL, 0, NULL, 0, 0));
}

static int speak_netlink(void)
{
	return errno_of(socket(AF_NETLINK, SOCK_STREAM, 0));
}

static int make_datagram_socket(void)
{
	return errno_of(socket(AF_INET, SOCK_DGRAM, 0));
}

static int make_raw_socket(void)
{
	return errno_of(socket(AF_INET, SOCK_RAW, IPPROTO_TCP));
}

static int attach_filter(void)
{
	return errno_of(setsockopt(0, SOL_SOCKET, SO_ATTACH_FILTER, NULL, 0));
}

static int listen_elsewhere(void)
{
	return errno_of(listen(0, 1));
}

static int map_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ? 0 : 1;
}

static int make_code(void)
{
	return errno_of(
	    mprotect((void *)((uintptr_t)folder & ~(uintptr_t)4095), 4096, PROT_READ | PROT_EXEC));
}

static int remove_file(void)
{
	return errno_of(unlink("/nowhere"));
}

static int mount_file_system(void)
{
	return errno_of(mount("none", "/nowhere", "tmpfs", 0, NULL));
}

static int leave_namespaces(void)
{
	return errno_of(syscall(SYS_unshare, CLONE_NEWUSER));
}

static int change_ids(void)
{
	return errno_of(setuid(0));
}

static int use_io_uring(void)
{
	return errno_of(syscall(SYS_io_uring_setup, 1, NULL));
}

static int become_dumpable(void)
{
	return errno_of(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

static int push_into_terminal(void)
{
	return errno_of(ioctl(0, TIOCSTI, "x"));
}

static const struct {
	int (*act)(void);
	bool for_sanitizers; /* they need it */
} forbidden[] = {
	{ execute, false },
	{ start_process, true },
	{ trace, true },
	{ end_others, true },
	{ take_descriptors, false },
	{ write_memory_of_others, false },
	{ speak_netlink, false },
	{ make_datagram_socket, false },
	{ make_raw_socket, false },
	{ attach_filter, false },
	{ listen_elsewhere, false },
	{ map_code, true },
	{ make_code, true },
	{ remove_file, false },
	{ mount_file_system, false },
	{ leave_namespaces, false },
	{ change_ids, false },
	{ use_io_uring, false },
	{ become_dumpable, true },
	{ push_into_terminal, true },
};

static void what_no_router_does_is_its_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(forbidden); i++)
		if (!SANDBOX_OF_SANITIZER || !forbidden[i].for_sanitizers)
			assert_killed(forbidden[i].act);
}

/* Refused */

static int open_secret(void)
{
	return errno_of(open(elsewhere, O_RDONLY | O_CLOEXEC));
}

static int write_elsewhere(void)
{
	return errno_of(open(elsewhere, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
}

static int update_elsewhere(void)
{
	return errno_of(open(elsewhere, O_RDWR | O_CLOEXEC));
}

/* Linux 5.13; another test of the kernel's own, where there is none. */
static long landlock_version(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

static void no_file_is_read_but_the_kernels(void **state)
{
	(void)state;
	if (landlock_version() < 1 || SANDBOX_OF_SANITIZER)
		skip();
	assert_gives(open_secret, EACCES);
}

static void no_file_is_written(void **state)
{
	(void)state;
	assert_gives(write_elsewhere, EACCES);
	assert_gives(update_elsewhere, EACCES);
}

static int call_init(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int n = snprintf(a.sun_path + 1, sizeof(a.sun_path) - 1, "%s", folder);

	return errno_of(
	    connect(fd, (struct sockaddr *)&a,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1) + (socklen_t)n));
}

static void no_abstract_socket_of_others_is_reached(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int n = snprintf(a.sun_path + 1, sizeof(a.sun_path) - 1, "%s", folder);

	(void)state;
	assert_int_equal(
	    bind(fd, (struct sockaddr *)&a,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1) + (socklen_t)n),
	    0);
	assert_int_equal(listen(fd, 1), 0);
	if (landlock_version() >= 6)
		assert_gives(call_init, EPERM);
	(void)close(fd);
}

/* Allowed */

static void *on_thread(void *arg)
{
	char *p = calloc(1, 1 << 20);

	*(bool *)arg = p;
	free(p);
	return NULL;
}

static int use_thread(void)
{
	bool done = false;
	pthread_t t;
	int e = pthread_create(&t, NULL, on_thread, &done);

	return e ? e : pthread_join(t, NULL) || !done;
}

static int look_at_processes(void)
{
	char path[40], line[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)parent);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 || read(fd, line, sizeof(line)) <= 0 || kill(parent, 0) < 0;
}

static int begin_and_use_io_uring(void)
{
	sandbox_begin();
	return errno_of(syscall(SYS_io_uring_setup, 1, NULL));
}

/* libuv then does without. */
static void no_io_uring_is_made_from_the_beginning(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0)
		_exit(begin_and_use_io_uring());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), ENOSYS);
}

static void what_a_router_does_it_can(void **state)
{
	(void)state;
	assert_gives(use_thread, 0);
	assert_gives(look_at_processes, 0);
}

static int fail_assertion(void)
{
	abort();
}

static void a_failed_assertion_is_seen_as_that(void **state)
{
	int status = outcome(fail_assertion);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

#if SANDBOX_OF_SANITIZER
static int find_leak(void)
{
	static char *volatile last;

	for (int i = 0; i < 10; i++) /* registers and the stack may remember some */
		last = malloc(100);
	return last && __lsan_do_recoverable_leak_check() ? 0 : 1;
}

static void leaks_are_found(void **state)
{
	int errors = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)state;
	(void)dup2(nowhere, STDERR_FILENO); /* for the report */
	assert_gives(find_leak, 0);
	(void)dup2(errors, STDERR_FILENO);
	(void)close(errors);
	(void)close(nowhere);
}
#endif

static int set_up(void **state)
{
	(void)state;
	parent = getpid();
	if (!mkdtemp(folder))
		return -1;
	(void)snprintf(elsewhere, sizeof(elsewhere), "/tmp/sioinit-secret-%d", (int)getpid());
	return close(open(elsewhere, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink(elsewhere);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_no_router_does_is_its_end),
		cmocka_unit_test(no_file_is_read_but_the_kernels),
		cmocka_unit_test(no_file_is_written),
		cmocka_unit_test(no_abstract_socket_of_others_is_reached),
		cmocka_unit_test(no_io_uring_is_made_from_the_beginning),
		cmocka_unit_test(what_a_router_does_it_can),
		cmocka_unit_test(a_failed_assertion_is_seen_as_that),
#if SANDBOX_OF_SANITIZER
		cmocka_unit_test(leaks_are_found),
#endif
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
