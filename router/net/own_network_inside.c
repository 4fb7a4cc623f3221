/* A user namespace comes first, in which we may do all that follows. All addresses are local by
 * one route for each family, as for what a transparent proxy takes. */
#include "router/net/own_network_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "router/net/own_network.h"

#include "base/ban.h"

enum { LISTEN_BACKLOG = 128, LOOPBACK_INDEX = 1, ORDERS_FD = 3 };

static const char loopback[] = "lo";

/* Routes */

static int raise_loopback(void)
{
	struct ifreq ifr = { .ifr_flags = IFF_UP };
	auto_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(ifr.ifr_name, loopback, sizeof(loopback));
	return fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr) < 0 ? -errno : 0;
}

/* A route of all addresses to the loopback device, as its own. */
struct route_request {
	struct nlmsghdr header;
	struct rtmsg route;
	struct rtattr device;
	uint32_t index;
};

/* What the kernel answers to one request. */
static int answer_of(int netlink)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char more[256];
	} answer = { 0 };
	ssize_t n = recv(netlink, &answer, sizeof(answer), 0);

	if (n < 0)
		return -errno;
	return answer.header.nlmsg_type == NLMSG_ERROR ? answer.error.error : -EPROTO;
}

static int take_all_addresses(unsigned char family)
{
	struct route_request rq = {
		.header = { .nlmsg_len = sizeof(rq),
			    .nlmsg_type = RTM_NEWROUTE,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE },
		.route = { .rtm_family = family,
			   .rtm_table = RT_TABLE_LOCAL,
			   .rtm_protocol = RTPROT_BOOT,
			   .rtm_scope = family == AF_INET ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE,
			   .rtm_type = RTN_LOCAL },
		.device = { .rta_len = RTA_LENGTH(sizeof(uint32_t)), .rta_type = RTA_OIF },
		.index = LOOPBACK_INDEX,
	};
	auto_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0 || send(fd, &rq, sizeof(rq), 0) < 0)
		return -errno;
	return answer_of(fd);
}

/* Sockets */

static int set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* Bound to the device, which tells a worker's sockets of this network from those of its clients. */
static int make(sa_family_t family)
{
	auto_fd int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int e = fd < 0 ? -errno : set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);

	if (e == 0 && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, loopback, sizeof(loopback)) < 0)
		e = -errno;
	if (e == 0 && family == AF_INET6)
		e = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	return e < 0 ? e : fd_take(&fd);
}

/* One that will have a client's address. Its port is often in TIME_WAIT still, of the connection
 * before; within the device the kernel takes such a one again after a second. */
static int make_near(sa_family_t family)
{
	auto_fd int fd = make(family);
	int e = fd < 0 ? fd : set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);

	if (e == 0 && family == AF_INET6)
		e = set_option(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1);
	if (e == 0)
		e = set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	return e < 0 ? e : fd_take(&fd);
}

static int make_listener(sa_family_t family, uint16_t port)
{
	struct sockaddr_in6 any = { .sin6_family = family, .sin6_port = htons(port) };
	auto_fd int fd = make(family);

	if (fd < 0)
		return fd;
	if (bind(fd, (struct sockaddr *)&any,
		 family == AF_INET6 ? sizeof(any) : sizeof(struct sockaddr_in)) < 0 ||
	    listen(fd, LISTEN_BACKLOG) < 0)
		return -errno;
	return fd_take(&fd);
}

/* Orders */

static int answer(int orders, const struct own_network_order *o, const int *fds, unsigned n)
{
	union {
		char bytes[CMSG_SPACE(OWN_NETWORK_STOCK * sizeof(int))];
		struct cmsghdr aligned;
	} control = { { 0 } };
	struct iovec iov = { .iov_base = (void *)o, .iov_len = sizeof(*o) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (n) {
		m.msg_control = control.bytes;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	}
	return sendmsg(orders, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void carry_out(int orders, struct own_network_order *o)
{
	unsigned wanted = o->port ? 1 : OWN_NETWORK_STOCK / 2, n = 0;
	int fds[OWN_NETWORK_STOCK];

	o->err = 0;
	while (n < wanted && o->err == 0) {
		int fd = o->port ? make_listener(o->family, o->port) : make_near(o->family);

		if (fd < 0)
			o->err = fd;
		else
			fds[n++] = fd;
	}
	if (answer(orders, o, fds, n) < 0)
		_exit(1);
	while (n)
		fd_close(&fds[--n]);
}

/* Life */

/* As ps and top show it; the command line has the room of the router's. */
static void take_name(const char *name)
{
	(void)prctl(PR_SET_NAME, name);
	if (strlen(program_invocation_name) >= strlen(name))
		memcpy(program_invocation_name, name, strlen(name) + 1);
}

/* Nothing of the router's stays here. */
static int keep_only(int fd)
{
	if (fd != ORDERS_FD && dup3(fd, ORDERS_FD, O_CLOEXEC) < 0)
		return -errno;
	return close_range(ORDERS_FD + 1, UINT32_MAX, 0) < 0 ? -errno : 0;
}

/* Without IPv6 in the kernel IPv4 is all there is. */
static int set_up(struct own_network_order *o)
{
	int e = unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0 ? -errno : raise_loopback();

	if (e == 0)
		e = take_all_addresses(AF_INET);
	if (e < 0)
		return e;
	e = take_all_addresses(AF_INET6);
	o->family = e == 0 ? AF_INET6 : AF_INET;
	return e == -EOPNOTSUPP || e == -EAFNOSUPPORT ? 0 : e;
}

void own_network_inside(int orders, void (*confine)(void))
{
	struct own_network_order o = { 0 };

	take_name("sioinit: native");
	o.err = keep_only(orders);
	if (o.err == 0)
		o.err = set_up(&o);
	if (o.err == 0)
		confine();
	if (answer(ORDERS_FD, &o, NULL, 0) < 0 || o.err < 0)
		_exit(1);
	while (recv(ORDERS_FD, &o, sizeof(o), 0) == sizeof(o))
		carry_out(ORDERS_FD, &o);
	_exit(0);
}
