/* The least that a relay costs: what a worker writes goes to all others, whole frames and nothing
 * else of it looked at, as many as one read has brought with one write to each. It does not know
 * broadcasts from answers, nor members from those that have not begun, so it could not relay.
 *
 *	bench-floor-relay WORKERS PROGRAM */
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/macros.h"

enum { WORKERS_MAX = 64, IO_SIZE = 64 << 10, PENDING_MAX = 64 << 20, LENGTH = 4 };

struct worker {
	int fd;
	size_t in_len;
	char in[IO_SIZE];
	struct buf pending; /* what the socket did not take yet */
};

static struct {
	int epoll;
	unsigned n_workers;
	struct worker workers[WORKERS_MAX];
} relay;

static void watch(struct worker *w, int how, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = w };

	epoll_ctl(relay.epoll, how, w->fd, &event);
}

static size_t send_some(const struct worker *w, const char *bytes, size_t len)
{
	ssize_t n = send(w->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n > 0 ? (size_t)n : 0;
}

static void pass_on(struct worker *to, const char *bytes, size_t len)
{
	size_t sent = to->pending.len > 0 ? 0 : send_some(to, bytes, len);
	bool was_empty = to->pending.len == 0;
	int r;

	if (sent == len)
		return;
	r = buf_append(&to->pending, bytes + sent, len - sent);
	assert(r == 0); /* the load has a window */
	if (was_empty)
		watch(to, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

static void flush(struct worker *w)
{
	buf_consume(&w->pending, send_some(w, w->pending.p, w->pending.len));
	if (w->pending.len == 0)
		watch(w, EPOLL_CTL_MOD, EPOLLIN);
}

/* How many of the bytes are whole frames. */
static size_t whole_frames(const char *bytes, size_t len)
{
	const uint8_t *p = (const uint8_t *)bytes;
	size_t at = 0;

	while (len - at >= LENGTH) {
		size_t n = LENGTH + ((size_t)p[at] << 24 | (size_t)p[at + 1] << 16 |
				     (size_t)p[at + 2] << 8 | p[at + 3]);

		assert(n <= IO_SIZE);
		if (n > len - at)
			break;
		at += n;
	}
	return at;
}

static void to_others(struct worker *from, size_t len)
{
	for (struct worker *w = relay.workers; w < relay.workers + relay.n_workers; w++)
		if (w != from)
			pass_on(w, from->in, len);
}

static void take(struct worker *from)
{
	ssize_t n = recv(from->fd, from->in + from->in_len, IO_SIZE - from->in_len, MSG_DONTWAIT);
	size_t whole;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		exit(1);
	from->in_len += (size_t)n;
	whole = whole_frames(from->in, from->in_len);
	if (whole == 0)
		return;
	to_others(from, whole);
	from->in_len -= whole;
	memmove(from->in, from->in + whole, from->in_len);
}

static void become_worker(int fd, unsigned id, char *program)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", fd);
	setenv("NODE_CHANNEL_FD", text, 1);
	(void)snprintf(text, sizeof(text), "%u", id);
	setenv("NODE_UNIQUE_ID", text, 1);
	setenv("NODE_CHANNEL_SERIALIZATION_MODE", "advanced", 1);
	execl(program, program, (char *)NULL);
	perror(program);
	_exit(1);
}

static void spawn(struct worker *w, unsigned id, char *program)
{
	int ends[2], r = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);

	assert(r == 0);
	if (fork() == 0)
		become_worker(dup(ends[1]), id, program);
	close(ends[1]);
	*w = (struct worker){ .fd = ends[0], .pending = BUF_INIT(PENDING_MAX) };
	watch(w, EPOLL_CTL_ADD, EPOLLIN);
}

static void turn(void)
{
	struct epoll_event events[WORKERS_MAX];
	int n = epoll_wait(relay.epoll, events, ARRAY_LEN(events), -1);

	for (int i = 0; i < n; i++) {
		if (events[i].events & EPOLLOUT)
			flush(events[i].data.ptr);
		if (events[i].events & ~EPOLLOUT)
			take(events[i].data.ptr);
	}
}

int main(int argc, char **argv)
{
	int n = argc == 3 ? atoi(argv[1]) : 0;

	if (n < 1 || n > WORKERS_MAX)
		return 2;
	relay.epoll = epoll_create1(EPOLL_CLOEXEC);
	relay.n_workers = (unsigned)n;
	for (unsigned i = 0; i < relay.n_workers; i++)
		spawn(&relay.workers[i], i + 1, argv[2]);
	for (;;)
		turn();
}
