/* Starting a child: fork and exec with a clean signal state, its own process group, and the death
 * signal set, so that it does not outlive init however init ends. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct credentials;

struct spawn_request {
	char *const *argv;
	char *const *env; /* complete environment */
	int inherit_fd;   /* borrowed: stays open in the child under its own number; -1 = none */
	int own_group;
	int terminal;    /* borrowed: its foreground becomes the child's group; -1 = none */
	int stdio[3];    /* borrowed: becomes the child's 0, 1, 2; -1 = as ours */
	const char *cwd; /* NULL = ours; entered as @as */
	const struct credentials *as; /* NULL = as we are */
	bool no_new_privs;
};

/* The pid, or -errno: of fork, or of exec in the child (-ENOENT, -EACCES, ...), which is reaped by
 * the caller's loop. */
pid_t spawn(const struct spawn_request *rq);

/* Our environment without what is ours or the service manager's, plus @extra ("NAME=value",
 * NULL-terminated), whose names replace ours. The array and nothing else is allocated: free() it.
 * NULL: ENOMEM. */
char **spawn_env(char *const *extra);
/* The same of another environment than ours. */
char **spawn_env_of(char *const *ours, char *const *extra);

/* The same, but executes our own binary whatever argv[0] says. */
pid_t spawn_self(const struct spawn_request *rq);
