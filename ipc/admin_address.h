/* Where an instance listens for `sioinit status`, `reload` and the like when no path is set: an
 * abstract unix address (unix(7)) that is made of the PID namespace and the pid. Other containers
 * that share the network namespace see the name, too. */
#pragma once

#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

/* The address of the instance with @pid in our PID namespace; its length. */
socklen_t admin_address(pid_t pid, struct sockaddr_un *ret);
/* The part of the name that all instances of this PID namespace share, without the NUL in front. */
void admin_address_prefix(char *dst, size_t size);
