/* Who may connect to the unix sockets that clients and the platform come to: the mode and the owner
 * of their files (SIOINIT_SOCKET_MODE, SIOINIT_SOCKET_OWNER). */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "settings/config.h"

struct socket_access {
	mode_t mode; /* 0: as the umask has it */
	uid_t uid;   /* with the next: -1 = as the file is made */
	gid_t gid;
};

/* Asks the user database for names, which may wait. 0: *ret is set. -EINVAL: the line for the user
 * is in @err. */
int socket_access_resolve(const struct config *c, struct socket_access *ret, char *err,
			  size_t err_size);

/* For binding: the umask with which a file gets the mode at once; returns the one before, for
 * umask(2). */
mode_t socket_access_umask(const struct socket_access *a);
/* The file at @path, which we have just bound, gets its owner. A link is not followed. 0 or -errno.
 */
int socket_access_own(const struct socket_access *a, const char *path);
