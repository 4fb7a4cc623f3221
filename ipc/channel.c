/* A worker's IPC channel. See channel.h for the rule about descriptors.
 *
 * Happy path in: readable → recvmsg → wire_split() → on_frame for each frame, until the kernel is
 * empty. What begins a frame and does not end it is kept, in a blob of its own, which a large frame
 * then is. Happy path out: channel_send() or channel_relay() → before the loop waits, one sendmsg
 * of what is queued; what the kernel refuses waits for writable. Failure: any error or EOF is
 * reported once by on_end from the loop, after what the peer had said before. */
#include "ipc/channel.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
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
	/* A chatty worker must not starve the others, and what one read brings fits into the
	 * kernel's buffer at each receiver. */
	READS_PER_EVENT = 1,
	IOV_BATCH = 64,
	BELIEVED_SIZE = 1 << 20,
	READS_OF_THE_DEAD = 64, /* what a dead peer can have left is less */
	LOOK_AGAIN_MAX_MS = 64,
};

struct channel_item {
	struct channel_item *prev, *next;
	struct blob *frame;
	uint64_t since_ms; /* of a relayed one: when it was queued */
	int fd;            /* borrowed, see channel_send(), or -1 */
	bool is_relayed;
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

/* Something is queued that neither waits for its turn nor for the timer: the kernel was full. */
static bool waits_for_kernel(const struct channel *ch)
{
	return ch->queue && !uv_is_active((const uv_handle_t *)&ch->turn) &&
	       !uv_is_active((const uv_handle_t *)&ch->look_again);
}

static void channel_rearm(struct channel *ch)
{
	if (!ch->ended && !ch->closing)
		channel_arm(ch, UV_READABLE | (waits_for_kernel(ch) ? UV_WRITABLE : 0));
}

int channel_init(struct channel *ch, uv_loop_t *loop, int fd, enum serialization mode,
		 const struct channel_ops *ops, struct quota *quota)
{
	int r;

	*ch = (struct channel){ .fd = fd, .mode = mode, .ops = ops, .quota = quota, .in_fd = -1 };
	r = fd_set_cloexec(fd, 1);
	if (r == 0)
		r = uv_poll_init(loop, &ch->poll, fd);
	if (r < 0) {
		fd_close(&ch->fd);
		return r;
	}
	(void)uv_timer_init(loop, &ch->look_again);
	(void)uv_prepare_init(loop, &ch->turn);
	ch->n_open = 3;
	channel_rearm(ch);
	return 0;
}

void channel_bound_unread(struct channel *ch, bool bound)
{
	ch->bound_unread = bound;
}

static void channel_end(struct channel *ch, int err)
{
	if (ch->ended || ch->closing)
		return;
	ch->ended = true;
	channel_arm(ch, 0);
	(void)uv_timer_stop(&ch->look_again);
	(void)uv_prepare_stop(&ch->turn);
	blob_unref(ch->in); /* the end of it will not come */
	ch->in = NULL;
	ch->in_len = 0;
	ch->ops->on_end(ch, err);
}

/* sending */

static void item_free(struct channel_item *it)
{
	blob_unref(it->frame);
	free(it);
}

static void item_remove(struct channel *ch, struct channel_item *it)
{
	DL_DELETE(ch->queue, it);
	if (it == ch->last_own)
		ch->last_own = NULL;
	if (it->is_relayed) {
		ch->relayed_bytes -= it->frame->len;
	} else {
		ch->n_own--;
		ch->own_bytes -= it->frame->len;
	}
}

/* One finished item is kept for the next send: a worker that is keeping up costs no allocation. */
static void item_done(struct channel *ch)
{
	struct channel_item *it = ch->queue;

	item_remove(ch, it);
	ch->n_sent += !it->is_relayed;
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

		if (!fits(ch, gathered, len - offset) || (it->fd >= 0 && n > 0))
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

/* Returns what was sent; less than there was to send: the kernel is full. */
static ssize_t send_plain(struct channel *ch, bool *ret_full)
{
	struct iovec iov[IOV_BATCH];
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = gather(ch, iov) };
	size_t wanted = 0;
	ssize_t n;

	for (size_t i = 0; i < m.msg_iovlen; i++)
		wanted += iov[i].iov_len;
	if (wanted == 0)
		return 0;
	n = sendmsg(ch->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0)
		return -errno;
	ch->unread += (size_t)n;
	ch->since_fd += (size_t)n;
	account(ch, (size_t)n);
	*ret_full = (size_t)n < wanted;
	return n;
}

/* What is left of the head, in one buffer of the kernel, with its descriptor. */
static int send_with_fd(struct channel *ch)
{
	struct channel_item *it = ch->queue;
	size_t left = it->frame->len - ch->head_offset;
	struct iovec iov = { it->frame->bytes + ch->head_offset, left };
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	ssize_t n;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &it->fd, sizeof(int));
	n = sendmsg(ch->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0)
		return -errno;
	if ((size_t)n < left) /* unix(7) sockets do not cut what fits into one buffer */
		return -EIO;
	ch->unread += left;
	ch->since_fd = 0;
	item_done(ch);
	return 0;
}

