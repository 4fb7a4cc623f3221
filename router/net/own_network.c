/* Half of the stock is ordered when that much is gone, and taken when it is needed: nobody waits
 * but who finds the stock empty. */
#include "router/net/own_network.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "router/net/own_network_inside.h"

#include "base/ban.h"

/* Answers */

static unsigned take_fds(struct msghdr *m, int fds[static OWN_NETWORK_STOCK])
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	size_t bytes;

	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return 0;
	bytes = c->cmsg_len - CMSG_LEN(0);
	memcpy(fds, CMSG_DATA(c), bytes);
	return (unsigned)(bytes / sizeof(int));
}

/* The answer that is there; its number of sockets or -errno, -EAGAIN: none. */
static int receive(const struct own_network *n, struct own_network_order *ret,
		   int fds[static OWN_NETWORK_STOCK])
{
	union {
		char bytes[CMSG_SPACE(OWN_NETWORK_STOCK * sizeof(int))];
		struct cmsghdr aligned;
	} control;
	struct iovec iov = { .iov_base = ret, .iov_len = sizeof(*ret) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.bytes,
			    .msg_controllen = sizeof(control) };
	ssize_t k = recvmsg(n->maker, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (k < 0)
		return -errno;
	return k == sizeof(*ret) ? (int)take_fds(&m, fds) : -EPIPE;
}

static bool wait_for_answer(const struct own_network *n)
{
	struct pollfd p = { .fd = n->maker, .events = POLLIN };

	return poll(&p, 1, OWN_NETWORK_WAIT_MS) > 0;
}

static void keep(struct own_network *n, const struct own_network_order *o, int fd)
{
	if (!o->port && n->n_stock < OWN_NETWORK_STOCK)
		n->stock[n->n_stock++] = fd;
	else if (o->port && n->n_listeners < OWN_NETWORK_LISTENERS)
		n->listeners[n->n_listeners++] =
		    (struct own_listener){ .family = o->family, .port = o->port, .fd = fd };
	else
		fd_close(&fd);
}

/* Puts away what came, and of a listener that there is none. 0 or -errno: of the channel alone. */
static int take_answer(struct own_network *n, struct own_network_order *ret)
{
	int fds[OWN_NETWORK_STOCK];
	int k = receive(n, ret, fds);

	if (k < 0)
		return k;
	if (!ret->port)
		n->asked = false;
	while (k-- > 0)
		keep(n, ret, fds[k]);
	if (ret->port && ret->err < 0)
		keep(n, ret, ret->err);
	return 0;
}

/* The same of the next one, however long it takes within reason. */
static int await_answer(struct own_network *n, struct own_network_order *ret)
{
	return wait_for_answer(n) ? take_answer(n, ret) : -ETIMEDOUT;
}

/* Orders */

static int order(const struct own_network *n, sa_family_t family, uint16_t port)
{
	const struct own_network_order o = { .family = family, .port = port };

	return send(n->maker, &o, sizeof(o), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int lose(struct own_network *n, int e)
{
	log_warn(SIO_219,
		 "router: no sockets any more for connections that show the app its client's "
		 "address (%s): it sees 127.0.0.1, and X-Forwarded-For",
		 strerror(-e));
	own_network_close(n);
	return e;
}

static int order_stock(struct own_network *n)
{
	int e = n->asked ? 0 : order(n, n->family, 0);

	n->asked = true;
	return e;
}

/* What was ordered is taken when it is there. */
static int look_after_stock(struct own_network *n, struct own_network_order *ret)
{
	int e = 0;

	if (n->n_stock <= OWN_NETWORK_STOCK / 2)
		e = n->asked ? take_answer(n, ret) : order_stock(n);
	return e == -EAGAIN ? 0 : e;
}

/* 0 when there is a socket in the stock. */
static int restock(struct own_network *n)
{
	struct own_network_order o = { 0 };
	int e = look_after_stock(n, &o);

	if (e == 0 && n->n_stock == 0)
		e = order_stock(n);
	if (e == 0 && n->n_stock == 0)
		e = await_answer(n, &o);
	if (e < 0)
		return lose(n, e);
	if (n->n_stock)
		return 0;
	return o.err < 0 ? o.err : -EMFILE;
}

int own_network_socket(struct own_network *n)
{
	int e = n->maker < 0 ? -ENETDOWN : restock(n);

	return e < 0 ? e : n->stock[--n->n_stock];
}

static const struct own_listener *find_listener(const struct own_network *n, sa_family_t family,
						uint16_t port)
{
	for (unsigned i = 0; i < n->n_listeners; i++)
		if (n->listeners[i].family == family && n->listeners[i].port == port)
			return &n->listeners[i];
	return NULL;
}

static int order_listener(struct own_network *n, sa_family_t family, uint16_t port)
{
	struct own_network_order o = { 0 };
	int e = n->n_listeners == OWN_NETWORK_LISTENERS ? -ENOSPC : 0;

	if (e < 0)
		return e;
	e = order(n, family, port);
	while (e == 0 && !o.port)
		e = await_answer(n, &o);
	return e < 0 ? lose(n, e) : 0;
}

int own_network_listener(struct own_network *n, sa_family_t family, uint16_t port)
{
	const struct own_listener *l = find_listener(n, family, port);
	int e = n->maker < 0 ? -ENETDOWN : 0;

	if (e == 0 && !l) {
		e = order_listener(n, family, port);
		l = find_listener(n, family, port);
	}
	if (e < 0)
		return e;
	return l ? l->fd : -EMFILE;
}

/* Life */

static int begin(struct own_network *n, void (*confine)(void))
{
	struct own_network_order o = { 0 };
	int sv[2], e;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		own_network_inside(sv[1], confine);
	e = pid < 0 ? -errno : 0;
	fd_close(&sv[1]);
	n->maker = sv[0];
	if (e == 0)
		e = await_answer(n, &o);
	n->family = (sa_family_t)o.family;
	return e < 0 ? e : o.err;
}

int own_network_open(struct own_network *n, void (*confine)(void))
{
	int e;

	*n = (struct own_network){ .maker = -1 };
	(void)signal(SIGCHLD, SIG_IGN); /* nobody waits for it */
	e = begin(n, confine);
	if (e < 0)
		own_network_close(n);
	return e;
}

/* Its end of the orders ends the process inside. */
void own_network_close(struct own_network *n)
{
	fd_close(&n->maker);
	while (n->n_stock)
		fd_close(&n->stock[--n->n_stock]);
	while (n->n_listeners)
		fd_close(&n->listeners[--n->n_listeners].fd);
}
