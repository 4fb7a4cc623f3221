/* A worker's IPC channel. See channel.h for the rule about descriptors.
 *
 * Happy path in:  readable → recvmsg into a bounded buffer → wire_split() → on_frame, until the
 * kernel is empty. Happy path out: channel_send() → sendmsg of everything queued → done; what the
 * kernel refuses waits for writable. Failure: any error or EOF is reported once by on_end from the
 * loop; a failing send inside channel_send() only arms the poll, so that the owner never sees its
 * channel end in the middle of its own call. */
#include "ipc/channel.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utlist.h>

#include "base/fd.h"
#include "base/macros.h"
#include "ipc/wire.h"

#include "base/ban.h"

enum {
	READ_SIZE = 64 << 10,
	READS_PER_EVENT = 16, /* a chatty worker must not starve the others */
	IOV_BATCH = 64,
	LOOK_AGAIN_MAX_MS = 64,
};

struct channel_item {
	struct channel_item *prev, *next;
	struct blob *frame;
	int fd; /* borrowed, -1 once it is sent */
};

static void on_poll(uv_poll_t *poll, int status, int events);

static void channel_arm(struct channel *ch, int events)
{
	if (events == ch->events)
		return;
	ch->events = events;
	if (events)
		(void)uv_poll_start(&ch->poll, events, on_poll);
	else
		(void)uv_poll_stop(&ch->poll);
}

static void channel_rearm(struct channel *ch)
{
	int events = 0;

	if (ch->ended || ch->closing)
		return;
	if (!ch->paused)
		events |= UV_READABLE;
	if (ch->queue && !uv_is_active((uv_handle_t *)&ch->look_again))
		events |= UV_WRITABLE;
	channel_arm(ch, events);
}

int channel_init(struct channel *ch, uv_loop_t *loop, int fd, enum serialization mode,
		 const struct channel_ops *ops)
{
	int r;

	*ch = (struct channel){ .fd = fd,
				.mode = mode,
				.ops = ops,
				.in = BUF_INIT(CHANNEL_FRAME_MAX + 8),
				.in_fd = -1 };
	r = fd_set_cloexec(fd, 1);
	if (r == 0)
		r = uv_poll_init(loop, &ch->poll, fd);
	if (r < 0) {
		fd_close(&ch->fd);
		return r;
	}
	(void)uv_timer_init(loop, &ch->look_again);
	ch->n_open = 2;
	channel_rearm(ch);
	return 0;
}

void channel_bound_unread(struct channel *ch)
{
	ch->bound_unread = true;
}

static void channel_end(struct channel *ch, int err)
{
	if (ch->ended || ch->closing)
		return;
	ch->ended = true;
	channel_arm(ch, 0);
	(void)uv_timer_stop(&ch->look_again);
	ch->ops->on_end(ch, err);
}

/* sending */

static void item_free(struct channel_item *it)
{
	blob_unref(it->frame);
	free(it);
}

/* One finished item is kept for the next send: a worker that is keeping up costs no allocation. */
static void item_done(struct channel *ch)
{
	struct channel_item *it = ch->queue;

	DL_DELETE(ch->queue, it);
	ch->queued_bytes -= it->frame->len;
	ch->head_offset = 0;
	if (ch->spare) {
		item_free(it);
		return;
	}
	blob_unref(it->frame);
	ch->spare = it;
}

/* How much of @it may go out as ordinary bytes: all, but for the last byte of a frame that carries
 * a descriptor. */
static size_t plain_len(const struct channel_item *it)
{
	return it->fd >= 0 ? it->frame->len - 1 : it->frame->len;
}

/* What one send may hold: everything, or with an unread bound whole frames, or what is left of one.
 */
static bool fits(const struct channel *ch, size_t gathered, size_t len)
{
	if (!ch->bound_unread || gathered == 0)
		return true;
	return ch->head_offset == 0 && gathered + len <= CHANNEL_BATCH_MAX;
}

static size_t gather(struct channel *ch, struct iovec iov[static IOV_BATCH])
{
	size_t n = 0, offset = ch->head_offset, gathered = 0;
	struct channel_item *it;

	DL_FOREACH(ch->queue, it)
	{
		size_t len = plain_len(it);

		if (!fits(ch, gathered, len - offset))
			break;
		gathered += len - offset;
		if (len > offset)
			iov[n++] = (struct iovec){ it->frame->bytes + offset, len - offset };
		if (it->fd >= 0 || n == IOV_BATCH)
			break;
		offset = 0;
	}
	return n;
}

