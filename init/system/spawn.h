/* Starting a child: fork and exec with a clean signal state, its own process group, and the death
 * signal set, so that it does not outlive init however init ends.
 *
 * It is forked with all signals blocked: one that comes before exec would otherwise run our
 * handlers in the copy, and so count twice (a Ctrl-C reaches the whole group). */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct config;
struct credentials;

#define SPAWN_PATH_DEFAULT "/usr/local/bin:/usr/bin:/bin"

/* What failed. */
enum spawn_step {
	SPAWN_FORK,
	SPAWN_RLIMITS, /* from here on in the child */
	SPAWN_NICE,
	SPAWN_OOM_SCORE_ADJ,
	SPAWN_CREDENTIALS, /* the change of user, no_new_privs, the death signal */
	SPAWN_EXEC,
};

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
	const struct config *worker; /* the workers' limits (process_limits.h); NULL = none */
	enum spawn_step *ret_step;   /* set when it fails, or NULL */
};

/* The pid, or -errno: of fork, or of the step in the child that failed (exec: -ENOENT, -EACCES,
 * ...), which is reaped by the caller's loop. The child has the limit of descriptors that we were
 * given. A file that is no program is run by /bin/sh, as execvp(3) does, unless it is ELF:
 * -ENOEXEC. */
pid_t spawn(const struct spawn_request *rq);

/* Our environment without what is ours or the service manager's, plus @extra ("NAME=value",
 * NULL-terminated), whose names replace ours. The array and nothing else is allocated: free() it.
 * NULL: ENOMEM. */
char **spawn_env(char *const *extra);
/* The same of another environment than ours. */
char **spawn_env_of(char *const *ours, char *const *extra);

/* The same, but executes our own binary whatever argv[0] says, and keeps our limit of
 * descriptors. */
pid_t spawn_self(const struct spawn_request *rq);
