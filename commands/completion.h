/* `sioinit completion SHELL`: a script for the shell to source, made of the tables of settings and
 * subcommands. */
#pragma once

#include <stdio.h>

/* -EINVAL: a shell that is not known; nothing was written. */
int completion_print(const char *shell, FILE *out);
/* As a subcommand, with its words. The exit code: 0, 2 for misuse. */
int completion_run(char *const *words, size_t n);
