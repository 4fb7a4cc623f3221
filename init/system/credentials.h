/* Whom the workers and the router run as, when sioinit is root (user, group, no-new-privs). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct credentials {
	bool change; /* false: as we are */
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* supplementary ones, owned */
	size_t n_groups;
	bool has_capabilities; /* from credentials_of(): also these, not only what the ids bring */
	uint64_t capabilities; /* effective ones, a bit each */
	char home[520], user[136], logname[136]; /* NAME=value, or "" */
};

/* @user and @group are names or numbers, NULL for none; a number need not be in the user database.
 * 0: *ret set, free with credentials_free(). -EINVAL: no such, or not allowed to; -ENOMEM. Then
 * @err has the line for the user. */
int credentials_resolve(const char *user, const char *group, struct credentials *ret, char *err,
			size_t err_size);
void credentials_free(struct credentials *c);

/* Becomes them, for good; between fork and exec, or as what was executed. Clears PR_SET_PDEATHSIG
 * and makes the process one that cannot be dumped (prctl(2)). 0 or -errno. */
int credentials_assume(const struct credentials *c);

/* Ids for another process: "UID:GID:GROUP,GROUP,...", in numbers. */
void credentials_print(const struct credentials *c, FILE *out);
/* What that has written, without names; .change is true. 0: *ret set, free with credentials_free().
 * -EINVAL, -ENOMEM. */
int credentials_parse(const char *text, struct credentials *ret);

/* Looks like the owner of the process @pid to the rules of ptrace(2), which pidfd_getfd(2) and
 * /proc/PID/fd follow: root without CAP_SYS_PTRACE, as in a container, may not reach the
 * descriptors of another user's process. Until credentials_resume(), which must follow before
 * anything else is done. */
void credentials_borrow(pid_t pid);
/* What the process @pid may do to files and sockets: the ids that the kernel looks at there, which
 * it may have changed itself, and its capabilities if they are for our user namespace. 0: *ret set,
 * free with credentials_free(). -errno: there is no such process, or it is in more groups than we
 * read. */
int credentials_of(pid_t pid, struct credentials *ret);
/* Until credentials_resume(), what is done to files and sockets is done with the rights of @c
 * (NULL: our own), as what a worker asks for is: a path that it names is bound and removed as it
 * could do that itself. Capabilities go and come back with the effective ids (capabilities(7)). 0
 * or -errno: nothing has changed. */
int credentials_act_as(const struct credentials *c);
void credentials_resume(void);

/* HOME, USER and LOGNAME that are to be set, at most three and a NULL, borrowed from @c. */
enum { CREDENTIALS_ENV_MAX = 4 };
void credentials_env(const struct credentials *c, char *ret[static CREDENTIALS_ENV_MAX]);
