/* Opening places. Failure is the app's to see: it becomes the 'error' event of its server. */
#include "init/listen/places.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macros.h"
#include "init/system/credentials.h"

#include "base/ban.h"

enum { BACKLOG = 511 };

static int to_sockaddr(const char *host, uint16_t port, int family, struct sockaddr_storage *ret,
		       socklen_t *ret_len)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	*ret = (struct sockaddr_storage){ 0 };
	if (family == AF_INET) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		*ret_len = sizeof(*v4);
		return *host == '\0' || inet_pton(AF_INET, host, &v4->sin_addr) == 1 ? 0 : -EINVAL;
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	*ret_len = sizeof(*v6);
	return *host == '\0' || inet_pton(AF_INET6, host, &v6->sin6_addr) == 1 ? 0 : -EINVAL;
}

static int socket_of(int family, int type, int v6only)
{
	int on = 1, fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (type == SOCK_STREAM)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only));
	return fd;
}

/* A bound socket of @type. */
static int bind_ip(const char *host, uint16_t port, int family, int type, int v6only)
{
	struct sockaddr_storage a;
	socklen_t len;
	int r = to_sockaddr(host, port, family, &a, &len);
	auto_fd int fd = r < 0 ? r : socket_of(family, type, v6only);

	if (fd < 0)
		return fd_take(&fd);
	if (bind(fd, (struct sockaddr *)&a, len) < 0)
		return -errno;
	return fd_take(&fd);
}

static int listening(int fd, int backlog)
{
	auto_fd int owned = fd;

	if (fd < 0)
		return fd_take(&owned);
	if (listen(owned, backlog > 0 ? backlog : BACKLOG) < 0)
		return -errno;
	return fd_take(&owned);
}

static int bind_tcp(const char *host, uint16_t port)
{
	int fd;

	if (*host)
		return bind_ip(host, port, strchr(host, ':') ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
	fd = bind_ip("", port, AF_INET6, SOCK_STREAM, 0);
	if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)
		fd = bind_ip("", port, AF_INET, SOCK_STREAM, 0);
	return fd;
}

int primary_listen_tcp(const char *host, uint16_t port, int backlog)
{
	return listening(bind_tcp(host, port), backlog);
}

/* One more socket bound where @first is; both share the port from now on. */
static int bind_beside(int first)
{
	struct sockaddr_storage a = { 0 };
	socklen_t len = sizeof(a);
	int on = 1;
	auto_fd int fd = -1;

	if (setsockopt(first, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0 ||
	    getsockname(first, (struct sockaddr *)&a, &len) < 0)
		return -errno;
	fd = socket_of(a.ss_family, SOCK_STREAM, 0);
	if (fd < 0)
		return fd_take(&fd);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&a, len) < 0)
		return -errno;
	return fd_take(&fd);
}

int primary_listen_each(const char *host, uint16_t port, int backlog, int *fds, unsigned n)
{
	int r = 0;

	for (unsigned i = 0; i < n && r >= 0; i++)
		fds[i] = r = i == 0 ? bind_tcp(host, port) : bind_beside(fds[0]);
	for (unsigned i = 0; i < n && r >= 0; i++)
		fds[i] = r = listening(fds[i], backlog);
	return r < 0 ? r : 0;
}

/* connect() says ECONNREFUSED of a file that is no socket, too: unix_find_bsd() in the kernel. One
 * whose backlog is full answers EAGAIN at once, since ours is non-blocking. */
static int is_stale(const struct sockaddr_un *a)
{
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct stat st;

	return fd >= 0 && lstat(a->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	       connect(fd, (const struct sockaddr *)a, sizeof(*a)) < 0 && errno == ECONNREFUSED;
}

int primary_listen_unix(const char *path, int backlog)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	memcpy(a.sun_path, path, strlen(path) + 1);
	if (is_stale(&a))
		(void)unlink(path);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return -errno;
	return listening(fd_take(&fd), backlog);
}

static int open_place(const struct node_msg *q)
{
	uint16_t port = (uint16_t)(q->port > 0 ? q->port : 0);
	int v6only = (q->flags & 1) != 0; /* UV_TCP_IPV6ONLY, UV_UDP_IPV6ONLY */

	switch (q->address_type) {
	case NODE_ADDR_TCP4:
		return primary_listen_tcp(q->any_address ? "" : q->address, port, (int)q->backlog);
	case NODE_ADDR_TCP6:
		return listening(bind_ip(q->address, port, AF_INET6, SOCK_STREAM, v6only),
				 (int)q->backlog);
	case NODE_ADDR_UNIX:
		return primary_listen_unix(q->address, (int)q->backlog);
	case NODE_ADDR_UDP4:
		return bind_ip(q->address, port, AF_INET, SOCK_DGRAM, 0);
	case NODE_ADDR_UDP6:
		return bind_ip(q->address, port, AF_INET6, SOCK_DGRAM, v6only);
	case NODE_ADDR_FD:
		break;
	}
	return -EINVAL;
}

/* A worker has no more rights by asking us. */
static int open_as(const struct credentials *as, const struct node_msg *q)
{
	int fd, r = credentials_act_as(as);

	if (r < 0)
		return r;
	fd = open_place(q);
	credentials_resume();
	return fd;
}

static int64_t bound_port(int fd)
{
	struct sockaddr_storage a = { 0 };
	socklen_t len = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		return 0;
	if (a.ss_family == AF_INET)
		return ntohs(((struct sockaddr_in *)&a)->sin_port);
	return a.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&a)->sin6_port) : 0;
}

struct place *primary_place(struct primary *p, const struct node_msg *q, int *ret_err)
{
	struct place *pl;
	int fd;

	for (pl = p->places; pl; pl = pl->next)
		if (pl->type == q->address_type && pl->port == q->port &&
		    strcmp(pl->address, q->address) == 0 && (q->port != 0 || pl->index == q->index))
			return pl;
	fd = open_as(p->as, q);
	pl = fd < 0 ? NULL : calloc(1, sizeof(*pl));
	if (!pl) {
		*ret_err = fd < 0 ? fd : -ENOMEM;
		fd_close(&fd);
		return NULL;
	}
	*pl = (struct place){ .next = p->places,
			      .id = ++p->last_id,
			      .type = q->address_type,
			      .port = q->port,
			      .index = q->index,
			      .flags = q->flags,
			      .actual_port = q->port > 0 ? q->port : bound_port(fd),
			      .fd = fd };
	(void)snprintf(pl->address, sizeof(pl->address), "%s", q->address);
	p->places = pl;
	return pl;
}

static void place_close(const struct primary *p, struct place *pl)
{
	if (pl->fd >= 0 && pl->type == NODE_ADDR_UNIX && credentials_act_as(p->as) == 0) {
		(void)unlink(pl->address);
		credentials_resume();
	}
	fd_close(&pl->fd);
}

void primary_refuse(struct primary *p)
{
	for (struct place *pl = p->places; pl; pl = pl->next)
		if (node_address_is_stream(pl->type))
			place_close(p, pl);
}

void primary_close(struct primary *p)
{
	struct place *pl;

	while ((pl = p->places)) {
		p->places = pl->next;
		place_close(p, pl);
		free(pl);
	}
}
