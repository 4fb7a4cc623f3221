#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "init/system/package_manager.h"

#include "base/ban.h"

/* A shell without job control has what it starts with & ignore SIGINT. */
static bool is_in_background(void)
{
	struct sigaction action;

	return sigaction(SIGINT, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

void package_manager_follow(void)
{
	if (getenv("npm_execpath") && !is_in_background())
		(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
}
