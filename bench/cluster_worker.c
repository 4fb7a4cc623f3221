/* The server of served.c as a Node cluster worker: what it serves comes as descriptors over its IPC
 * channel, for the listen(PORT) that it has called or, with STYLE=sticky, for setupWorker() of
 * @socket.io/sticky 2.0.1. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macros.h"
#include "bench/cluster.h"
#include "bench/served.h"
#include "ipc/wire.h"

enum { IN_MAX = 64 << 10, LENGTH = 4 };

static struct {
	int channel;
	size_t in_len;
	char in[IN_MAX];
} worker;

/* The seq of the newconn in a handle message, or -1: it is one of sticky's. */
static int64_t seq_of(const struct value *msg)
{
	static const char *const keys[] = { "seq" };
	struct value v[ARRAY_LEN(keys)];
	int64_t seq;

	if (wire_skim_object(SERIAL_ADVANCED, msg, keys, ARRAY_LEN(keys), v) < 0 ||
	    wire_int(&v[0], 0, INT64_MAX, &seq) < 0)
		return -1;
	return seq;
}

static void take_handle(const struct value *msg, int fd)
{
	int64_t seq = seq_of(msg);

	if (fd < 0) {
		cluster_answer_ping();
		return;
	}
	cluster_acknowledge();
	if (seq >= 0)
		cluster_accepted(seq);
	served_add(fd);
}

/* @fd came with the read that brought the end of this frame, or -1. */
static void take_frame(const char *frame, size_t len, int fd)
{
	static const char *const keys[] = { "cmd", "msg" };
	struct str payload = { frame + LENGTH, len - LENGTH };
	struct value v[ARRAY_LEN(keys)], root;

	if (wire_skim(SERIAL_ADVANCED, payload, keys, ARRAY_LEN(keys), v, &root) == 0 &&
	    wire_is(&v[0], "NODE_HANDLE"))
		take_handle(&v[1], fd);
}

/* A read ends with the byte that a descriptor came with, which is the last one of its frame. */
static void take_frames(int fd)
{
	size_t used = 0, n;

	while ((n = cluster_frame_len(worker.in + used, worker.in_len - used, IN_MAX)) > 0) {
		used += n;
		take_frame(worker.in + used - n, n, used == worker.in_len ? fd : -1);
	}
	worker.in_len -= used;
	memmove(worker.in, worker.in + used, worker.in_len);
}

static int fd_of(struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	int fd = -1;

	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static void on_channel(void)
{
	struct iovec in = { worker.in + worker.in_len, IN_MAX - worker.in_len };
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr m = { .msg_iov = &in,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(worker.channel, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		exit(0);
	worker.in_len += (size_t)n;
	take_frames(fd_of(&m));
}

int main(void)
{
	const char *style = getenv("STYLE");
	bool sticky = style && strcmp(style, "sticky") == 0;
	struct epoll_event own = { .events = EPOLLIN };

	worker.channel = cluster_open();
	if (!sticky)
		cluster_listen(atoi(cluster_required("PORT")));
	cluster_heartbeat("0123456789abcdef");
	(void)epoll_ctl(served_init(sticky), EPOLL_CTL_ADD, worker.channel, &own);
	served_run(on_channel);
}
