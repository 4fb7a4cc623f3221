/* The system calls that a router makes after its start; any other ends it with SIGSYS
 * (SECCOMP_RET_KILL_PROCESS). */
#pragma once

#include <stdbool.h>

/* Sanitizers make more calls, and read more, than the router itself. */
#if defined(__SANITIZE_ADDRESS__)
#define SANDBOX_OF_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANDBOX_OF_SANITIZER 1
#endif
#endif
#ifndef SANDBOX_OF_SANITIZER
#define SANDBOX_OF_SANITIZER 0
#endif

/* io_uring_setup(2) gives ENOSYS from now on. 0, or as below. */
int sandbox_filter_io_uring(void);

/* For good, for this thread and those that it starts. Opening a file for writing gives EACCES. 0;
 * -EOPNOTSUPP: not known for this architecture, or the kernel
 * cannot end processes so (Linux 4.14); -errno of seccomp(2): EPERM, EINVAL, ENOSYS where a
 * container or an emulator has none. */
int sandbox_filter_load(void);

/* The same for the process that makes sockets in a network of the router's own. */
int sandbox_filter_load_maker(void);

/* The router's, and what libc asks DNS by. */
int sandbox_filter_load_asker(void);
