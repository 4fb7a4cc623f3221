/* Finds the instance. */
#include "commands/admin_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "ipc/admin_address.h"

#include "base/ban.h"

/* proc_net(5): the last field of a line of /proc/net/unix is the path, an abstract one with @ for
 * its NUL. How many instances listen in this PID namespace; the pid of one. */
static unsigned find_instances(pid_t *ret_pid)
{
	char prefix[64], line[512];
	FILE *f = fopen("/proc/net/unix", "re");
	unsigned n = 0;

	admin_address_prefix(prefix, sizeof(prefix));
	while (f && fgets(line, sizeof(line), f)) {
		const char *name = strstr(line, prefix);

		if (!name || name == line || name[-1] != '@')
			continue;
		if (*ret_pid != atoi(name + strlen(prefix))) /* its connections have lines, too */
			n++;
		*ret_pid = atoi(name + strlen(prefix));
	}
	if (f)
		(void)fclose(f);
	return n;
}

static int dial(const struct sockaddr_un *a, socklen_t len)
{
	struct timeval limit = { .tv_sec = ADMIN_CLIENT_TIMEOUT_S };
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
	    connect(fd, (const struct sockaddr *)a, len) < 0)
		return -errno;
	return fd_take(&fd);
}

static int dial_path(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	return dial(&a, sizeof(a));
}

static int dial_found(void)
{
	struct sockaddr_un a;
	pid_t pid = 0;
	unsigned n = find_instances(&pid);

	if (n > 1)
		return -EEXIST;
	return n == 0 ? -ENOENT : dial(&a, admin_address(pid, &a));
}

int admin_client_dial(const struct config *c)
{
	if (strcmp(c->admin_socket, "off") == 0)
		return -ENOTSUP;
	return c->admin_socket[0] == '/' ? dial_path(c->admin_socket) : dial_found();
}

void admin_client_say(const struct config *c, int error)
{
	if (error == -ENOTSUP)
		log_error(SIO_018, "SIOINIT_ADMIN_SOCKET is off");
	else if (error == -EEXIST)
		log_error(SIO_019,
			  "several sioinit run here: give each its own SIOINIT_ADMIN_SOCKET=/path");
	else
		log_error(SIO_020, "no sioinit is running here (SIOINIT_ADMIN_SOCKET=%s: %s)",
			  c->admin_socket, strerror(-error));
}

bool admin_client_ask(int fd, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(words[i]) + 1;

		if (send(fd, words[i], len, MSG_NOSIGNAL) != (ssize_t)len)
			return false;
	}
	return shutdown(fd, SHUT_WR) == 0;
}
