/* From what the user gave to what is executed: `worker.js` becomes `node worker.js`, a command
 * stays itself. */
#pragma once

#include <stddef.h>

#include "init/config.h"
#include "ipc/value.h"

/* The runtime, as far as the channel's serialization and the warnings depend on it. */
enum command_runtime { RUNTIME_NODE, RUNTIME_BUN, RUNTIME_DENO, RUNTIME_OTHER };

struct command {
	char **argv; /* owned, NULL-terminated */
	size_t argc;
	enum command_runtime runtime;
};

/* Resolves @c's command or app. 0: *ret set (free with command_free()). -EINVAL: nothing to run;
 * -ENOENT: script or program missing; -EACCES: there but not executable; -ENOEXEC: an extension
 * without an interpreter. On failure @err has the line for the user and *ret_exit the exit code
 * (78, 127, 126). Looks through PATH itself. */
int command_resolve(const struct config *c, struct command *ret, int *ret_exit, char *err,
		    size_t err_size);
void command_free(struct command *c);

/* The serialization all workers will use. auto: advanced, except json for Bun and for the Node
 * versions that can lose a channel at a split length prefix (18.5-18.20, 20.0-20.18, 22.0-22.13,
 * unknown odd ones). Runs `node --version` once, bounded to two seconds; blocking, before the first
 * worker. *ret_why is a static text for the log. */
enum serialization command_serialization(const struct config *c, const struct command *cmd,
					 const char **ret_why);

/* Version text such as "v20.18.1\n" to the choice above; pure. */
enum serialization command_serialization_of_version(const char *version);