static bool head_goes_with_fd(const struct channel *ch)
{
	const struct channel_item *it = ch->queue;

	if (it->fd < 0)
		return false;
	if (ch->head_offset == plain_len(it))
		return true;
	return ch->head_offset == 0 && it->frame->len <= CHANNEL_BATCH_MAX &&
	       ch->since_fd + it->frame->len <= CHANNEL_UNREAD_MAX;
}

static void on_look_again(uv_timer_t *t);

static void look_again_later(struct channel *ch)
{
	ch->look_again_ms = ch->look_again_ms ? ch->look_again_ms * 2 : 1;
	if (ch->look_again_ms > LOOK_AGAIN_MAX_MS)
		ch->look_again_ms = LOOK_AGAIN_MAX_MS;
	(void)uv_timer_start(&ch->look_again, on_look_again, ch->look_again_ms, 0);
}

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
	look_again_later(ch);
	return false;
}

/* ETOOMANYREFS: too many descriptors of this uid in flight, unix(7); they drain as workers read.
 * Such a socket is writable all the while, so these wait for the timer. */
static bool passes_by_itself(int err)
{
	return err == -ETOOMANYREFS || err == -ENOBUFS || err == -ENOMEM;
}

/* 0: all gone or the kernel is full. -errno: the socket is broken. */
static int channel_flush(struct channel *ch)
{
	bool full = false;

	while (ch->queue && !full && within_unread_bound(ch)) {
		ssize_t r = head_goes_with_fd(ch) ? send_with_fd(ch) : send_plain(ch, &full);

		if (r == -EAGAIN)
			return 0;
		if (passes_by_itself((int)r)) {
			look_again_later(ch);
			return 0;
		}
		if (r < 0 && r != -EINTR)
			return (int)r;
	}
	return 0;
}

static void channel_readable(struct channel *ch, int reads, bool to_the_end);

static void channel_writable(struct channel *ch)
{
	int r;

	(void)uv_prepare_stop(&ch->turn);
	(void)uv_timer_stop(&ch->look_again);
	r = channel_flush(ch);
	if (r < 0) { /* the peer has left: first what it said before */
		channel_readable(ch, READS_OF_THE_DEAD, true);
		channel_end(ch, r);
	} else {
		channel_rearm(ch);
	}
}

static void on_look_again(uv_timer_t *t)
{
	channel_writable(container_of(t, struct channel, look_again));
}

static void on_turn(uv_prepare_t *turn)
{
	channel_writable(container_of(turn, struct channel, turn));
}

/* Called before something is queued. */
static void write_this_turn(struct channel *ch)
{
	if (!ch->queue)
		(void)uv_prepare_start(&ch->turn, on_turn);
}

static struct channel_item *item_new(struct channel *ch, struct blob *frame, int fd)
{
	struct channel_item *it = ch->spare ? ch->spare : malloc(sizeof(*it));

	ch->spare = NULL;
	if (it)
		*it = (struct channel_item){ .frame = blob_ref(frame), .fd = fd };
	return it;
}

static void put_before_relayed(struct channel *ch, struct channel_item *it)
{
	if (ch->last_own)
		DL_APPEND_ELEM(ch->queue, ch->last_own, it);
	else if (ch->head_offset > 0)
		DL_APPEND_ELEM(ch->queue, ch->queue, it);
	else
		DL_PREPEND(ch->queue, it);
	ch->last_own = it;
}

