/* `sioinit migrate FILE [APP]`: what pm2's file is for sioinit, as environment and Dockerfile. */
#pragma once

#include "settings/config.h"

/* @words are the subcommand's (@n of them). Prints on stdout. The exit code: 0, 78 for a file that
 * cannot be read, 2 for misuse. */
int migrate_run(const struct config *c, char *const *words, size_t n);
