/* From what the user gave to what is executed: `worker.js` becomes `node worker.js`, a command
 * stays itself. */
#pragma once

#include <stddef.h>

#include "ipc/control.h"
#include "ipc/value.h"
#include "settings/config.h"

/* What runs, as far as the channel to it depends on that. A wrapper (a shell, env, npm) may turn
 * into any of the others. */
enum command_runtime { RUNTIME_NODE, RUNTIME_BUN, RUNTIME_DENO, RUNTIME_WRAPPER, RUNTIME_OTHER };

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

/* Where execvp(3) finds @name, or @name itself. */
enum { COMMAND_PATH_MAX = 4096 };
void command_find(const char *name, char ret[static COMMAND_PATH_MAX]);

/* How requests will reach the workers. */
struct reach {
	enum worker_style style; /* UNKNOWN: by the first sign of life */
	bool channel;            /* each gets an IPC channel */
	bool cluster;            /* each is a node:cluster worker */
	bool port;               /* each gets a port of its own */
	bool pings;              /* an fd-less NODE_HANDLE is answered and harmless */
	const char *why;         /* a static text for the log */
};

/* By setting; else by the placeholders among the arguments ({port}, {socket}), else by runtime. */
struct reach command_reach(const struct config *c, const struct command *cmd);

/* The arguments of one worker: {port} and {socket} replaced wherever they stand. A copy, NULL when
 * there is no memory; free with command_free_argv(). */
char **command_argv(const struct command *cmd, const char *port, const char *socket);
void command_free_argv(char **argv);

/* How all workers will be spoken to. */
struct dialect {
	enum serialization mode;
	bool bound_unread; /* see channel_bound_unread() */
	const char *why;   /* a static text for the log */
};

/* auto: advanced, except json for Bun and for Node before 18. Runs `node --version` once, bounded
 * to two seconds; blocking, before the first worker. */
struct dialect command_dialect(const struct config *c, const struct command *cmd);

/* From version text such as "v20.18.1\n"; pure. */
struct dialect command_dialect_of_version(const char *version);
