/* Waiting. SIGCHLDs merge, so each one collects all. */
#include "init/reap.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

void reap_all(void (*on_exit)(pid_t pid, int status, const struct rusage *usage, void *ctx),
	      void *ctx)
{
	struct rusage usage;
	pid_t pid;
	int status;

	while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0)
		on_exit(pid, status, &usage, ctx);
}

int reap_stop_of(pid_t pid)
{
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOHANG) < 0 || info.si_pid != pid)
		return 0;
	return info.si_status;
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
