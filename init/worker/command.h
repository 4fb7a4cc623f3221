/* From what the user gave to what is executed: `worker.js` becomes `node worker.js`, a command
 * stays itself. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "settings/config.h"

/* What runs, as far as the channel to it depends on that. A wrapper (a shell, npm, any program
 * that we do not know) may turn into any of the others. */
enum command_runtime { RUNTIME_NODE, RUNTIME_BUN, RUNTIME_DENO, RUNTIME_WRAPPER, RUNTIME_OTHER };

struct command {
	char **argv; /* owned, NULL-terminated */
	size_t argc;
	enum command_runtime runtime;
	bool has_script_inside; /* Node's single executable application: --version is its own */
};

/* Resolves @c's command or app. 0: *ret set (free with command_free()). -EINVAL: nothing to run;
 * -ENOENT: script or program missing; -EACCES: there but not executable; -ENOEXEC: an extension
 * without an interpreter. On failure @err has the line for the user and *ret_exit the exit code
 * (78, 127, 126). Looks through PATH itself. */
int command_resolve(const struct config *c, struct command *ret, int *ret_exit, char *err,
		    size_t err_size);
void command_free(struct command *c);

enum { COMMAND_PATH_MAX = 4096 };

/* The program @name as execvp(3) finds it: 0 and its file in @found, -ENOENT, or -EACCES (there,
 * but not executable). */
int command_find(const char *name, char found[static COMMAND_PATH_MAX]);

/* The arguments of one worker: {port} and {socket} replaced wherever they stand. A copy with room
 * for one more, NULL when there is no memory; free with command_free_argv(). */
char **command_argv(const struct command *cmd, const char *port, const char *socket);
void command_free_argv(char **argv);