static void account(struct channel *ch, size_t sent)
{
	while (sent > 0) {
		size_t left = ch->queue->frame->len - ch->head_offset;

		if (sent < left) {
			ch->head_offset += sent;
			return;
		}
		sent -= left;
		item_done(ch);
	}
}

static ssize_t send_plain(struct channel *ch)
{
	struct iovec iov[IOV_BATCH];
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = gather(ch, iov) };
	ssize_t n;

	if (m.msg_iovlen == 0)
		return 0;
	n = sendmsg(ch->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0)
		return -errno;
	ch->unread += (size_t)n;
	account(ch, (size_t)n);
	return n;
}

static int send_last_byte(struct channel *ch)
{
	struct channel_item *it = ch->queue;
	struct iovec iov = { it->frame->bytes + it->frame->len - 1, 1 };
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &it->fd, sizeof(int));
	if (sendmsg(ch->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return -errno;
	ch->unread++;
	item_done(ch);
	return 0;
}

static bool head_needs_last_byte(const struct channel *ch)
{
	return ch->queue && ch->queue->fd >= 0 && ch->head_offset == plain_len(ch->queue);
}

static void on_look_again(uv_timer_t *t);

/* May the next frame be sent? A frame that has begun goes on. The kernel tells when a stream socket
 * has room, not when it is empty, so a peer that is behind is looked at again by timer. */
static bool within_unread_bound(struct channel *ch)
{
	size_t len = ch->queue->frame->len;
	int in_kernel = 0;

	if (!ch->bound_unread || ch->head_offset > 0)
		return true;
	if (ch->unread + (len > CHANNEL_BATCH_MAX ? len : CHANNEL_BATCH_MAX) <= CHANNEL_UNREAD_MAX)
		return true;
	if (ioctl(ch->fd, SIOCOUTQ, &in_kernel) < 0 || in_kernel == 0) {
		ch->unread = 0;
		ch->look_again_ms = 0;
		return true;
	}
	ch->look_again_ms = ch->look_again_ms ? ch->look_again_ms * 2 : 1;
	if (ch->look_again_ms > LOOK_AGAIN_MAX_MS)
		ch->look_again_ms = LOOK_AGAIN_MAX_MS;
	(void)uv_timer_start(&ch->look_again, on_look_again, ch->look_again_ms, 0);
	return false;
}

/* 0: all gone or the kernel is full. -errno: the socket is broken. */
static int channel_flush(struct channel *ch)
{
	while (ch->queue && within_unread_bound(ch)) {
		ssize_t r = head_needs_last_byte(ch) ? send_last_byte(ch) : send_plain(ch);

		/* ETOOMANYREFS: too many descriptors of this uid in flight, unix(7); they drain as
		 * workers read. */
		if (r == -EAGAIN || r == -ETOOMANYREFS || r == -ENOBUFS || r == -ENOMEM)
			return 0;
		if (r < 0 && r != -EINTR)
			return (int)r;
	}
	return 0;
}

static struct channel_item *item_new(struct channel *ch)
{
	struct channel_item *it = ch->spare;

	ch->spare = NULL;
	return it ? it : malloc(sizeof(*it));
}

int channel_send(struct channel *ch, struct blob *frame, int fd)
{
	struct channel_item *it;
	bool was_idle = !ch->queue;

	if (ch->ended || ch->closing)
		return -EPIPE;
	it = item_new(ch);
	if (!it)
		return -ENOMEM;
	*it = (struct channel_item){ .frame = blob_ref(frame), .fd = fd };
	DL_APPEND(ch->queue, it);
	ch->queued_bytes += frame->len;
	if (was_idle)
		(void)channel_flush(ch); /* a broken socket is reported by the poll */
	if (ch->queued_bytes > CHANNEL_QUEUE_HIGH)
		ch->congested = true;
	channel_rearm(ch);
	return 0;
}

static void channel_writable(struct channel *ch)
{
	int r = channel_flush(ch);

	if (r < 0) {
		channel_end(ch, r);
		return;
	}
	channel_rearm(ch);
	if (ch->congested && ch->queued_bytes < CHANNEL_QUEUE_LOW) {
		ch->congested = false;
		ch->ops->on_drain(ch);
	}
}

static void on_look_again(uv_timer_t *t)
{
	channel_writable(container_of(t, struct channel, look_again));
}

/* receiving */

static void take_fds(struct channel *ch, struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			fd_close(&ch->in_fd);
			memcpy(&ch->in_fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
		}
	}
}

