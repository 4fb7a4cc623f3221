/* Owned file descriptors: an int that is owned or -1. Everything we open is CLOEXEC. */
#pragma once

/* Closes *fd when it is >= 0 and sets it to -1. errno is kept. */
void fd_close(int *fd);

/* Closes the descriptor when the variable goes out of scope. */
#define auto_fd __attribute__((cleanup(fd_close)))

/* Moves ownership out of a variable: returns the descriptor, leaves -1 behind. */
static inline int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Opens /dev/null for each of 0, 1 and 2 that is closed, so that nothing of ours gets that number
 * and is written to as if it were stderr. */
void fd_open_standard(void);

/* Borrow @fd. 0 or -errno. */
int fd_set_nonblock(int fd);
int fd_set_cloexec(int fd, int on);

/* Number of descriptors the process may still open is a guess; this raises the soft limit of
 * RLIMIT_NOFILE to the hard one. Returns the soft limit now in force. */
unsigned long fd_raise_limit(void);
