/* Waiting. SIGCHLDs merge, so each one collects all. */
#include "init/system/reap.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

void reap_all(const struct reap_ops *ops, void *ctx)
{
	struct rusage usage;
	pid_t pid;
	int status;

	while ((pid = wait4(-1, &status, WNOHANG | WUNTRACED | WCONTINUED, &usage)) > 0)
		if (WIFSTOPPED(status))
			ops->on_stop(pid, WSTOPSIG(status), ctx);
		else if (WIFCONTINUED(status))
			ops->on_stop(pid, 0, ctx);
		else
			ops->on_exit(pid, status, &usage, ctx);
}

enum { SWEEP_ROUNDS = 400, ROUND_NS = 5000000 };

/* proc_pid_task(5): the children of our only thread. */
static unsigned kill_children(void)
{
	FILE *f = fopen("/proc/thread-self/children", "re");
	unsigned n = 0;
	int pid;

	if (!f)
		return 0;
	while (fscanf(f, "%d", &pid) == 1)
		n += kill(pid, SIGKILL) == 0;
	(void)fclose(f);
	return n;
}

unsigned reap_sweep(void)
{
	const struct timespec pause = { .tv_nsec = ROUND_NS };
	unsigned killed = 0;
	pid_t pid;

	for (int i = 0; i < SWEEP_ROUNDS; i++) {
		killed += kill_children();
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		if (pid < 0 && errno == ECHILD)
			break;
		(void)nanosleep(&pause, NULL);
	}
	return killed;
}

int reap_exit_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
