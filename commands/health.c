/* A blocking HTTP client of one request. An admin address for any interface is asked on loopback.
 */
#include "commands/health.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "commands/cli.h"

#include "base/ban.h"

enum { TIMEOUT_S = 2 };

static int connect_to(int family, const void *address, socklen_t len)
{
	struct timeval limit = { .tv_sec = TIMEOUT_S };
	auto_fd int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
	    connect(fd, address, len) < 0)
		return -errno;
	return fd_take(&fd);
}

static int dial(const struct config_address *a)
{
	struct sockaddr_un path = { .sun_family = AF_UNIX };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(a->port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(a->port) };

	if (a->host[0] == '/') {
		(void)snprintf(path.sun_path, sizeof(path.sun_path), "%s", a->host);
		return connect_to(AF_UNIX, &path, sizeof(path));
	}
	if (strchr(a->host, ':')) {
		if (inet_pton(AF_INET6, a->host, &v6.sin6_addr) != 1)
			return -EINVAL;
		if (IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr))
			v6.sin6_addr = in6addr_loopback;
		return connect_to(AF_INET6, &v6, sizeof(v6));
	}
	if (a->host[0] && inet_pton(AF_INET, a->host, &v4.sin_addr) != 1)
		return -EINVAL;
	if (v4.sin_addr.s_addr == htonl(INADDR_ANY))
		v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return connect_to(AF_INET, &v4, sizeof(v4));
}

/* The status of the answer, or -errno. */
static int ask(int fd, const char *path)
{
	char request[64], answer[64] = "";
	int n = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
			 path),
	    status;
	ssize_t got;

	if (send(fd, request, (size_t)n, MSG_NOSIGNAL) != n)
		return -errno;
	got = recv(fd, answer, sizeof(answer) - 1, MSG_WAITALL);
	if (got < 0)
		return -errno;
	return sscanf(answer, "HTTP/1.%*d %d", &status) == 1 ? status : -EBADMSG;
}

int health_ask(const struct config *c, bool ready)
{
	const char *path = ready ? "/readyz" : "/livez";
	auto_fd int fd = c->admin.off ? -ENOTSUP : dial(&c->admin);
	int status = fd < 0 ? fd : ask(fd, path);

	if (status == 200 && !config_admin_is_set(c) && cli_admin_is_taken(c)) {
		log_error(SIO_022,
			  "health: the admin address, which nobody has set, was taken when sioinit "
			  "started: set SIOINIT_ADMIN");
		return 1;
	}
	if (status == 200)
		return 0;
	if (status < 0)
		log_error(SIO_023, "health: no answer from SIOINIT_ADMIN: %s", strerror(-status));
	else
		log_error(SIO_024, "health: %s answered %d", path, status);
	return 1;
}
