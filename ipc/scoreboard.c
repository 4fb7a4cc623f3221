/* The shared memory. It is sparse: rows of slots that do not exist cost no page. */
#include "ipc/scoreboard.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"

#include "base/ban.h"

int scoreboard_create(void)
{
	auto_fd int fd = memfd_create("sioinit-scoreboard", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, sizeof(struct scoreboard)) < 0)
		return -errno;
	return fd_take(&fd);
}

static struct scoreboard *map(int fd, int flags)
{
	void *p = mmap(NULL, sizeof(struct scoreboard), PROT_READ | PROT_WRITE, flags, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

struct scoreboard *scoreboard_map(int fd)
{
	auto_fd int owned = fd;

	return map(owned, MAP_SHARED);
}

struct scoreboard *scoreboard_private(void)
{
	return map(-1, MAP_PRIVATE | MAP_ANONYMOUS);
}

void scoreboard_unmap(struct scoreboard *b)
{
	if (b)
		(void)munmap(b, sizeof(*b));
}