int channel_send(struct channel *ch, struct blob *frame, int fd)
{
	struct channel_item *it;

	if (ch->ended || ch->closing)
		return -EPIPE;
	if (ch->n_own == CHANNEL_OWN_FRAMES_MAX || ch->own_bytes > CHANNEL_OWN_BYTES_MAX)
		return -ENOBUFS;
	it = item_new(ch, frame, fd);
	if (!it)
		return -ENOMEM;
	write_this_turn(ch);
	put_before_relayed(ch, it);
	ch->n_own++;
	ch->own_bytes += frame->len;
	return 0;
}

int channel_relay(struct channel *ch, struct blob *frame)
{
	struct channel_item *it;

	if (ch->ended || ch->closing)
		return -EPIPE;
	it = item_new(ch, frame, -1);
	if (!it)
		return -ENOMEM;
	it->is_relayed = true;
	it->since_ms = uv_now(ch->poll.loop);
	write_this_turn(ch);
	DL_APPEND(ch->queue, it);
	ch->relayed_bytes += frame->len;
	return 0;
}

void channel_drop_relayed(struct channel *ch)
{
	struct channel_item *it, *next;

	DL_FOREACH_SAFE(ch->queue, it, next)
	{
		if (!it->is_relayed || (it == ch->queue && ch->head_offset > 0))
			continue;
		item_remove(ch, it);
		item_free(it);
	}
}

