/* Who may command over the admin socket: root and our own user, and the user that the socket was
 * given to, of our own PID namespace. An abstract unix address is private to the network namespace
 * only, which other containers may share, and root there is uid 0 as well. */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* @fd is a client's; @owner is the socket file's. */
bool admin_peer_is_allowed(int fd, uid_t owner);

/* How many PID namespaces a process is in, from that of the mounted /proc inwards: the ids in
 * NSpid: of its /proc/PID/status (proc(5)). 0: @status has no such line. */
unsigned admin_peer_depth(FILE *status);
