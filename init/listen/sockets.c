/* See sockets.h. */
#include "init/listen/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"

#include "base/ban.h"

enum { BACKLOG = 511 };

/* TCP and UDP */

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
static int bind_ip(const char *host, uint16_t port, int family, int type, bool v6only)
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
		return bind_ip(host, port, strchr(host, ':') ? AF_INET6 : AF_INET, SOCK_STREAM,
			       false);
	fd = bind_ip("", port, AF_INET6, SOCK_STREAM, false);
	if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)
		fd = bind_ip("", port, AF_INET, SOCK_STREAM, false);
	return fd;
}

int listen_tcp(const char *host, uint16_t port, int backlog)
{
	return listening(bind_tcp(host, port), backlog);
}

int listen_tcp6(const char *host, uint16_t port, bool v6only, int backlog)
{
	return listening(bind_ip(host, port, AF_INET6, SOCK_STREAM, v6only), backlog);
}

int bind_udp(int family, const char *host, uint16_t port, bool v6only)
{
	return bind_ip(host, port, family, SOCK_DGRAM, v6only);
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

int listen_each(const char *host, uint16_t port, int backlog, int *fds, unsigned n)
{
	int r = 0;

	for (unsigned i = 0; i < n && r >= 0; i++)
		fds[i] = r = i == 0 ? bind_tcp(host, port) : bind_beside(fds[0]);
	for (unsigned i = 0; i < n && r >= 0; i++)
		fds[i] = r = listening(fds[i], backlog);
	return r < 0 ? r : 0;
}

int listen_again(int fd, int backlog)
{
	return listen(fd, backlog > 0 ? backlog : BACKLOG) < 0 ? -errno : 0;
}

unsigned listen_beside(int backlog, int *fds, unsigned n_open, unsigned n)
{
	while (n_open < n && (fds[n_open] = listening(bind_beside(fds[0]), backlog)) >= 0)
		n_open++;
	return n_open;
}

uint16_t socket_port(const struct sockaddr_storage *a)
{
	if (a->ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)a)->sin_port);
	return a->ss_family == AF_INET6 ? ntohs(((const struct sockaddr_in6 *)a)->sin6_port) : 0;
}

bool socket_is_loopback(const struct sockaddr_storage *a)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
	const struct in6_addr *v6 = &((const struct sockaddr_in6 *)a)->sin6_addr;

	if (a->ss_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	if (a->ss_family != AF_INET6)
		return false;
	return IN6_IS_ADDR_LOOPBACK(v6) ||
	       (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == IN_LOOPBACKNET);
}

/* Unix */

/* The directory of @path, and its last part in @f->name. */
static int open_dir(const char *path, struct socket_file *f)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char dir[4096] = ".";

	if (*name == '\0' || strlen(name) >= sizeof(f->name) || strlen(path) >= sizeof(dir))
		return -ENAMETOOLONG;
	if (slash)
		(void)snprintf(dir, sizeof(dir), "%.*s", slash == path ? 1 : (int)(slash - path),
			       path);
	f->dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (f->dir < 0)
		return -errno;
	(void)snprintf(f->name, sizeof(f->name), "%s", name);
	return 0;
}

/* @path, or where that is too long for the kernel a shorter one to the same file. */
static int to_unix(const char *path, const struct socket_file *f, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) < sizeof(ret->sun_path)) {
		memcpy(ret->sun_path, path, strlen(path) + 1);
		return 0;
	}
	if (strlen(f->name) + sizeof("/proc/self/fd/2147483647/") > sizeof(ret->sun_path))
		return -ENAMETOOLONG;
	(void)snprintf(ret->sun_path, sizeof(ret->sun_path), "/proc/self/fd/%d/%.80s", f->dir,
		       f->name);
	return 0;
}

/* connect() says ECONNREFUSED of a file that is no socket, too: unix_find_bsd() in the kernel. One
 * whose backlog is full answers EAGAIN at once, since ours is non-blocking. */
static bool is_stale(const struct socket_file *f, const struct sockaddr_un *a)
{
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct stat st;

	return fd >= 0 && fstatat(f->dir, f->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISSOCK(st.st_mode) && connect(fd, (const struct sockaddr *)a, sizeof(*a)) < 0 &&
	       errno == ECONNREFUSED;
}

/* What is at its name now, as ours. 0 or -errno: @mode could not be added. */
static int remember(struct socket_file *f, mode_t mode)
{
	struct stat st;

	if (fstatat(f->dir, f->name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISSOCK(st.st_mode))
		return 0;
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	if (mode && fchmodat(f->dir, f->name, (st.st_mode & 07777) | mode, 0) < 0)
		return -errno;
	return 0;
}

static int bind_file(const char *path, mode_t mode, struct socket_file *f)
{
	struct sockaddr_un a;
	auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r = fd < 0 ? -errno : to_unix(path, f, &a);

	if (r < 0)
		return r;
	if (is_stale(f, &a))
		(void)unlinkat(f->dir, f->name, 0);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return -errno;
	r = remember(f, mode);
	return r < 0 ? r : fd_take(&fd);
}

int listen_unix(const char *path, int backlog, mode_t mode, struct socket_file *file)
{
	struct socket_file f = { 0 };
	int fd = open_dir(path, &f);

	if (fd < 0)
		return fd;
	fd = bind_file(path, mode, &f);
	if (fd >= 0)
		fd = listening(fd, backlog);
	if (fd < 0 || !file)
		socket_file_forget(&f);
	if (fd >= 0 && file)
		*file = f;
	return fd;
}

void socket_file_remove(struct socket_file *f)
{
	struct stat st;

	if (f->name[0] && f->ino && fstatat(f->dir, f->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISSOCK(st.st_mode) && st.st_dev == f->dev && st.st_ino == f->ino)
		(void)unlinkat(f->dir, f->name, 0);
	socket_file_forget(f);
}

void socket_file_forget(struct socket_file *f)
{
	if (f->name[0])
		fd_close(&f->dir);
	*f = (struct socket_file){ 0 };
}
