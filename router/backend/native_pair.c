/* Native pairs. See native_pair.h.
 *
 * The client's port is taken where the four numbers of that connection are free: they are not while
 * another worker's connection for the same client is kept, and within a second after one. */
#include "router/backend/native_pair.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/log.h"
#include "router/backend/context.h"
#include "router/backend/ends.h"

#include "base/ban.h"

enum { ACCEPT_TRIES = 4, ACCEPT_WAIT_MS = 250 };

struct address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t len;
};

static struct address address_of(sa_family_t family, const struct ip *ip, uint16_t port)
{
	struct address a = { .len = sizeof(a.v6) };

	if (family == AF_INET) {
		a.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
		memcpy(&a.v4.sin_addr, ip->byte + 12, 4);
		a.len = sizeof(a.v4);
	} else {
		a.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
		memcpy(&a.v6.sin6_addr, ip, sizeof(*ip));
	}
	return a;
}

/* From @port of the client's address, 0: any. */
static int connect_from(struct own_network *n, const struct ends *ends, uint16_t port)
{
	struct address from = address_of(n->family, &ends->client, port);
	struct address to = address_of(n->family, &ends->public, ends->public_port);
	auto_fd int fd = own_network_socket(n);

	if (fd < 0)
		return fd;
	if (bind(fd, &from.any, from.len) < 0 ||
	    (connect(fd, &to.any, to.len) < 0 && errno != EINPROGRESS))
		return -errno;
	return fd_take(&fd);
}

static int connect_near(struct own_network *n, const struct ends *ends)
{
	int fd = ends->client_port ? connect_from(n, ends, ends->client_port) : -EADDRINUSE;

	if (fd == -EADDRINUSE || fd == -EADDRNOTAVAIL || fd == -EACCES)
		fd = connect_from(n, ends, 0);
	return fd;
}

/* It comes in the moment of the connect(). */
static bool wait_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ACCEPT_WAIT_MS) > 0;
}

static bool is_same(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	struct ip left, right;

	return ip_of_sockaddr(a, &left) && ip_of_sockaddr(b, &right) &&
	       memcmp(&left, &right, sizeof(left)) == 0 &&
	       ip_port_of_sockaddr(a) == ip_port_of_sockaddr(b);
}

/* One that an earlier try has left there is not ours. */
static int accept_far(int listener, int near)
{
	struct sockaddr_storage self = { 0 };
	socklen_t self_len = sizeof(self);

	if (getsockname(near, (struct sockaddr *)&self, &self_len) < 0)
		return -errno;
	for (int i = 0; i < ACCEPT_TRIES; i++) {
		struct sockaddr_storage peer = { 0 };
		socklen_t len = sizeof(peer);
		auto_fd int fd =
		    accept4(listener, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && errno == EAGAIN && wait_readable(listener))
			continue;
		if (fd < 0)
			return -errno;
		if (is_same(&peer, &self))
			return fd_take(&fd);
	}
	return -ECONNABORTED;
}

static int make(struct own_network *n, const struct ends *ends, int *ret_near, int *ret_far)
{
	int listener = own_network_listener(n, ends->family, ends->public_port);
	auto_fd int near = listener < 0 ? listener : connect_near(n, ends);
	int far = near < 0 ? near : accept_far(listener, near);

	if (far < 0)
		return far;
	*ret_near = fd_take(&near);
	*ret_far = far;
	return 0;
}

static void say_once(struct backend *b, const struct ends *ends, int e)
{
	char client[IP_TEXT_MAX];

	if (b->said_not_native)
		return;
	b->said_not_native = true;
	ip_print(&ends->client, client);
	log_warn(SIO_203,
		 "router: the app cannot be shown the address %s on what it is asked by polling or "
		 "plain requests (%s): it sees 127.0.0.1, and X-Forwarded-For (not said again)",
		 client, strerror(-e));
}

int native_pair(struct backend *b, const struct ends *ends, int *ret_near, int *ret_far)
{
	int e = make(&b->own_network, ends, ret_near, ret_far);

	/* one that does not answer as it should would cost each request its time */
	if (e == -EAGAIN)
		own_network_close(&b->own_network);
	if (e < 0)
		say_once(b, ends, e);
	return e;
}

/* Between addresses that are nobody's (RFC 5737), at a port that is no app's. */
static int try_one(struct own_network *n)
{
	static const uint8_t client[] = { 192, 0, 2, 1 }, public[] = { 192, 0, 2, 2 };
	const struct ends ends = { .family = AF_INET,
				   .client = ip_of_v4(client),
				   .public = ip_of_v4(public),
				   .client_port = 1024,
				   .public_port = 9 };
	auto_fd int near = -1, far = -1;

	return make(n, &ends, &near, &far);
}

int native_pair_open(struct backend *b, void (*confine)(void))
{
	int e = own_network_open(&b->own_network, confine);

	if (e == 0)
		e = try_one(&b->own_network);
	if (e < 0)
		own_network_close(&b->own_network);
	return e;
}
