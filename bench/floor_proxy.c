/* The least that a proxy costs: copies bytes between each client connection and one of its own to
 * a single server. Reads nothing of what passes, so it could not route.
 *
 *	bench-floor-proxy PORT SERVER_PORT */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macros.h"

enum { IO_SIZE = 64 << 10, CLIENT = 0, SERVER = 1 };

struct pair;

struct end {
	int fd;
	struct pair *pair;
	/* what this socket did not take yet; meanwhile the other one is not read */
	char *pending;
	size_t pending_len;
};

struct pair {
	struct end ends[2];
	struct pair *next; /* closed in this turn: later events may still name it */
};

static struct {
	int epoll, listener;
	struct sockaddr_in server;
	struct pair *closed;
	char io[IO_SIZE];
} proxy;

static void watch(struct end *e, int how, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = e };

	epoll_ctl(proxy.epoll, how, e->fd, &event);
}

static void end_init(struct pair *p, int which, int fd)
{
	int on = 1;

	p->ends[which] = (struct end){ .fd = fd, .pair = p };
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	watch(&p->ends[which], EPOLL_CTL_ADD, EPOLLIN);
}

static void accept_all(void)
{
	int fd;

	while ((fd = accept4(proxy.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct pair *p = calloc(1, sizeof(*p));
		int server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

		assert(p && server >= 0);
		(void)connect(server, (struct sockaddr *)&proxy.server, sizeof(proxy.server));
		end_init(p, CLIENT, fd);
		end_init(p, SERVER, server);
	}
}

static void pair_close(struct pair *p)
{
	for (int i = CLIENT; i <= SERVER; i++) {
		close(p->ends[i].fd);
		p->ends[i].fd = -1;
		free(p->ends[i].pending);
	}
	p->next = proxy.closed;
	proxy.closed = p;
}

static void free_closed(void)
{
	while (proxy.closed) {
		struct pair *p = proxy.closed;

		proxy.closed = p->next;
		free(p);
	}
}

static struct end *other(struct end *e)
{
	return &e->pair->ends[e == &e->pair->ends[CLIENT] ? SERVER : CLIENT];
}

static size_t send_some(const struct end *e, const char *bytes, size_t len)
{
	ssize_t n = send(e->fd, bytes, len, MSG_NOSIGNAL);

	return n > 0 ? (size_t)n : 0;
}

static void pass_on(struct end *from)
{
	struct end *to = other(from);
	ssize_t n = recv(from->fd, proxy.io, IO_SIZE, 0);
	size_t sent;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		pair_close(from->pair);
		return;
	}
	sent = send_some(to, proxy.io, (size_t)n);
	if (sent == (size_t)n)
		return;
	to->pending_len = (size_t)n - sent;
	to->pending = malloc(to->pending_len);
	assert(to->pending);
	memcpy(to->pending, proxy.io + sent, to->pending_len);
	watch(from, EPOLL_CTL_MOD, 0);
	watch(to, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

static void flush(struct end *e)
{
	size_t sent = send_some(e, e->pending, e->pending_len);

	e->pending_len -= sent;
	memmove(e->pending, e->pending + sent, e->pending_len);
	if (e->pending_len > 0)
		return;
	free(e->pending);
	e->pending = NULL;
	watch(e, EPOLL_CTL_MOD, EPOLLIN);
	watch(other(e), EPOLL_CTL_MOD, EPOLLIN);
}

static void on_event(struct end *e, uint32_t events)
{
	if (e->fd < 0)
		return;
	if (events & (EPOLLERR | EPOLLHUP) && !(events & EPOLLIN)) {
		pair_close(e->pair);
		return;
	}
	if (e->pending && events & EPOLLOUT)
		flush(e);
	if (events & EPOLLIN)
		pass_on(e);
}

static void proxy_init(uint16_t port, uint16_t server_port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event event = { .events = EPOLLIN };
	int on = 1;

	proxy.server = a;
	proxy.server.sin_port = htons(server_port);
	proxy.epoll = epoll_create1(EPOLL_CLOEXEC);
	proxy.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(proxy.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(proxy.listener, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(proxy.listener, SOMAXCONN) < 0)
		exit(1);
	epoll_ctl(proxy.epoll, EPOLL_CTL_ADD, proxy.listener, &event);
}

int main(int argc, char **argv)
{
	struct epoll_event events[64];

	if (argc != 3)
		return 2;
	proxy_init((uint16_t)atoi(argv[1]), (uint16_t)atoi(argv[2]));
	for (;;) {
		int n = epoll_wait(proxy.epoll, events, ARRAY_LEN(events), -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr)
				on_event(events[i].data.ptr, events[i].events);
			else
				accept_all();
		}
		free_closed();
	}
}
