/* Load for one HTTP and Socket.IO server on loopback: COUNT connections that repeat one operation,
 * each as soon as its last one is complete.
 *
 *	bench-load PORT OPERATION COUNT MILLISECONDS|OPERATIONSx [BODY_BYTES | PAYLOAD]
 *
 * Opens the sessions that the operation needs, prints "ready", waits for a line on stdin, works for
 * the time given or until so many operations ("2000x") are complete, lets what is in flight finish,
 * prints {"operations":…,"failed":…}. The caller can so measure exactly what happens between its
 * line and ours.
 *
 * Each connection has a source address of its own out of 127.0.0.2-17, for peers that route by
 * address. A connection that fails, or does not get on for STALL_MS, is opened again. */
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
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/macros.h"

enum {
	IN_MAX = 64 << 10,
	SID_LEN = 20,
	SOURCES = 16,
	STALL_MS = 3000,
	TICK_MS = 100,
	OPENING = 8,
	SETUP_MS = 20000,
	COUNTED_MS = 120000
};

enum step {
	/* a polling session */
	STEP_OPEN,   /* GET without a sid */
	STEP_JOIN,   /* POST 40 */
	STEP_JOINED, /* GET: 40{...} */
	STEP_FILL,   /* POST: the server shall always have something to poll */
	/* a WebSocket */
	STEP_UPGRADE,    /* 101 and 0{...} */
	STEP_JOIN_FRAME, /* 40, and back */
	/* the operation itself */
	STEP_REPEAT,
	STEP_CLOSE, /* a close frame is out */
};

enum action {
	GET_PLAIN,
	GET_ALONE, /* each on a connection of its own */
	GET_OPEN,
	GET_POLL,
	POST_MESSAGE,
	CONNECT,
	ECHO,
	BROADCAST,
	BYTES,
	IDLE,
	IDLE_BYTES,
};

static const struct operation {
	const char *name;
	enum action action;
	enum step first;
} operations[] = {
	{ "get", GET_PLAIN, STEP_REPEAT },       { "handshake", GET_OPEN, STEP_REPEAT },
	{ "poll", GET_POLL, STEP_OPEN },         { "post", POST_MESSAGE, STEP_OPEN },
	{ "connect", CONNECT, STEP_REPEAT },     { "echo", ECHO, STEP_UPGRADE },
	{ "relay", BROADCAST, STEP_UPGRADE },    { "idle", IDLE, STEP_UPGRADE },
	{ "tunnel", BYTES, STEP_UPGRADE },       { "idle-tunnel", IDLE_BYTES, STEP_UPGRADE },
	{ "get-alone", GET_ALONE, STEP_REPEAT },
};

struct conn {
	int fd; /* -1: to be opened by the next request */
	struct sockaddr_in source;
	enum step step;
	bool busy; /* a request is out */
	bool upgraded;
	uint64_t since_ms;
	char sid[SID_LEN + 1];
	char head[512];
	struct iovec out[2];    /* what is left of head and body */
	size_t in_len, awaited; /* awaited: raw bytes that are still to come back */
	char in[IN_MAX + 1];
};

static struct {
	int epoll;
	struct sockaddr_in server;
	const struct operation *operation;
	struct conn **conns;
	unsigned n_conns;
	bool started, stopped;
	uint64_t now_ms, completed, failed;
	uint64_t allowed; /* operations that may still begin; broadcasts are not counted here */
	/* broadcasts: one is complete when each connection has it */
	uint64_t emitted, delivered;
	struct iovec body, frame;
} load;

#define POLLING "/socket.io/?EIO=4&transport=polling"
#define WEBSOCKET "/socket.io/?EIO=4&transport=websocket"

static void conn_next(struct conn *c);

static uint64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* sending */

static void conn_watch(struct conn *c, int how, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = c };

	epoll_ctl(load.epoll, how, c->fd, &e);
}