uint64_t channel_relayed_since_ms(const struct channel *ch)
{
	const struct channel_item *it;

	DL_FOREACH(ch->queue, it)
	if (it->is_relayed)
		return it->since_ms;
	return 0;
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

static ssize_t receive(struct channel *ch, char *dst, size_t size)
{
	union {
		char bytes[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { dst, size };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };
	ssize_t n = recvmsg(ch->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return -errno;
	take_fds(ch, &m);
	return n;
}

/* Passing over */

/* The frame that has begun with @begun bytes, of @size (0: nobody knows), is not kept. */
static void pass_over(struct channel *ch, size_t begun, size_t size)
{
	if (ch->mode == SERIAL_JSON)
		ch->skips_line = true;
	else
		ch->skip = size - begun;
	ch->searched = 0;
	blob_unref(ch->in);
	ch->in = NULL;
	ch->ops->on_no_room(ch, 0);
}

void channel_drop_incoming(struct channel *ch)
{
	if (ch->in && !ch->closing && !ch->ended)
		pass_over(ch, ch->in_len, ch->in_size);
}

/* How much at the begin of @bytes belongs to a frame that is passed over. */
static size_t skipped(struct channel *ch, struct str bytes)
{
	size_t n = ch->skip < bytes.n ? ch->skip : bytes.n;
	const char *end;

	ch->skip -= n;
	if (!ch->skips_line)
		return n;
	end = memchr(bytes.p, '\n', bytes.n);
	ch->skips_line = !end;
	return end ? (size_t)(end - bytes.p) + 1 : bytes.n;
}

/* Keeping the begin of a frame */

/* True: @n bytes more may be kept. */
static bool has_room(struct channel *ch, size_t n)
{
	if (quota_has_room(ch->quota, n))
		return true;
	ch->ops->on_no_room(ch, n);
	return quota_has_room(ch->quota, n);
}

/* Room for @capacity bytes in .in. 0, -ENOMEM, -ENOBUFS (the quota). */
static int keep_room(struct channel *ch, size_t capacity)
{
	size_t counted = ch->in && ch->in->quota ? ch->in->len : 0;
	struct blob *in;

	if (ch->in && capacity <= ch->in->len)
		return 0;
	if (capacity > CHANNEL_LARGE && !has_room(ch, capacity - counted))
		return -ENOBUFS;
	in = blob_resize(ch->in, capacity);
	if (!in)
		return -ENOMEM;
	if (capacity > CHANNEL_LARGE && !in->quota)
		blob_charge(in, ch->quota);
	ch->in = in;
	return 0;
}

/* The capacity for a frame of @size bytes (0: not known yet) of which there are @begun. A short one
 * is read on elsewhere. One that is larger than a read is read to its end and not further, so that
 * it fills its blob; but what is only announced takes no memory from anybody. */
static size_t capacity_for(const struct channel *ch, size_t begun, size_t size)
{
	size_t next = ch->in && ch->in->len > begun ? ch->in->len : begun + begun / 2;

	if (size <= READ_SIZE && begun <= READ_SIZE)
		return begun;
	if (size > READ_SIZE && size <= BELIEVED_SIZE)
		return size;
	if (begun + READ_SIZE <= CHANNEL_LARGE)
		next = begun + READ_SIZE;
	return size > READ_SIZE && size < next ? size : next;
}

/* The same when that is more than there is room for: what there is, if that is worth a read. */
static size_t capacity_left(const struct channel *ch, size_t begun, size_t size)
{
	size_t counted = ch->in && ch->in->quota ? ch->in->len : 0;
	size_t most =
	    counted + (ch->quota->max > ch->quota->used ? ch->quota->max - ch->quota->used : 0);

	if (most < begun + READ_SIZE)
		return begun + READ_SIZE;
	return size && size < most ? size : most;
}

/* Keeps @rest, in @in or elsewhere: the begin of a frame of @size bytes (0: not known yet). @in is
 * consumed. */
static void keep(struct channel *ch, struct blob *in, struct str rest, size_t size)
{
	int r;

	if (in)
		memmove(in->bytes, rest.p, rest.n);
	ch->in = in;
	r = size > ch->quota->max ? -ENOBUFS : keep_room(ch, capacity_for(ch, rest.n, size));
	if (r == -ENOBUFS && size <= ch->quota->max)
		r = keep_room(ch, capacity_left(ch, rest.n, size));
	if (!in && r == 0)
		memcpy(ch->in->bytes, rest.p, rest.n);
	ch->in_len = rest.n;
	ch->in_size = size;
	ch->in_since_ms = uv_now(ch->poll.loop);
	if (r == 0 || ch->closing || ch->ended)
		return;
	if (ch->mode == SERIAL_ADVANCED && size == 0)
		channel_end(ch, r); /* nothing tells where the next one begins */
	else
		pass_over(ch, rest.n, size);
}

/* Delivering */

/* A long JSON frame is searched for its end once, not with every piece that comes. */
static bool has_no_end(struct channel *ch, struct str bytes)
{
	size_t from = ch->searched;

	if (ch->mode != SERIAL_JSON)
		return false;
	ch->searched = bytes.n;
	return !memchr(bytes.p + from, '\n', bytes.n - from);
}

/* What is left of a read. */
struct unread {
	struct blob *in; /* where it is, or NULL: elsewhere; owned */
	struct str bytes;
};

/* A large frame of @size bytes becomes a blob of its own, and what follows it moves. NULL: it is no
 * large one, or there is no memory. */
static struct blob *take_large(struct unread *u, size_t size)
{
	struct str rest = { u->bytes.p + size, u->bytes.n - size };
	struct blob *large = u->in, *follows = NULL;

	if (!large || size <= READ_SIZE || u->bytes.p != (const char *)large->bytes)
		return NULL;
	if (rest.n > 0 && !(follows = blob_copy(rest)))
		return NULL;
	u->in = follows;
	u->bytes = (struct str){ follows ? (const char *)follows->bytes : NULL, rest.n };
	return blob_shrink(large, size);
}

/* Hands out the next frame. As wire_split(). */
static int deliver_next(struct channel *ch, struct unread *u, size_t *ret_size)
{
	struct channel_frame f = { .fd = -1 };
	int r = wire_split(ch->mode, u->bytes, CHANNEL_FRAME_MAX, &f.payload, ret_size);
	size_t prefix;

	if (r <= 0)
		return r;
	prefix = (size_t)(f.payload.p - u->bytes.p);
	f.blob = take_large(u, *ret_size);
	f.bytes = (struct str){ f.blob ? (const char *)f.blob->bytes : u->bytes.p, *ret_size };
	f.payload.p = f.bytes.p + prefix;
	if (!f.blob) {
		u->bytes.p += *ret_size;
		u->bytes.n -= *ret_size;
	}
	if (u->bytes.n == 0) /* it arrives with the read that ends its frame */
		f.fd = fd_take(&ch->in_fd);
	ch->ops->on_frame(ch, &f);
	blob_unref(f.blob);
	return 1;
}

/* Hands out every whole frame in @bytes, which are those of @in (consumed) or NULL, and keeps the
 * rest. The callee may close in between. */
static void deliver(struct channel *ch, struct blob *in, struct str bytes)
{
	size_t n_skipped = skipped(ch, bytes), size = 0;
	struct unread u = { in, { bytes.p + n_skipped, bytes.n - n_skipped } };
	int r = 0;

	if (!has_no_end(ch, u.bytes)) {
		ch->searched = 0;
		do
			r = deliver_next(ch, &u, &size);
		while (r == 1 && !ch->closing && !ch->ended);
	}
	if (!ch->closing)
		ch->ops->on_read_end(ch);
	if (!ch->closing && !ch->ended && u.bytes.n > 0 && r >= 0)
		keep(ch, u.in, u.bytes, size);
	else
		blob_unref(u.in);
	if (r < 0)
		channel_end(ch, r);
}

/* One read and what it brings. Returns its size, *ret_more: there may be more; 0 at the end,
 * -errno. */
static ssize_t read_once(struct channel *ch, bool *ret_more)
{
	static char
	    hot[2 * READ_SIZE]; /* where short frames are read, also those that have begun */
	struct blob *in = ch->in;
	bool is_large = in && in->len > ch->in_len;
	char *dst = is_large ? (char *)in->bytes : hot;
	size_t had = in ? ch->in_len : 0, size = is_large ? in->len - had : READ_SIZE;
	ssize_t n = receive(ch, dst + had, size);

	if (n <= 0)
		return n;
	ch->in = NULL;
	ch->in_len = 0;
	if (in && !is_large) {
		assert(had <= READ_SIZE);
		memcpy(hot, in->bytes, had);
		blob_unref(in);
		in = NULL;
	}
	deliver(ch, in, (struct str){ dst, had + (size_t)n });
	*ret_more = (size_t)n == size;
	return n;
}

/* At most @reads of them, or while @to_the_end, until the kernel has no more. */
static void channel_readable(struct channel *ch, int reads, bool to_the_end)
{
	bool more = true;

	while (reads-- > 0 && (more || to_the_end)) {
		ssize_t n = read_once(ch, &more);

		if (ch->closing || ch->ended)
			return;
		if (n == -EAGAIN || n == -EINTR || n == -ENOMEM)
			break;
		if (n <= 0) {
			channel_end(ch, (int)n);
			return;
		}
	}
	channel_rearm(ch);
}

void channel_read_rest(struct channel *ch)
{
	if (!ch->closing && !ch->ended)
		channel_readable(ch, READS_OF_THE_DEAD, true);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct channel *ch = container_of(poll, struct channel, poll);

	if (status < 0) { /* libuv has stopped the handle: POLLERR; the next call says what it is */
		ch->events = 0;
		events = UV_READABLE;
	}
	if (events & UV_READABLE)
		channel_readable(ch, READS_PER_EVENT, false);
	if ((events & UV_WRITABLE) && !ch->closing && !ch->ended)
		channel_writable(ch);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct channel *ch = handle->data;

	if (--ch->n_open == 0 && ch->on_closed)
		ch->on_closed(ch);
}

static void close_handle(struct channel *ch, uv_handle_t *h)
{
	h->data = ch;
	uv_close(h, on_handle_closed);
}

static void drop_all(struct channel *ch)
{
	struct channel_item *it, *next;

	DL_FOREACH_SAFE(ch->queue, it, next)
	item_free(it);
	ch->queue = ch->last_own = NULL;
	ch->n_own = 0;
	ch->own_bytes = ch->relayed_bytes = ch->head_offset = 0;
	blob_unref(ch->in);
	ch->in = NULL;
	fd_close(&ch->in_fd);
}

int channel_reopen(struct channel *ch, int fd)
{
	auto_fd int next = fd;

	assert(ch->ended && !ch->closing);
	if (dup3(next, ch->fd, O_CLOEXEC) < 0)
		return -errno;
	drop_all(ch);
	ch->in_len = ch->in_size = ch->searched = ch->skip = ch->unread = ch->since_fd = 0;
	ch->skips_line = false;
	ch->ended = false;
	channel_rearm(ch);
	return 0;
}

void channel_close(struct channel *ch, void (*on_closed)(struct channel *ch))
{
	if (ch->closing)
		return;
	ch->closing = true;
	ch->on_closed = on_closed;
	drop_all(ch);
	free(ch->spare);
	ch->spare = NULL;
	channel_arm(ch, 0);
	close_handle(ch, (uv_handle_t *)&ch->poll);
	close_handle(ch, (uv_handle_t *)&ch->look_again);
	close_handle(ch, (uv_handle_t *)&ch->turn);
	fd_close(&ch->fd);
}
