#include "ipc/admin_address.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/ban.h"

void admin_address_prefix(char *dst, size_t size)
{
	struct stat st = { 0 };

	(void)stat("/proc/self/ns/pid", &st);
	(void)snprintf(dst, size, "sioinit/%llu/", (unsigned long long)st.st_ino);
}

socklen_t admin_address(pid_t pid, struct sockaddr_un *ret)
{
	char prefix[64];
	int n;

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	admin_address_prefix(prefix, sizeof(prefix));
	n = snprintf(ret->sun_path + 1, sizeof(ret->sun_path) - 1, "%s%d", prefix, (int)pid);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}
