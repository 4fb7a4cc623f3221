#include "init/system/parent.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

#include "base/ban.h"

enum { STATUS_MAX = 1024 };

pid_t parent_in_status(const char *status)
{
	const char *line = strstr(status, "\nPPid:");

	return line ? (pid_t)strtol(line + strlen("\nPPid:"), NULL, 10) : 0;
}

pid_t parent_of(pid_t pid)
{
	char path[32], status[STATUS_MAX] = "";
	auto_fd int fd = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, status, sizeof(status) - 1) < 0)
		return 0;
	return parent_in_status(status);
}
