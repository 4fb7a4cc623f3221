/* memfd_create(2), fcntl(2): seals hold for the file, whoever opens it again. */
#include "ipc/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

#include "base/ban.h"

#ifndef MFD_NOEXEC_SEAL /* Linux 6.3 */
#define MFD_NOEXEC_SEAL 0x0008U
#endif

enum { SIZE_IS_FINAL = F_SEAL_SHRINK | F_SEAL_GROW };

static int create(const char *name)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create(name, flags | MFD_NOEXEC_SEAL);

	return fd >= 0 || errno != EINVAL ? fd : memfd_create(name, flags);
}

int sealed_create(const char *name, size_t size)
{
	auto_fd int fd = create(name);

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0 ||
	    fcntl(fd, F_ADD_SEALS, SIZE_IS_FINAL | F_SEAL_SEAL) < 0)
		return -errno;
	return fd_take(&fd);
}

void *sealed_map(int fd, size_t size)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	void *p;

	if (seals < 0 || fstat(fd, &st) < 0)
		return NULL;
	if ((seals & SIZE_IS_FINAL) != SIZE_IS_FINAL || (size_t)st.st_size != size) {
		errno = EINVAL;
		return NULL;
	}
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return p == MAP_FAILED ? NULL : p;
}