static void conn_open(struct conn *c)
{
	int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert(c->fd >= 0);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (bind(c->fd, (struct sockaddr *)&c->source, sizeof(c->source)) < 0 ||
	    (connect(c->fd, (struct sockaddr *)&load.server, sizeof(load.server)) < 0 &&
	     errno != EINPROGRESS)) {
		perror("bench-load: connect");
		exit(1);
	}
	c->upgraded = false;
	conn_watch(c, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
}

static void conn_close(struct conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->in_len = 0;
}

static void conn_flush(struct conn *c)
{
	struct msghdr m = { .msg_iov = c->out, .msg_iovlen = ARRAY_LEN(c->out) };
	ssize_t n = sendmsg(c->fd, &m, MSG_NOSIGNAL);

	for (size_t i = 0; n > 0 && i < ARRAY_LEN(c->out); i++) {
		size_t taken = (size_t)n < c->out[i].iov_len ? (size_t)n : c->out[i].iov_len;

		c->out[i].iov_base = (char *)c->out[i].iov_base + taken;
		c->out[i].iov_len -= taken;
		n -= (ssize_t)taken;
	}
}

static bool conn_has_out(const struct conn *c)
{
	return c->out[0].iov_len + c->out[1].iov_len > 0;
}

static void conn_send(struct conn *c, int head_len, struct iovec body)
{
	bool fresh = c->fd < 0;

	assert(head_len >= 0 && (size_t)head_len < sizeof(c->head));
	if (fresh)
		conn_open(c);
	c->out[0] = (struct iovec){ c->head, (size_t)head_len };
	c->out[1] = body;
	c->busy = true;
	c->since_ms = load.now_ms;
	if (fresh)
		return; /* goes out when it is connected */
	conn_flush(c);
	if (conn_has_out(c))
		conn_watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

static void send_get(struct conn *c, const char *path, const char *sid)
{
	int n = snprintf(c->head, sizeof(c->head),
			 "GET %s%s HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n", path, sid);

	conn_send(c, n, (struct iovec){ 0 });
}

static void send_post(struct conn *c, struct iovec body)
{
	int n = snprintf(c->head, sizeof(c->head),
			 "POST " POLLING "&sid=%s HTTP/1.1\r\n"
			 "Host: localhost\r\nContent-Type: text/plain;charset=UTF-8\r\n"
			 "Content-Length: %zu\r\n\r\n",
			 c->sid, body.iov_len);

	conn_send(c, n, body);
}

static void send_text(struct conn *c, char *text)
{
	send_post(c, (struct iovec){ text, strlen(text) });
}

static void send_upgrade(struct conn *c)
{
	int n =
	    snprintf(c->head, sizeof(c->head),
		     "GET " WEBSOCKET " HTTP/1.1\r\nHost: localhost\r\n"
		     "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
		     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");

	conn_send(c, n, (struct iovec){ 0 });
}

/* A short frame, masked with zeros. */
static void send_frame(struct conn *c, uint8_t opcode, struct iovec payload)
{
	uint8_t head[6] = { 0x80 | opcode, (uint8_t)(0x80 | payload.iov_len) };

	assert(payload.iov_len < 126);
	memcpy(c->head, head, sizeof(head));
	conn_send(c, sizeof(head), payload);
}

/* the operation */

/* As many under way as there are connections, each sent by the next one. */
static void broadcast(void)
{
	uint64_t n = load.n_conns;

	assert(n > 0);
	while (!load.stopped && load.emitted * n < load.delivered + n * n) {
		struct conn *c = load.conns[load.emitted % n];

		if (conn_has_out(c))
			return;
		send_frame(c, 1, load.frame);
		c->busy = false; /* the answer is everybody's */
		load.emitted++;
	}
}

static void conn_repeat(struct conn *c)
{
	if (!load.started || load.stopped || load.allowed == 0)
		return;
	load.allowed--;
	switch (load.operation->action) {
	case GET_PLAIN:
	case GET_ALONE:
		send_get(c, "/plain", "");
		break;
	case GET_OPEN:
		send_get(c, POLLING, "");
		break;
	case GET_POLL:
		send_get(c, POLLING "&sid=", c->sid);
		break;
	case POST_MESSAGE:
		send_post(c, load.body);
		break;
	case CONNECT:
		send_upgrade(c);
		break;
	case ECHO:
		send_frame(c, 1, load.frame);
		break;
	case BROADCAST:
		broadcast();
		break;
	case BYTES:
		c->awaited = load.body.iov_len;
		conn_send(c, 0, load.body);
		break;
	case IDLE:
	case IDLE_BYTES:
		break;
	}
}

/* Sends what c->step asks for. */
static void conn_next(struct conn *c)
{
	switch (c->step) {
	case STEP_OPEN:
		send_get(c, POLLING, "");
		break;
	case STEP_JOIN:
		send_text(c, "40");
		break;
	case STEP_JOINED:
		send_get(c, POLLING "&sid=", c->sid);
		break;
	case STEP_FILL:
		send_text(c, "42[\"fill\"]");
		break;
	case STEP_UPGRADE:
		send_upgrade(c);
		break;
	case STEP_JOIN_FRAME:
		send_frame(c, 1, (struct iovec){ "40", 2 });
		break;
	case STEP_REPEAT:
		conn_repeat(c);
		break;
	case STEP_CLOSE:
		send_frame(c, 8, (struct iovec){ "\x03\xe8", 2 });
		break;
	}
}

/* Nothing comes after 101 but what we send. */
static bool is_raw(void)
{
	return load.operation->action == BYTES || load.operation->action == IDLE_BYTES;
}

static enum step step_after(enum step step)
{
	switch (step) {
	case STEP_OPEN:
		return STEP_JOIN;
	case STEP_JOIN:
		return STEP_JOINED;
	case STEP_JOINED:
		return load.operation->action == GET_POLL ? STEP_FILL : STEP_REPEAT;
	case STEP_UPGRADE:
		return is_raw() ? STEP_REPEAT : STEP_JOIN_FRAME;
	default:
		return STEP_REPEAT;
	}
}

/* The request that is out has its answer. */
static void conn_done(struct conn *c)
{
	c->busy = false;
	if (c->step == STEP_REPEAT || c->step == STEP_CLOSE)
		load.completed++;
	c->step = step_after(c->step);
	conn_next(c);
}

static void conn_fail(struct conn *c)
{
	if (load.started && c->step >= STEP_REPEAT)
		load.failed++;
	conn_close(c);
	c->busy = false;
	c->step = load.operation->first;
	if (!load.stopped)
		conn_next(c);
}

/* receiving: take_…() return true when there may be more to take */

static void conn_consume(struct conn *c, size_t n)
{
	c->in_len -= n;
	memmove(c->in, c->in + n, c->in_len);
}

static bool learn_sid(struct conn *c, const char *body)
{
	static const char prefix[] = "0{\"sid\":\"";

	if (strncmp(body, prefix, strlen(prefix)) != 0)
		return false;
	memcpy(c->sid, body + strlen(prefix), SID_LEN);
	return true;
}

static void on_response(struct conn *c, const char *head, const char *body, size_t size)
{
	bool ok = c->busy && strncmp(head + strlen("HTTP/1.1 "), "200", 3) == 0;

	if (c->step == STEP_OPEN)
		ok = ok && learn_sid(c, body);
	if (!ok) {
		conn_fail(c);
		return;
	}
	conn_consume(c, size);
	if (load.operation->action == GET_ALONE || strcasestr(head, "\r\nConnection: close"))
		conn_close(c);
	conn_done(c);
}

static bool take_response(struct conn *c)
{
	char *end, *length, head[2048];
	size_t head_len, size;

	c->in[c->in_len] = '\0';
	end = strstr(c->in, "\r\n\r\n");
	if (!end)
		return false;
	head_len = (size_t)(end - c->in) + 4;
	if (head_len >= sizeof(head)) {
		conn_fail(c);
		return false;
	}
	memcpy(head, c->in, head_len);
	head[head_len] = '\0';
	c->upgraded = strncmp(head, "HTTP/1.1 101", 12) == 0;
	length = strcasestr(head, "\r\nContent-Length:");
	size = head_len + (length ? strtoul(length + strlen("\r\nContent-Length:"), NULL, 10) : 0);
	if (c->in_len < size)
		return false;
	if (!c->upgraded) {
		on_response(c, head, c->in + head_len, size);
		return true;
	}
	conn_consume(c, size);
	if (c->upgraded && is_raw())
		conn_done(c);
	return true;
}

static bool is_answer(struct conn *c, uint8_t opcode, const char *text)
{
	switch (c->step) {
	case STEP_UPGRADE:
		return text[0] == '0';
	case STEP_JOIN_FRAME:
		return strncmp(text, "40", 2) == 0;
	default:
		return opcode == 2 || strncmp(text, "42", 2) == 0;
	}
}

/* @text is not terminated, but followed by at least one byte. */
static void on_frame(struct conn *c, uint8_t opcode, const char *text)
{
	if (load.operation->action == CONNECT) {
		if (c->step == STEP_REPEAT && text[0] == '0') {
			c->step = STEP_CLOSE;
			conn_next(c);
		}
	} else if (is_answer(c, opcode, text)) {
		if (load.operation->action != BROADCAST || c->step != STEP_REPEAT) {
			conn_done(c);
			return;
		}
		load.delivered++;
		broadcast();
	}
}

static bool take_frame(struct conn *c)
{
	const uint8_t *in = (const uint8_t *)c->in;
	size_t head = 2, len = in[1] & 0x7f;

	if (len == 126) {
		head = 4;
		len = (size_t)in[2] << 8 | in[3];
	}
	if (c->in_len < 2 || c->in_len < head + len)
		return false;
	on_frame(c, in[0] & 0xf, c->in + head);
	conn_consume(c, head + len);
	return true;
}

static bool take_bytes(struct conn *c)
{
	c->awaited -= c->in_len < c->awaited ? c->in_len : c->awaited;
	c->in_len = 0;
	if (c->busy && c->awaited == 0)
		conn_done(c);
	return false;
}

static bool take_something(struct conn *c)
{
	if (!c->upgraded)
		return take_response(c);
	return is_raw() ? take_bytes(c) : take_frame(c);
}

static void on_end(struct conn *c)
{
	bool closed_as_asked = c->step == STEP_CLOSE;

	if (closed_as_asked || (!c->busy && !c->upgraded)) {
		conn_close(c);
		if (closed_as_asked)
			conn_done(c);
		return;
	}
	conn_fail(c);
}

static void on_readable(struct conn *c)
{
	ssize_t n = recv(c->fd, c->in + c->in_len, IN_MAX - c->in_len, 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		on_end(c);
		return;
	}
	c->in_len += (size_t)n;
	while (c->in_len > 0 && take_something(c))
		continue;
}

static void on_event(struct conn *c, uint32_t events)
{
	if (events & EPOLLOUT) {
		conn_flush(c);
		if (!conn_has_out(c))
			conn_watch(c, EPOLL_CTL_MOD, EPOLLIN);
	}
	if (c->fd >= 0 && events & ~(uint32_t)EPOLLOUT)
		on_readable(c);
}

/* the run */

static void restart_stalled(void)
{
	for (unsigned i = 0; i < load.n_conns; i++) {
		struct conn *c = load.conns[i];

		if (c->busy && load.now_ms > c->since_ms + STALL_MS)
			conn_fail(c);
	}
}

static void turn(void)
{
	struct epoll_event events[64];
	int n = epoll_wait(load.epoll, events, ARRAY_LEN(events), TICK_MS);

	load.now_ms = clock_ms();
	for (int i = 0; i < n; i++)
		on_event(events[i].data.ptr, events[i].events);
	restart_stalled();
}

static bool all_idle(void)
{
	for (unsigned i = 0; i < load.n_conns; i++) {
		const struct conn *c = load.conns[i];

		if (c->busy || (c->step != STEP_REPEAT && !load.stopped))
			return false;
	}
	return load.delivered == load.emitted * load.n_conns;
}

static void turn_until_idle(uint64_t at_most_ms)
{
	uint64_t end = load.now_ms + at_most_ms;

	while (!all_idle() && load.now_ms < end)
		turn();
}

static void work(uint64_t ms)
{
	uint64_t end;

	load.now_ms = clock_ms();
	end = load.now_ms + ms;
	load.started = true;
	for (unsigned i = 0; i < load.n_conns; i++)
		conn_next(load.conns[i]);
	while (load.now_ms < end && (load.allowed > 0 || !all_idle()))
		turn();
	load.stopped = true;
	turn_until_idle(STALL_MS + 1000);
}

static void print_result(uint64_t begin_ms)
{
	if (load.operation->action == BROADCAST) {
		load.completed = load.delivered / load.n_conns;
		load.failed += load.emitted - load.completed;
	}
	printf("{\"operations\":%lu,\"failed\":%lu,\"ms\":%lu}\n", load.completed, load.failed,
	       load.now_ms - begin_ms);
}

static const struct operation *operation_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(operations); i++)
		if (strcmp(operations[i].name, name) == 0)
			return &operations[i];
	fprintf(stderr, "bench-load: no operation %s\n", name);
	exit(2);
}

static struct conn *conn_new(unsigned i)
{
	struct conn *c = calloc(1, sizeof(*c));

	assert(c);
	c->fd = -1;
	c->source.sin_family = AF_INET;
	c->source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + i % SOURCES);
	c->step = load.operation->first;
	return c;
}

