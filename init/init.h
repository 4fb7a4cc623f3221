/* The init process: workers, their restarts, the router process, signals and the orderly end. */
#pragma once

#include "init/worker/command.h"
#include "settings/config.h"

/* Runs until everything has ended. The exit code. */
int init_main(const struct config *c, const struct command *cmd);
