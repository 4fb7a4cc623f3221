/* The least that handing connections to Node workers costs: accept, one look, the socket goes to
 * the next worker's IPC channel. Frames of cluster-adapter go to the other workers unread. It knows
 * no session, so it could not route. It is also the least that a start costs: fork, exec, an answer
 * to listen(); no worker is given a socket before it can take one, and until then nothing is
 * accepted.
 *
 *	bench-floor-handoff PORT WORKER.js [WORKERS]
 *
 * STYLE=sticky in the environment: the app calls setupWorker(), else listen(). */
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
#include "ipc/node.h"

enum { WORKERS_MAX = 64, IN_MAX = 1 << 20, LENGTH = 4 };

struct worker {
	int fd;
	bool ready;
	struct wire_writer newconn; /* listen(): what every connection begins with */
	size_t in_len;
	char in[IN_MAX];
};

static struct {
	int epoll, listener;
	unsigned next, count, ready;
	uint32_t seq;
	bool sticky;
	struct blob *connection; /* the frame that goes with each socket of a setupWorker() app */
	struct worker *workers;
} handoff;

static void watch(int fd, void *data)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = data };

	epoll_ctl(handoff.epoll, EPOLL_CTL_ADD, fd, &event);
}

/* hand-off */

static void send_socket(struct worker *w, int fd)
{
	struct blob *connection = handoff.sticky ? blob_ref(handoff.connection)
						 : node_newconn(&w->newconn, handoff.seq++);
	struct iovec frame = { connection->bytes, connection->len };
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr m = { .msg_iov = &frame,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	(void)sendmsg(w->fd, &m, MSG_NOSIGNAL);
	blob_unref(connection);
}

static struct worker *next_ready(void)
{
	struct worker *w;

	do {
		if (handoff.next >= handoff.count)
			handoff.next = 0;
		w = &handoff.workers[handoff.next++];
	} while (!w->ready);
	return w;
}

static void accept_all(void)
{
	char head[1024];
	int fd;

	while ((fd = accept4(handoff.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		(void)recv(fd, head, sizeof(head), MSG_PEEK);
		send_socket(next_ready(), fd);
		close(fd);
	}
}

/* relay */

static void send_all(const struct worker *w, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = send(w->fd, bytes, len, MSG_NOSIGNAL);

		if (n < 0)
			exit(1);
		bytes += n;
		len -= (size_t)n;
	}
}

static void relay(const struct worker *from, const char *frame, size_t len)
{
	for (size_t i = 0; i < handoff.count; i++)
		if (&handoff.workers[i] != from && handoff.workers[i].ready)
			send_all(&handoff.workers[i], frame, len);
}

/* start */

static void become_ready(struct worker *w)
{
	w->ready = true;
	if (handoff.ready++ == 0)
		watch(handoff.listener, NULL);
}

static void answer_listen(struct worker *w, const struct node_msg *query)
{
	struct blob *reply = node_listen_reply(SERIAL_ADVANCED, query, "server", 0, "0.0.0.0",
					       query->port, handoff.seq++);

	node_newconn_begin(&w->newconn, SERIAL_ADVANCED, "server");
	send_all(w, (const char *)reply->bytes, reply->len);
	blob_unref(reply);
}

static void on_early_frame(struct worker *w, struct str payload)
{
	struct node_msg m;

	if (node_read(SERIAL_ADVANCED, payload, &m) < 0)
		exit(1);
	if (m.kind == NODE_QUERY_SERVER)
		answer_listen(w, &m);
	else if (m.kind == (handoff.sticky ? NODE_ADAPTER : NODE_LISTENING))
		become_ready(w);
}

static void on_frame(struct worker *w, const char *frame, size_t len)
{
	if (!w->ready)
		on_early_frame(w, (struct str){ frame + LENGTH, len - LENGTH });
	if (memmem(frame, len, "_sio_adapter", strlen("_sio_adapter")))
		relay(w, frame, len);
}

static void on_readable(struct worker *w)
{
	ssize_t n = recv(w->fd, w->in + w->in_len, IN_MAX - w->in_len, MSG_DONTWAIT);
	size_t at = 0;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		exit(0);
	w->in_len += (size_t)n;
	while (w->in_len - at >= LENGTH) {
		uint32_t len;

		memcpy(&len, w->in + at, sizeof(len));
		len = LENGTH + ntohl(len);
		if (w->in_len - at < len)
			break;
		on_frame(w, w->in + at, len);
		at += len;
	}
	w->in_len -= at;
	memmove(w->in, w->in + at, w->in_len);
}

static void run_worker(int fd, size_t i, char *script)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", fd);
	setenv("NODE_CHANNEL_FD", number, 1);
	setenv("NODE_CHANNEL_SERIALIZATION_MODE", "advanced", 1);
	snprintf(number, sizeof(number), "%zu", i + 1);
	setenv("NODE_UNIQUE_ID", number, 1);
	execlp("node", "node", script, NULL);
	_exit(127);
}

static void start_worker(size_t i, char *script)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		exit(1);
	if (fork() == 0)
		run_worker(dup(fds[1]), i, script);
	close(fds[1]);
	handoff.workers[i].fd = fds[0];
	watch(fds[0], &handoff.workers[i]);
}

static void start_listening(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1;

	handoff.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(handoff.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(handoff.listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* inherited */
	if (bind(handoff.listener, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(handoff.listener, SOMAXCONN) < 0)
		exit(1);
}

int main(int argc, char **argv)
{
	struct epoll_event events[64];
	const char *style = getenv("STYLE");

	if (argc != 3 && argc != 4)
		return 2;
	handoff.sticky = style && strcmp(style, "sticky") == 0;
	handoff.count = argc == 4 ? (unsigned)atoi(argv[3]) : 2;
	handoff.workers = calloc(WORKERS_MAX, sizeof(*handoff.workers));
	assert(handoff.workers && handoff.count >= 1 && handoff.count <= WORKERS_MAX);
	handoff.epoll = epoll_create1(EPOLL_CLOEXEC);
	handoff.connection = node_sticky_connection(SERIAL_ADVANCED);
	assert(handoff.epoll >= 0 && handoff.connection);
	start_listening((uint16_t)atoi(argv[1]));
	for (size_t i = 0; i < handoff.count; i++)
		start_worker(i, argv[2]);
	for (;;) {
		int n = epoll_wait(handoff.epoll, events, ARRAY_LEN(events), -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr)
				on_readable(events[i].data.ptr);
			else
				accept_all();
		}
	}
}
