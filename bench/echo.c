/* The app at the far end of tunnels, cheap enough that the router is what is measured: answers any
 * request with its pid and ends the connection; an upgrade with 101, and then every byte with
 * itself. One process, on PORT. */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macros.h"

enum { IO_SIZE = 256 << 10 };

struct conn {
	int fd;
	bool upgraded;
	/* what the socket did not take yet; meanwhile it is not read */
	char *pending;
	size_t pending_len;
};

static struct {
	int epoll, listener;
	char io[IO_SIZE + 1];
} server;

static void watch(struct conn *c, int how, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = c };

	epoll_ctl(server.epoll, how, c->fd, &event);
}

static void accept_all(void)
{
	int fd, on = 1;

	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): epoll has it */
	while ((fd = accept4(server.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct conn *c = calloc(1, sizeof(*c));

		assert(c);
		c->fd = fd;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		watch(c, EPOLL_CTL_ADD, EPOLLIN);
	}
}

static void conn_close(struct conn *c)
{
	close(c->fd);
	free(c->pending);
	free(c);
}

/* Requests come in one piece, and one at a time. The key is the one of RFC 6455 that the load
 * sends; HAProxy wants its answer. */
static bool answer(struct conn *c)
{
	static const char upgraded[] = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
				       "Upgrade: websocket\r\n"
				       "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
	char plain[128];

	c->upgraded = strcasestr(server.io, "\r\nUpgrade: websocket") != NULL;
	snprintf(
	    plain, sizeof(plain),
	    "HTTP/1.1 200 OK\r\nWorker: %d\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
	    (int)getpid());
	send(c->fd, c->upgraded ? upgraded : plain, strlen(c->upgraded ? upgraded : plain),
	     MSG_NOSIGNAL);
	return c->upgraded;
}

static void echo(struct conn *c, size_t n)
{
	ssize_t sent = send(c->fd, server.io, n, MSG_NOSIGNAL);

	if (sent < 0)
		sent = 0;
	if ((size_t)sent == n)
		return;
	c->pending_len = n - (size_t)sent;
	c->pending = malloc(c->pending_len);
	assert(c->pending);
	memcpy(c->pending, server.io + sent, c->pending_len);
	watch(c, EPOLL_CTL_MOD, EPOLLOUT);
}

/* False: the connection is over. */
static bool take(struct conn *c)
{
	ssize_t n = recv(c->fd, server.io, IO_SIZE, 0);

	if (n < 0 && errno == EAGAIN)
		return true;
	if (n <= 0)
		return false;
	server.io[n] = '\0';
	if (!c->upgraded)
		return answer(c);
	echo(c, (size_t)n);
	return true;
}

/* False: the connection is over. */
static bool flush(struct conn *c)
{
	ssize_t n = send(c->fd, c->pending, c->pending_len, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN;
	c->pending_len -= (size_t)n;
	memmove(c->pending, c->pending + n, c->pending_len);
	if (c->pending_len > 0)
		return true;
	free(c->pending);
	c->pending = NULL;
	watch(c, EPOLL_CTL_MOD, EPOLLIN);
	return true;
}

static void on_event(struct conn *c, uint32_t events)
{
	if ((events & EPOLLERR) || !(events & EPOLLOUT ? flush(c) : take(c)))
		conn_close(c);
}

static void turn(void)
{
	struct epoll_event events[64];
	int n = epoll_wait(server.epoll, events, ARRAY_LEN(events), -1);

	for (int i = 0; i < n; i++)
		if (events[i].data.ptr)
			on_event(events[i].data.ptr, events[i].events);
		else
			accept_all();
}

static void listen_on(const char *port)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_port = htons((uint16_t)atoi(port)),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1;

	server.epoll = epoll_create1(EPOLL_CLOEXEC);
	server.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert(server.epoll >= 0 && server.listener >= 0);
	setsockopt(server.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(server.listener, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(server.listener, 4096) < 0) {
		perror("bench-echo");
		exit(1);
	}
	epoll_ctl(server.epoll, EPOLL_CTL_ADD, server.listener, &event);
}

int main(void)
{
	const char *port = getenv("PORT");

	if (!port) {
		fprintf(stderr, "bench-echo: PORT is not set\n");
		return 2;
	}
	listen_on(port);
	for (;;)
		turn();
}
