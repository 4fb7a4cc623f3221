/* Making listening and bound sockets: non-blocking and CLOEXEC. Each returns a descriptor, which is
 * the caller's, or -errno. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/* @host "" is any address, dual stack where there is IPv6; @backlog 0 is Node's default, 511. */
int listen_tcp(const char *host, uint16_t port, int backlog);
/* At an IPv6 address; @v6only: not for IPv4 as well (ipv6(7)). */
int listen_tcp6(const char *host, uint16_t port, bool v6only, int backlog);
/* @n such sockets for one address (SO_REUSEPORT), over which the kernel spreads the connections. A
 * port that anybody else listens on is in use, as for a single one. 0 or -errno, on which what is
 * open stays in @fds: the caller gives up. */
int listen_each(const char *host, uint16_t port, int backlog, int *fds, unsigned n);
/* Of an address where @fds listen already: opens as many more as there can be, up to @n. How many
 * there are now. */
unsigned listen_beside(int backlog, int *fds, unsigned n_open, unsigned n);
/* One that listens gets another backlog. @fd is borrowed; 0 or -errno. */
int listen_again(int fd, int backlog);

/* @family is AF_INET or AF_INET6. */
int bind_udp(int family, const char *host, uint16_t port, bool v6only);

/* Port of an address, 0 for what has none. */
uint16_t socket_port(const struct sockaddr_storage *a);
/* Whether only this host reaches it: 127.0.0.0/8 and ::1. */
bool socket_is_loopback(const struct sockaddr_storage *a);

/* The file of a unix socket that we have bound, by the directory that it was bound in, so that what
 * happens to the path afterwards (a link in its place, a renamed directory) changes nothing. Zero:
 * none. */
struct socket_file {
	int dir; /* owned; valid while name[0] is set */
	char name[256];
	dev_t dev;
	ino_t ino;
};

/* A listening unix socket; a stale one that nobody listens on is replaced. connect(2) tells which
 * it is without waiting, also when the backlog of somebody else's is full. @mode is added to the
 * file's (S_IRUGO, S_IWUGO for Node's readableAll, writableAll). @file, if not NULL, is for
 * socket_file_remove(). */
int listen_unix(const char *path, int backlog, mode_t mode, struct socket_file *file);

/* Removes the file if it is still the one that we have bound. Idempotent. */
void socket_file_remove(struct socket_file *f);
/* Leaves it where it is. */
void socket_file_forget(struct socket_file *f);
