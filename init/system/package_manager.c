#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "init/system/package_manager.h"

#include "base/ban.h"

enum { STAT_MAX = 512 };

/* A shell without job control has what it starts with & ignore SIGINT. */
static bool is_in_background(void)
{
	struct sigaction action;

	return sigaction(SIGINT, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/* proc_pid_stat(5): "17 (sh) S 1 ...". 0: cannot be said. */
static pid_t parent_of(pid_t pid)
{
	char path[32], stat[STAT_MAX] = "";
	auto_fd int fd = -1;
	const char *name_end;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, stat, sizeof(stat) - 1) < 0)
		return 0;
	name_end = strrchr(stat, ')');
	return name_end && strlen(name_end) > strlen(") S ")
		   ? (pid_t)strtol(name_end + strlen(") S "), NULL, 10)
		   : 0;
}

void package_manager_follow(void)
{
	pid_t shell = getppid();

	if (!getenv("npm_execpath") || is_in_background())
		return;
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (shell > 1 && parent_of(shell) == 1)
		log_warn("init: this container ends before the app has stopped: its SIGTERM ends "
			 "npm's shell, and with npm "
			 "everything; let the command in package.json begin with exec (exec "
			 "sioinit ...), or the image start "
			 "sioinit itself");
}
