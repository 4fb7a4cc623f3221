/* The cheapest server that the load generator takes for Socket.IO: so that what is in front of it
 *is the bottleneck. Every poll finds a packet, nothing is remembered.
 *
 *	bench-upstream PORT */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macros.h"

enum { IN_MAX = 16 << 10, EVENTS_MAX = 64, BACKLOG = 4096 };

struct conn {
	int fd;
	bool upgraded;
	size_t len;
	char in[IN_MAX + 1];
};

static int set;

static void reply(struct conn *c, const char *body)
{
	char out[512];
	int n = snprintf(out, sizeof(out),
			 "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nWorker: %d\r\n"
			 "Content-Length: %zu\r\n\r\n%s",
			 (int)getpid(), strlen(body), body);

	(void)send(c->fd, out, (size_t)n, MSG_NOSIGNAL);
}

static void open_session(char *body, size_t size)
{
	static unsigned long long last;

	(void)snprintf(body, size,
		       "0{\"sid\":\"%06u%014llu\",\"upgrades\":[],\"pingInterval\":25000,"
		       "\"pingTimeout\":20000}",
		       (unsigned)getpid() % 1000000, ++last);
}

/* The load generator's key is the same each time. */
static void reply_upgrade(struct conn *c)
{
	char out[512], body[120];
	int n;

	open_session(body, sizeof(body));
	n = snprintf(out, sizeof(out),
		     "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
		     "Connection: Upgrade\r\n"
		     "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81%c%s",
		     (char)strlen(body), body);
	c->upgraded = true;
	(void)send(c->fd, out, (size_t)n, MSG_NOSIGNAL);
}

static void answer(struct conn *c, const char *head)
{
	char body[120];

	if (strcasestr(head, "\r\nUpgrade:")) {
		reply_upgrade(c);
	} else if (head[0] == 'P' || !strstr(head, "transport=polling")) {
		reply(c, "ok");
	} else if (strstr(head, "&sid=")) {
		reply(c, "42[\"tick\",1]");
	} else {
		open_session(body, sizeof(body));
		reply(c, body);
	}
}

/* One whole request, or false. */
static bool take_request(struct conn *c)
{
	char *end, *length;
	size_t size;

	c->in[c->len] = '\0';
	end = strstr(c->in, "\r\n\r\n");
	if (!end)
		return false;
	end[2] = '\0';
	length = strcasestr(c->in, "\r\nContent-Length:");
	size = (size_t)(end - c->in) + 4 +
	       (length ? strtoul(length + strlen("\r\nContent-Length:"), NULL, 10) : 0);
	if (size > c->len) {
		end[2] = '\r';
		return false;
	}
	answer(c, c->in);
	c->len -= size;
	memmove(c->in, c->in + size, c->len);
	return true;
}

static void on_readable(struct conn *c)
{
	ssize_t n = recv(c->fd, c->in + c->len, IN_MAX - c->len, 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || c->upgraded) { /* the only frame that comes says close */
		close(c->fd);
		free(c);
		return;
	}
	c->len += (size_t)n;
	while (take_request(c))
		continue;
}

static void watch(int fd, void *what)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = what };

	(void)epoll_ctl(set, EPOLL_CTL_ADD, fd, &e);
}

static void accept_all(int listener)
{
	int fd, on = 1;

	/* the set has them: NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct conn *c = calloc(1, sizeof(*c));

		assert(c);
		c->fd = fd;
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		watch(fd, c);
	}
}

static int listen_at(int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons((unsigned short)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, BACKLOG) < 0) {
		perror("bench-upstream");
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	struct epoll_event events[EVENTS_MAX];
	int listener;

	if (argc != 2)
		return 2;
	set = epoll_create1(EPOLL_CLOEXEC);
	listener = listen_at(atoi(argv[1]));
	watch(listener, NULL);
	for (;;) {
		int n = epoll_wait(set, events, EVENTS_MAX, -1);

		for (int i = 0; i < n; i++)
			if (events[i].data.ptr)
				on_readable(events[i].data.ptr);
			else
				accept_all(listener);
	}
}
