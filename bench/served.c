#include "bench/served.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IN_MAX = 256 << 10, EVENTS_MAX = 64 };

struct conn {
	int fd;
	bool upgraded;
	size_t len;
	size_t body_left; /* of the request whose head is at the start of @in */
	char in[IN_MAX + 1];
};

static struct {
	int set;
	bool closes;
} served;

static void reply(struct conn *c, const char *body)
{
	char out[512];
	int n = snprintf(out, sizeof(out),
			 "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nWorker: %d\r\n%s"
			 "Content-Length: %zu\r\n\r\n%s",
			 (int)getpid(), served.closes ? "Connection: close\r\n" : "", strlen(body),
			 body);

	(void)send(c->fd, out, (size_t)n, MSG_NOSIGNAL);
	if (served.closes)
		(void)shutdown(c->fd, SHUT_WR);
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

static void consume(struct conn *c, size_t n)
{
	c->len -= n;
	memmove(c->in, c->in + n, c->len);
}

/* False: not all of a head is there. Its body may be under way. */
static bool take_head(struct conn *c)
{
	char *end, *length;

	c->in[c->len] = '\0';
	end = strstr(c->in, "\r\n\r\n");
	if (!end)
		return false;
	end[2] = '\0';
	length = strcasestr(c->in, "\r\nContent-Length:");
	c->body_left = length ? strtoul(length + strlen("\r\nContent-Length:"), NULL, 10) : 0;
	if (c->body_left == 0)
		answer(c, c->in);
	consume(c, (size_t)(end - c->in) + 4);
	return true;
}

/* The end of a POST: what has a body is answered alike, wherever it goes. */
static void take_body(struct conn *c)
{
	size_t n = c->len < c->body_left ? c->len : c->body_left;

	c->body_left -= n;
	consume(c, n);
	if (c->body_left == 0)
		reply(c, "ok");
}

/* What passed the descriptor may still have its own, which would keep it in the set. */
static void conn_close(struct conn *c)
{
	(void)epoll_ctl(served.set, EPOLL_CTL_DEL, c->fd, NULL);
	close(c->fd);
	free(c);
}

static void on_readable(struct conn *c)
{
	ssize_t n = recv(c->fd, c->in + c->len, IN_MAX - c->len, 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || c->upgraded) { /* the only frame that comes says close */
		conn_close(c);
		return;
	}
	c->len += (size_t)n;
	do {
		if (c->body_left > 0)
			take_body(c);
	} while (c->len > 0 && (c->body_left > 0 || take_head(c)));
}

int served_init(bool closes)
{
	served.closes = closes;
	served.set = epoll_create1(EPOLL_CLOEXEC);
	assert(served.set >= 0);
	return served.set;
}

void served_add(int fd)
{
	struct conn *c = malloc(sizeof(*c));
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
	int on = 1;

	assert(c);
	c->fd = fd;
	c->upgraded = false;
	c->len = c->body_left = 0;
	/* the set will have it: NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)epoll_ctl(served.set, EPOLL_CTL_ADD, fd, &e);
}

void served_run(void (*on_own)(void))
{
	struct epoll_event events[EVENTS_MAX];

	for (;;) {
		int n = epoll_wait(served.set, events, EVENTS_MAX, -1);

		for (int i = 0; i < n; i++)
			if (events[i].data.ptr)
				on_readable(events[i].data.ptr);
			else
				on_own();
	}
}
