/* What init learns of its children: ends, stops, and that one goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init/system/reap.h"

static int n_exits, n_stops, last_status, last_stop;
static pid_t last_pid;

static void on_exit_status(pid_t pid, int status, const struct rusage *usage, void *ctx)
{
	(void)ctx;
	assert_non_null(usage);
	n_exits++;
	last_pid = pid;
	last_status = status;
}

static void on_stop(pid_t pid, int sig, void *ctx)
{
	(void)ctx;
	n_stops++;
	last_pid = pid;
	last_stop = sig;
}

static const struct reap_ops ops = { on_exit_status, on_stop };

static pid_t start_child(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			(void)pause();
	}
	assert_true(pid > 0);
	return pid;
}

/* Sends @sig and collects once @pid has become @change, which stays to be collected. */
static void make(pid_t pid, int sig, int change)
{
	siginfo_t info;

	n_exits = n_stops = 0;
	last_pid = 0;
	last_stop = -1;
	assert_int_equal(kill(pid, sig), 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, change | WNOWAIT), 0);
	reap_all(&ops, NULL);
}

static void a_stop_a_continuation_an_end(void **state)
{
	pid_t pid = start_child();

	(void)state;
	make(pid, SIGSTOP, WSTOPPED);
	assert_int_equal(n_stops, 1);
	assert_int_equal(last_pid, pid);
	assert_int_equal(last_stop, SIGSTOP);
	make(pid, SIGCONT, WCONTINUED);
	assert_int_equal(n_stops, 1);
	assert_int_equal(last_stop, 0);
	make(pid, SIGSTOP,
	     WSTOPPED); /* SIGTSTP stops nobody in an orphaned group, as ours may be */
	assert_int_equal(last_stop, SIGSTOP);
	make(pid, SIGKILL, WEXITED);
	assert_int_equal(n_stops, 0);
	assert_int_equal(n_exits, 1);
	assert_int_equal(last_pid, pid);
	assert_true(WIFSIGNALED(last_status) && WTERMSIG(last_status) == SIGKILL);
}

static void what_is_over_is_not_told(void **state)
{
	pid_t pid = start_child();
	siginfo_t info;

	(void)state;
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT), 0);
	make(pid, SIGCONT, WCONTINUED);
	assert_int_equal(n_stops, 1);
	assert_int_equal(last_stop, 0);
	make(pid, SIGKILL, WEXITED);
	assert_int_equal(n_exits, 1);
}

static void all_are_collected_at_once(void **state)
{
	pid_t a = start_child(), b = start_child(), c = start_child();
	siginfo_t info;

	(void)state;
	assert_int_equal(kill(a, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)a, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(kill(b, SIGSTOP), 0);
	assert_int_equal(waitid(P_PID, (id_t)b, &info, WSTOPPED | WNOWAIT), 0);
	make(c, SIGKILL, WEXITED);
	assert_int_equal(n_exits, 2);
	assert_int_equal(n_stops, 1);
	make(b, SIGKILL, WEXITED);
	assert_int_equal(n_exits, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stop_a_continuation_an_end),
		cmocka_unit_test(what_is_over_is_not_told),
		cmocka_unit_test(all_are_collected_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
