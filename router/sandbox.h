/* The least rights that a router can work with, taken once it has been started and before it reads
 * the first byte of a client:
 *   - no capabilities, in any set, for good (capabilities(7));
 *   - no_new_privs: no program that it would execute gains any (prctl(2));
 *   - not dumpable: nobody but root reads its memory, descriptors and environment in /proc, and it
 *     leaves no core behind;
 *   - files (landlock(7), Linux 5.13): it reads in /proc alone and writes nowhere, as init opens
 * its access log; it connects to no abstract unix socket of others (Linux 6.12), such as init's
 *     admin socket;
 *   - system calls (seccomp(2)): those in router/sandbox_filter.c. */
#pragma once

/* The first thing of all, before the ids of a user are taken and a loop is made. Empties the
 * bounding set of capabilities, which needs one, sets no_new_privs, and lets nobody make an
 * io_uring: newer libuv than 1.44 has one in each loop, whose operations no filter sees. */
void sandbox_begin(void);

/* Takes them. What the kernel or the container refuses is said in one line, and the rest holds. For
 * processes of one thread. */
void sandbox_enter(void);

/* The same for the process that makes sockets in a network of the router's own: it keeps
 * CAP_NET_BIND_SERVICE there, and the system calls for that. */
void sandbox_enter_maker(void);

/* The same as for a router, and UDP besides, for the process that asks DNS (peers/peers.h). */
void sandbox_enter_asker(void);