/* 42["m","xxx…"] of @size bytes */
static struct iovec message_of(size_t size)
{
	static const char begin[] = "42[\"m\",\"", end[] = "\"]";
	int fill = (int)(size - strlen(begin) - strlen(end));
	char *x = malloc(size), *text;

	assert(x && size > sizeof(begin) + sizeof(end));
	memset(x, 'x', size);
	size = (size_t)asprintf(&text, "%s%.*s%s", begin, fill, x, end);
	free(x);
	return (struct iovec){ text, size };
}

static struct iovec event_of(const char *name, const char *payload)
{
	char *text;
	int n = asprintf(&text, "42[\"%s\",\"%s\"]", name, payload);

	assert(n > 0);
	return (struct iovec){ text, (size_t)n };
}

/* "900": milliseconds; "2000x": operations, in at most COUNTED_MS. */
static uint64_t parse_amount(const char *text)
{
	char *unit;
	uint64_t n = strtoull(text, &unit, 10);

	load.allowed = *unit == 'x' ? n : UINT64_MAX;
	return *unit == 'x' ? COUNTED_MS : n;
}

static void load_init(char **argv, const char *parameter)
{
	load.operation = operation_of(argv[2]);
	load.n_conns = (unsigned)atoi(argv[3]);
	assert(load.n_conns > 0);
	load.server = (struct sockaddr_in){ .sin_family = AF_INET,
					    .sin_port = htons((uint16_t)atoi(argv[1])),
					    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	load.epoll = epoll_create1(EPOLL_CLOEXEC);
	load.conns = calloc(load.n_conns, sizeof(struct conn *));
	assert(load.epoll >= 0 && load.conns);
	for (unsigned i = 0; i < load.n_conns; i++)
		load.conns[i] = conn_new(i);
	if (load.operation->action == POST_MESSAGE || load.operation->action == BYTES)
		load.body = message_of(strtoul(parameter, NULL, 10));
	else if (load.operation->action == BROADCAST)
		load.frame = event_of("all", parameter);
	else if (load.operation->action == ECHO)
		load.frame = event_of("echo", "hello");
}

/* A few at a time: what a server holds for sessions, not for a rush. */
static void prepare(void)
{
	unsigned n = load.n_conns;

	load.now_ms = clock_ms();
	for (load.n_conns = 1; load.n_conns <= n; load.n_conns++) {
		conn_next(load.conns[load.n_conns - 1]);
		if (load.n_conns % OPENING == 0)
			turn_until_idle(STALL_MS);
	}
	load.n_conns = n;
	turn_until_idle(SETUP_MS);
	if (!all_idle()) {
		fprintf(stderr, "bench-load: the sessions do not open\n");
		exit(1);
	}
	puts("ready");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char line[8];
	uint64_t begin_ms;

	if (argc != 5 && argc != 6) {
		fprintf(stderr,
			"bench-load PORT OPERATION COUNT MILLISECONDS|OPERATIONSx [PARAMETER]\n");
		return 2;
	}
	load_init(argv, argc == 6 ? argv[5] : "200");
	prepare();
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	begin_ms = clock_ms();
	work(parse_amount(argv[4]));
	print_result(begin_ms);
	return 0;
}
