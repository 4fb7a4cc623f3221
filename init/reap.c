/* Waiting. SIGCHLDs merge, so each one collects all. */
#include "init/reap.h"

#include <errno.h>
#include <sys/wait.h>

void reap_all(void (*on_exit)(pid_t pid, int status, void *ctx), void *ctx)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		on_exit(pid, status, ctx);
}

int reap_has_children(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}
