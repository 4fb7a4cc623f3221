/* The init process: workers, their restarts, the router process, signals and the orderly end. */
#pragma once

#include "init/command.h"
#include "init/config.h"

/* Runs until everything has ended. @self_argv is main's, for starting the router from the same
 * binary. The exit code. */
int init_main(const struct config *c, const struct command *cmd, char *const *self_argv);
