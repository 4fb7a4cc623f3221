/* Connections to workers. See pair.h.
 *
 * A pair is made by connecting to a private loopback listener and accepting what came; the far
 * end's peer address must be our near end's, or somebody else connected to that port and is turned
 * away. Writing may start at once: the bytes wait in the kernel until the worker takes the far end.
 */
#include "router/backend/pair.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "router/backend/ends.h"
#include "router/backend/native_pair.h"
#include "router/backend/workers.h"
#include "router/net/sock.h"

#include "base/ban.h"

enum { PAIR_TRIES = 4, PAIR_WAIT_MS = 50 };

int pair_listen(struct backend *b)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(b->pair_addr);
	auto_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 128) < 0 ||
	    getsockname(fd, (struct sockaddr *)&b->pair_addr, &len) < 0)
		return -errno;
	sock_no_delay(fd);
	b->pair_listener = fd_take(&fd);
	return 0;
}

static int connect_near(const struct sockaddr_in *to, struct sockaddr_in *ret_self)
{
	socklen_t len = sizeof(*ret_self);
	auto_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0 && errno != EINPROGRESS) ||
	    getsockname(fd, (struct sockaddr *)ret_self, &len) < 0)
		return -errno;
	sock_no_delay(fd);
	return fd_take(&fd);
}

/* Of a connect() on loopback the other end comes in this moment. */
static bool wait_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, PAIR_WAIT_MS) > 0;
}

static int accept_far(int listener, const struct sockaddr_in *expected)
{
	for (int i = 0; i < PAIR_TRIES; i++) {
		struct sockaddr_in peer = { 0 };
		socklen_t len = sizeof(peer);
		auto_fd int fd =
		    accept4(listener, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && errno == EAGAIN && wait_readable(listener))
			continue;
		if (fd < 0)
			return -errno;
		if (peer.sin_port == expected->sin_port &&
		    peer.sin_addr.s_addr == expected->sin_addr.s_addr)
			return fd_take(&fd);
		log_warn(SIO_204, "router: stranger on the private listener turned away");
	}
	return -ECONNABORTED;
}

static int tcp_pair(const struct backend *b, int *ret_near, int *ret_far)
{
	struct sockaddr_in self = { 0 };
	auto_fd int near = connect_near(&b->pair_addr, &self);
	int far;

	if (near < 0)
		return near;
	far = accept_far(b->pair_listener, &self);
	if (far < 0)
		return far;
	*ret_near = fd_take(&near);
	*ret_far = far;
	return 0;
}

static int unix_pair(int *ret_near, int *ret_far)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sv) < 0)
		return -errno;
	*ret_near = sv[0];
	*ret_far = sv[1];
	return 0;
}

static int loopback_pair(const struct backend *b, int *ret_near, int *ret_far)
{
	return b->conf->upstream == UPSTREAM_UNIX ? unix_pair(ret_near, ret_far)
						  : tcp_pair(b, ret_near, ret_far);
}

static int make_pair(struct backend *b, struct ends *ends, int *ret_near, int *ret_far)
{
	if (ends && ends->family != AF_UNSPEC) {
		if (native_pair(b, ends, ret_near, ret_far) == 0)
			return 0;
		ends->family = AF_UNSPEC;
	}
	return loopback_pair(b, ret_near, ret_far);
}

int pair_hand_over(const struct worker *w, enum handoff_kind kind, uint64_t token,
		   struct ends *ends)
{
	struct backend *b = w->backend;
	struct control_msg m = {
		.type = CONTROL_HANDOFF, .worker = w->id, .token = token, .kind = kind
	};
	auto_fd int near = -1;
	int far = -1;
	int e = make_pair(b, ends, &near, &far);

	if (e == 0)
		e = control_send(b->init, &m, far);
	return e < 0 ? e : fd_take(&near);
}

/* A connection to a port that nobody listens on may meet itself: the kernel chooses the near port
 * from a range that the far one may be in. */
static bool is_self_connected(int fd, const struct sockaddr *to)
{
	struct sockaddr_in6 near = { 0 }; /* sin_port and sin6_port are in the same place */
	socklen_t len = sizeof(near);

	return to->sa_family != AF_UNIX && getsockname(fd, (struct sockaddr *)&near, &len) == 0 &&
	       near.sin6_port == ((const struct sockaddr_in6 *)(const void *)to)->sin6_port;
}

static int connect_to(const struct sockaddr *to, socklen_t len)
{
	auto_fd int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || (connect(fd, to, len) < 0 && errno != EINPROGRESS))
		return -errno;
	if (is_self_connected(fd, to))
		return -ECONNREFUSED;
	if (to->sa_family != AF_UNIX)
		sock_no_delay(fd);
	return fd_take(&fd);
}

/* An app may listen on either loopback address: `localhost` is ::1 for some. */
static int dial_port(uint16_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons(port),
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int r = connect_to((struct sockaddr *)&v4, sizeof(v4));

	if (r != -ECONNREFUSED)
		return r;
	r = connect_to((struct sockaddr *)&v6, sizeof(v6));
	return r < 0 ? -ECONNREFUSED : r;
}

static int dial_path(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	return connect_to((struct sockaddr *)&a, sizeof(a));
}

int pair_dial(const struct worker *w)
{
	return w->path[0] ? dial_path(w->path) : dial_port(w->port);
}
