#include "init/system/shell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/fd.h"
#include "init/system/spawn.h"

#include "base/ban.h"

pid_t shell_start(const char *command, char *const *variables, const struct credentials *as,
		  bool no_new_privs)
{
	auto_fd int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char *argv[] = { SHELL_PATH, "-c", (char *)command, NULL };
	char **env = spawn_env(variables);
	struct spawn_request rq = { .argv = argv,
				    .env = env,
				    .inherit_fd = -1,
				    .own_group = 1,
				    .terminal = -1,
				    .stdio = { input, -1, -1 },
				    .as = as,
				    .no_new_privs = no_new_privs };
	pid_t pid = env ? spawn(&rq) : -ENOMEM;

	free(env);
	return pid;
}
