/* Processes of ours beside init: this binary once more, in another role. They are told the settings
 * as they are in force, so that they read neither options nor files again, and little else.
 * Nothing of the app's environment, whose secrets are not for a process that strangers talk to. */
#pragma once

#include <sys/types.h>

struct config;
struct credentials;

/* What main.c asks for: which role it has, its end of its channel, whom it becomes. */
#define ROLE_NAME "SIOINIT_ROLE"
#define ROLE_FD "SIOINIT_ROLE_FD"
#define ROLE_IDS "SIOINIT_IDS"

struct role {
	const char *name;    /* for main.c */
	const char *process; /* what ps, top and pgrep show; at most 15 bytes (prctl(2)) */
};

extern const struct role role_router, role_logs, role_peers;

/* @fd: its end of a channel, borrowed, or -1. It becomes @ids by itself, once it is executed: who
 * that is need not be able to reach our binary. The pid, or -errno as of spawn_self(). */
pid_t role_start(const struct role *role, const struct config *c, const struct credentials *ids,
		 int fd);

/* The array for execve(2), with its texts in one allocation: free() it. NULL: out of memory. */
char **role_env(const char *name, const struct config *c, const struct credentials *ids, int fd);