static ssize_t receive(struct channel *ch)
{
	union {
		char bytes[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov;
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };
	ssize_t n;
	int r = buf_reserve(&ch->in, READ_SIZE);

	if (r == -EMSGSIZE && ch->in.max > ch->in.len)
		r = buf_reserve(&ch->in, ch->in.max - ch->in.len);
	if (r < 0)
		return r;
	iov = (struct iovec){ ch->in.p + ch->in.len, ch->in.cap - ch->in.len };
	n = recvmsg(ch->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return -errno;
	take_fds(ch, &m);
	ch->in.len += (size_t)n;
	return n;
}

/* A long JSON frame is searched for its end once, not with every piece that comes. */
static bool has_no_end(struct channel *ch)
{
	size_t from = ch->searched;

	if (ch->mode != SERIAL_JSON || ch->in.len >= CHANNEL_FRAME_MAX)
		return false;
	ch->searched = ch->in.len;
	return !memchr(ch->in.p + from, '\n', ch->in.len - from);
}

/* Hands out every whole frame. 0 or -EBADMSG/-EMSGSIZE. The callee may pause or close in between.
 */
static int deliver(struct channel *ch)
{
	size_t used = 0;
	int r = 0;

	if (has_no_end(ch))
		return 0;
	ch->searched = 0;
	while (!ch->closing && !ch->ended) {
		struct str rest = { ch->in.p + used, ch->in.len - used }, payload;
		size_t size;

		r = wire_split(ch->mode, rest, CHANNEL_FRAME_MAX, &payload, &size);
		if (r <= 0)
			break;
		used += size;
		/* a descriptor arrives with the read that ends its frame, so it is the last frame's
		 */
		ch->ops->on_frame(ch, payload, (struct str){ rest.p, size },
				  used == ch->in.len ? fd_take(&ch->in_fd) : -1);
	}
	if (ch->closing)
		return 0;
	buf_consume(&ch->in, used);
	return r < 0 ? r : 0;
}

static void channel_readable(struct channel *ch)
{
	for (int i = 0; i < READS_PER_EVENT && !ch->paused; i++) {
		ssize_t n = receive(ch);
		bool full = ch->in.len == ch->in.cap;
		int r;

		if (n == -EAGAIN || n == -EINTR || n == -ENOMEM)
			break;
		if (n <= 0) {
			channel_end(ch, (int)n);
			return;
		}
		r = deliver(ch);
		if (ch->closing || ch->ended)
			return;
		if (r < 0) {
			channel_end(ch, r);
			return;
		}
		if (!full)
			break;
	}
	if (ch->in.len == 0)
		buf_free(&ch->in);
	channel_rearm(ch);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct channel *ch = container_of(poll, struct channel, poll);

	if (status < 0) { /* libuv has stopped the handle: POLLERR; the next call says what it is */
		ch->events = 0;
		events = ch->paused ? UV_WRITABLE : UV_READABLE;
	}
	/* a failing write ends the channel: first what the peer has said before it left */
	if (events & UV_READABLE)
		channel_readable(ch);
	if ((events & UV_WRITABLE) && !ch->closing && !ch->ended)
		channel_writable(ch);
}

void channel_pause(struct channel *ch)
{
	ch->paused = true;
	channel_rearm(ch);
}

void channel_resume(struct channel *ch)
{
	ch->paused = false;
	channel_rearm(ch);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct channel *ch = handle->data;

	if (--ch->n_open == 0 && ch->on_closed)
		ch->on_closed(ch);
}

void channel_close(struct channel *ch, void (*on_closed)(struct channel *ch))
{
	struct channel_item *it, *next;

	if (ch->closing)
		return;
	ch->closing = true;
	ch->on_closed = on_closed;
	DL_FOREACH_SAFE(ch->queue, it, next)
	item_free(it);
	ch->queue = NULL;
	free(ch->spare);
	ch->spare = NULL;
	buf_free(&ch->in);
	fd_close(&ch->in_fd);
	channel_arm(ch, 0);
	ch->poll.data = ch->look_again.data = ch;
	uv_close((uv_handle_t *)&ch->poll, on_handle_closed);
	uv_close((uv_handle_t *)&ch->look_again, on_handle_closed);
	fd_close(&ch->fd);
}
