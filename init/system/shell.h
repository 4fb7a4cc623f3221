/* Commands of the user's that are run by a shell beside everything else. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct credentials;

#define SHELL_PATH "/bin/sh"

/* `sh -c @command` in a process group of its own, as @as, with /dev/null as input, our stdout and
 * stderr, and our environment with @variables (NAME=value, ends with NULL) in it. Its pid, which
 * the caller waits for, or -errno. */
pid_t shell_start(const char *command, char *const *variables, const struct credentials *as,
		  bool no_new_privs);
