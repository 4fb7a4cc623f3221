#include "init/system/package_manager.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "init/system/parent.h"

#include "base/ban.h"

/* A shell without job control has what it starts with & ignore SIGINT. */
static bool is_in_background(void)
{
	struct sigaction action;

	return sigaction(SIGINT, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

void package_manager_follow(void)
{
	pid_t shell = getppid();

	if (!getenv("npm_execpath") || is_in_background())
		return;
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != shell) /* it has ended before */
		(void)raise(SIGTERM);
	if (shell > 1 && parent_of(shell) == 1)
		log_warn(SIO_017,
			 "init: this container ends before the app has stopped: its SIGTERM ends "
			 "npm's shell, and with npm "
			 "everything; let the command in package.json begin with exec (exec "
			 "sioinit ...), or the image start "
			 "sioinit itself");
}
