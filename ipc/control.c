/* The control channel. A message is a msgpack map from field number to value; zero fields are left
 * out. The table `fields` is the whole format: adding a field is adding a row.
 *
 * Failure: a packet that does not decode, or has more than one descriptor, is dropped (its
 * descriptor closed) and ends the channel with -EBADMSG: both ends are the same binary, so it means
 * memory or version damage, and init then starts a fresh router.
 *
 * Happy path: control_send() → the batch of this turn → one sendmmsg(2) → one recvmmsg(2). What the
 * kernel has no room for waits in the queue, and what is sent while there is one waits behind it.
 */
#include "ipc/control.h"

#include <errno.h>
#include <fcntl.h>
#include <msgpack.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <utlist.h>

#include "base/fd.h"
#include "base/macros.h"

#include "base/ban.h"

/* The encoding */

enum field_kind { FIELD_U32, FIELD_U64, FIELD_TEXT };

static const struct field {
	enum field_kind kind;
	size_t offset;
} fields[] = {
	{ FIELD_U32, offsetof(struct control_msg, type) },
	{ FIELD_U32, offsetof(struct control_msg, worker) },
	{ FIELD_U32, offsetof(struct control_msg, slot) },
	{ FIELD_U32, offsetof(struct control_msg, pid) },
	{ FIELD_U32, offsetof(struct control_msg, port) },
	{ FIELD_U32, offsetof(struct control_msg, state) },
	{ FIELD_U32, offsetof(struct control_msg, style) },
	{ FIELD_U32, offsetof(struct control_msg, kind) },
	{ FIELD_U32, offsetof(struct control_msg, listener) },
	{ FIELD_U64, offsetof(struct control_msg, token) },
	{ FIELD_TEXT, offsetof(struct control_msg, text) },
	{ FIELD_U32, offsetof(struct control_msg, router) },
	{ FIELD_U32, offsetof(struct control_msg, waited_ms) },
	{ FIELD_U64, offsetof(struct control_msg, visitor) },
	{ FIELD_U64, offsetof(struct control_msg, address[0]) },
	{ FIELD_U64, offsetof(struct control_msg, address[1]) },
	{ FIELD_U32, offsetof(struct control_msg, tls) },
	{ FIELD_U64, offsetof(struct control_msg, span) },
	{ FIELD_U64, offsetof(struct control_msg, begun_us) },
};

_Static_assert(sizeof(enum control_type) == sizeof(uint32_t), "type is stored as FIELD_U32");

static uint64_t field_number(const struct field *f, const struct control_msg *m)
{
	const char *at = (const char *)m + f->offset;
	uint32_t narrow;
	uint64_t wide;

	if (f->kind == FIELD_U32) {
		memcpy(&narrow, at, sizeof(narrow));
		return narrow;
	}
	memcpy(&wide, at, sizeof(wide));
	return wide;
}

static const struct str *field_text(const struct field *f, const struct control_msg *m)
{
	return (const struct str *)(const void *)((const char *)m + f->offset);
}

static bool field_is_zero(const struct field *f, const struct control_msg *m)
{
	return f->kind == FIELD_TEXT ? field_text(f, m)->n == 0 : field_number(f, m) == 0;
}

struct packet_out {
	uint8_t *p;
	size_t n, size;
};

static int packet_write(void *ctx, const char *bytes, size_t n)
{
	struct packet_out *o = ctx;

	if (n > o->size - o->n)
		return -1;
	memcpy(o->p + o->n, bytes, n);
	o->n += n;
	return 0;
}

static int pack_field(msgpack_packer *pk, size_t i, const struct control_msg *m)
{
	const struct str *text;

	if (msgpack_pack_uint32(pk, (uint32_t)i) < 0)
		return -EMSGSIZE;
	if (fields[i].kind != FIELD_TEXT)
		return msgpack_pack_uint64(pk, field_number(&fields[i], m)) < 0 ? -EMSGSIZE : 0;
	text = field_text(&fields[i], m);
	if (msgpack_pack_bin(pk, text->n) < 0 || msgpack_pack_bin_body(pk, text->p, text->n) < 0)
		return -EMSGSIZE;
	return 0;
}

int control_encode(const struct control_msg *m, uint8_t *dst, size_t size)
{
	struct packet_out out = { .p = dst, .size = size };
	msgpack_packer pk;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		n += !field_is_zero(&fields[i], m);
	msgpack_packer_init(&pk, &out, packet_write);
	if (msgpack_pack_map(&pk, n) < 0)
		return -EMSGSIZE;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (!field_is_zero(&fields[i], m) && pack_field(&pk, i, m) < 0)
			return -EMSGSIZE;
	return (int)out.n;
}

/* What is left of a packet. */
struct packet_in {
	const uint8_t *p;
	size_t n;
};

/* A number of @bytes bytes, the first one highest. */
static int take_be(struct packet_in *in, size_t bytes, uint64_t *ret)
{
	uint64_t n = 0;

	if (bytes > in->n)
		return -EBADMSG;
	for (size_t i = 0; i < bytes; i++)
		n = n << 8 | in->p[i];
	in->p += bytes;
	in->n -= bytes;
	*ret = n;
	return 0;
}

/* msgpack's types that a packet has (spec.md of msgpack). TAG_BIN and TAG_UINT are the first of
 * some in a row, which differ in how many bytes a length or number takes: 1, 2, 4 and 8. */
enum {
	TAG_MAP = 0x80, /* with the number of pairs in its lower half; below it: a number itself */
	TAG_BIN = 0xc4,
	TAG_BIN_LAST = 0xc6,
	TAG_UINT = 0xcc,
	TAG_UINT_LAST = 0xcf,
	TAG_MAP_16 = 0xde,
};

static int take_map(struct packet_in *in, uint64_t *ret_pairs)
{
	uint64_t tag;

	if (take_be(in, 1, &tag) < 0)
		return -EBADMSG;
	if (tag == TAG_MAP_16)
		return take_be(in, 2, ret_pairs);
	*ret_pairs = tag & 0xf;
	return (tag & 0xf0) == TAG_MAP ? 0 : -EBADMSG;
}

static int take_number(struct packet_in *in, uint64_t *ret)
{
	uint64_t tag;

	if (take_be(in, 1, &tag) < 0)
		return -EBADMSG;
	if (tag >= TAG_UINT && tag <= TAG_UINT_LAST)
		return take_be(in, (size_t)1 << (tag - TAG_UINT), ret);
	*ret = tag;
	return tag < TAG_MAP ? 0 : -EBADMSG;
}

static int take_text(struct packet_in *in, struct str *ret)
{
	uint64_t tag, n;

	if (take_be(in, 1, &tag) < 0 || tag < TAG_BIN || tag > TAG_BIN_LAST ||
	    take_be(in, (size_t)1 << (tag - TAG_BIN), &n) < 0 || n > in->n)
		return -EBADMSG;
	*ret = (struct str){ (const char *)in->p, n };
	in->p += n;
	in->n -= n;
	return 0;
}

static int take_value(struct packet_in *in, const struct field *f, struct control_msg *ret)
{
	char *at = (char *)ret + f->offset;
	struct str text;
	uint64_t wide;
	uint32_t narrow;

	if (f->kind == FIELD_TEXT) {
		if (take_text(in, &text) < 0)
			return -EBADMSG;
		memcpy(at, &text, sizeof(text));
		return 0;
	}
	if (take_number(in, &wide) < 0 || (f->kind == FIELD_U32 && wide > UINT32_MAX))
		return -EBADMSG;
	narrow = (uint32_t)wide;
	if (f->kind == FIELD_U32)
		memcpy(at, &narrow, sizeof(narrow));
	else
		memcpy(at, &wide, sizeof(wide));
	return 0;
}

int control_decode(struct str packet, struct control_msg *ret)
{
	struct packet_in in = { (const uint8_t *)packet.p, packet.n };
	struct control_msg m = { 0 };
	uint64_t pairs, key;

	if (take_map(&in, &pairs) < 0)
		return -EBADMSG;
	for (; pairs > 0; pairs--)
		if (take_number(&in, &key) < 0 || key >= ARRAY_LEN(fields) ||
		    take_value(&in, &fields[key], &m) < 0)
			return -EBADMSG;
	if (in.n > 0)
		return -EBADMSG;
	*ret = m;
	return 0;
}

/* The socket */

struct control_packet {
	struct control_packet *prev, *next;
	int fd; /* owned, -1 = none */
	size_t len;
	uint8_t bytes[];
};

enum { AGAIN_MOST_MS = 128, READS_MAX = 32, READ_BATCH = 8 };

static void on_poll(uv_poll_t *poll, int status, int events);

static bool waits_for_room(const struct control *c)
{
	return c->queue && !uv_is_active((const uv_handle_t *)&c->again);
}

static void control_rearm(struct control *c)
{
	int events = UV_READABLE | (waits_for_room(c) ? UV_WRITABLE : 0);

	if (c->ended || c->closing)
		events = 0;

	if (events == c->events)
		return;
	c->events = events;
	if (events)
		(void)uv_poll_start(&c->poll, events, on_poll);
	else
		(void)uv_poll_stop(&c->poll);
}

int control_init(struct control *c, uv_loop_t *loop, int fd, const struct control_ops *ops)
{
	int r;

	*c = (struct control){ .fd = fd, .ops = ops };
	r = fd_set_cloexec(fd, 1);
	if (r == 0)
		r = uv_poll_init(loop, &c->poll, fd);
	if (r < 0) {
		fd_close(&c->fd);
		return r;
	}
	(void)uv_timer_init(loop, &c->again);
	(void)uv_idle_init(loop, &c->turn);
	c->n_open = 3;
	control_rearm(c);
	return 0;
}

static void batch_drop(struct control *c)
{
	for (unsigned i = 0; i < c->batch.n; i++)
		fd_close(&c->batch.packets[i].fd);
	c->batch.n = 0;
	c->batch.n_bytes = 0;
}

static void control_end(struct control *c, int err)
{
	if (c->ended || c->closing)
		return;
	c->ended = true;
	batch_drop(c);
	(void)uv_timer_stop(&c->again);
	(void)uv_idle_stop(&c->turn);
	control_rearm(c);
	c->ops->on_end(c, err);
}

/* What a msghdr points to. */
struct frame {
	struct iovec iov;
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
};

static void frame_outgoing(struct frame *f, struct msghdr *m, const uint8_t *bytes, size_t len,
			   int fd)
{
	struct cmsghdr *c;

	f->iov = (struct iovec){ (void *)bytes, len };
	*m = (struct msghdr){ .msg_iov = &f->iov, .msg_iovlen = 1 };
	if (fd < 0)
		return;
	m->msg_control = f->control.bytes;
	m->msg_controllen = sizeof(f->control.bytes);
	c = CMSG_FIRSTHDR(m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
}

static int send_packet(int sock, const uint8_t *bytes, size_t len, int fd)
{
	struct frame f = { 0 };
	struct msghdr m;

	frame_outgoing(&f, &m, bytes, len, fd);
	return sendmsg(sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static void on_again(uv_timer_t *t);

/* Whether @err of send_packet() passes by itself. The peer's reading is seen by poll; memory, and
 * descriptors that are on their way (unix(7): ETOOMANYREFS), are asked for again, less and less
 * often. */
static bool must_wait(struct control *c, int err)
{
	if (err == -EAGAIN || err == -EINTR)
		return true;
	if (err != -ENOBUFS && err != -ENOMEM && err != -ETOOMANYREFS)
		return false;
	c->wait_ms = c->wait_ms * 2 < AGAIN_MOST_MS ? c->wait_ms * 2 + 1 : AGAIN_MOST_MS;
	(void)uv_timer_start(&c->again, on_again, c->wait_ms, 0);
	return true;
}

static void packet_free(struct control_packet *p)
{
	fd_close(&p->fd);
	free(p);
}

/* A peer that reads nothing may not have all descriptors that we can open. */
static bool is_queue_full(const struct control *c, bool with_fd)
{
	struct rlimit limit;

	if (c->queued == CONTROL_QUEUE_MAX)
		return true;
	return with_fd && getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	       c->queued_fds >= limit.rlim_cur / CONTROL_QUEUED_FDS_SHARE;
}

static int queue_add(struct control *c, const uint8_t *bytes, size_t len, int *fd)
{
	struct control_packet *p = malloc(sizeof(*p) + len);
	if (!p)
		return -ENOMEM;
	*p = (struct control_packet){ .fd = fd_take(fd), .len = len };
	memcpy(p->bytes, bytes, len);
	DL_APPEND(c->queue, p);
	c->queued++;
	c->queued_fds += p->fd >= 0;
	control_rearm(c);
	return 0;
}

static int enqueue(struct control *c, const uint8_t *bytes, size_t len, int *fd)
{
	return is_queue_full(c, *fd >= 0) ? -ENOBUFS : queue_add(c, bytes, len, fd);
}

/* Sends packets of the batch from @first on; how many, or -errno. */
static int send_some(struct control *c, unsigned first, size_t offset)
{
	struct mmsghdr out[CONTROL_BATCH_MAX];
	struct frame frames[CONTROL_BATCH_MAX];
	struct control_batch *b = &c->batch;
	unsigned n = b->n - first;
	int r;

	if (n == 1) {
		r = send_packet(c->fd, b->bytes + offset, b->packets[first].len,
				b->packets[first].fd);
		return r < 0 ? r : 1;
	}
	for (unsigned i = 0; i < n; i++) {
		frame_outgoing(&frames[i], &out[i].msg_hdr, b->bytes + offset,
			       b->packets[first + i].len, b->packets[first + i].fd);
		offset += b->packets[first + i].len;
	}
	r = sendmmsg(c->fd, out, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	return r < 0 ? -errno : r;
}

/* The kernel has no room for those from @first on. */
static int queue_rest(struct control *c, unsigned first, size_t offset)
{
	struct control_batch *b = &c->batch;

	for (; first < b->n; offset += b->packets[first++].len) {
		int r =
		    queue_add(c, b->bytes + offset, b->packets[first].len, &b->packets[first].fd);

		if (r < 0)
			return r;
	}
	return 0;
}

/* 0: sent or queued. <0: lost. */
static int send_batch(struct control *c)
{
	struct control_batch *b = &c->batch;
	unsigned done = 0;
	size_t offset = 0;
	int r = 0;

	while (done < b->n && r >= 0) {
		r = send_some(c, done, offset);
		for (int i = 0; i < r; i++)
			offset += b->packets[done++].len;
		c->wait_ms = r > 0 ? 0 : c->wait_ms;
	}
	if (r < 0 && must_wait(c, r))
		r = queue_rest(c, done, offset);
	batch_drop(c);
	if (r < 0)
		c->batch_err = r;
	return r < 0 ? r : 0;
}

void control_flush(struct control *c)
{
	if (c->ended || c->closing)
		return;
	(void)send_batch(c);
	/* what a peer that is gone has said is read first; its end comes behind that */
	if (c->batch_err && c->batch_err != -EPIPE && c->batch_err != -ECONNRESET)
		control_end(c, c->batch_err);
}

static void on_turn(uv_idle_t *turn)
{
	(void)uv_idle_stop(turn);
	control_flush(container_of(turn, struct control, turn));
}

void control_owner_flushes(struct control *c)
{
	c->owner_flushes = true;
}

/* 0: there is room for one more packet, or a queue. <0: what was to go before it is lost. */
static int make_room(struct control *c)
{
	const struct control_batch *b = &c->batch;

	if (b->n < CONTROL_BATCH_MAX && b->n_bytes + CONTROL_PACKET_MAX <= sizeof(b->bytes))
		return 0;
	return send_batch(c);
}

int control_send(struct control *c, const struct control_msg *m, int fd)
{
	struct control_batch *b = &c->batch;
	uint8_t packet[CONTROL_PACKET_MAX], *at = packet;
	auto_fd int owned = fd;
	int len, r;

	if (c->ended || c->closing || c->batch_err)
		return -EPIPE;
	r = make_room(c);
	if (r < 0)
		return r;
	if (!c->queue)
		at = b->bytes + b->n_bytes;
	len = control_encode(m, at, CONTROL_PACKET_MAX);
	if (len < 0)
		return len;
	if (c->queue)
		return enqueue(c, packet, (size_t)len, &owned);
	if (b->n == 0 && !c->owner_flushes)
		(void)uv_idle_start(&c->turn, on_turn);
	b->packets[b->n].len = (size_t)len;
	b->packets[b->n++].fd = fd_take(&owned);
	b->n_bytes += (size_t)len;
	return 0;
}

static int enqueue_copy(struct control *c, const uint8_t *bytes, size_t len, int fd)
{
	auto_fd int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return copy < 0 ? -errno : enqueue(c, bytes, len, &copy);
}

int control_lend(struct control *c, const struct control_msg *m, int fd)
{
	uint8_t packet[CONTROL_PACKET_MAX];
	int len, r;

	if (fd < 0)
		return control_send(c, m, -1);
	if (c->ended || c->closing || c->batch_err)
		return -EPIPE;
	len = control_encode(m, packet, sizeof(packet));
	if (len < 0)
		return len;
	r = send_batch(c);
	if (r < 0)
		return r;
	if (c->queue)
		return enqueue_copy(c, packet, (size_t)len, fd);
	r = send_packet(c->fd, packet, (size_t)len, fd);
	if (r < 0 && must_wait(c, r))
		r = enqueue_copy(c, packet, (size_t)len, fd);
	return r;
}

static void send_queue(struct control *c)
{
	while (c->queue) {
		struct control_packet *p = c->queue;
		int r = send_packet(c->fd, p->bytes, p->len, p->fd);

		if (r < 0 && must_wait(c, r))
			break;
		if (r < 0) {
			control_end(c, r);
			return;
		}
		c->wait_ms = 0;
		DL_DELETE(c->queue, p);
		c->queued--;
		c->queued_fds -= p->fd >= 0;
		packet_free(p);
	}
	control_rearm(c);
}

static void on_again(uv_timer_t *t)
{
	struct control *c = container_of(t, struct control, again);

	if (!c->closing && !c->ended)
		send_queue(c);
}

static int take_fd(struct msghdr *m)
{
	int fd = -1;

	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h))
		if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS) {
			fd_close(&fd);
			memcpy(&fd, CMSG_DATA(h), sizeof(int));
		}
	return fd;
}

/* A packet or its descriptors were more than anybody sends. That none is left means that the
 * process has too many. */
static bool is_cut(const struct msghdr *m, int fd)
{
	return m->msg_flags & MSG_TRUNC || (m->msg_flags & MSG_CTRUNC && fd >= 0);
}

static void frame_incoming(struct frame *f, struct msghdr *m,
			   char packet[static CONTROL_PACKET_MAX])
{
	f->iov = (struct iovec){ packet, CONTROL_PACKET_MAX };
	*m = (struct msghdr){ .msg_iov = &f->iov,
			      .msg_iovlen = 1,
			      .msg_control = f->control.bytes,
			      .msg_controllen = CMSG_LEN(sizeof(int)) }; /* with padding: two */
}

/* @fd came with it and is consumed. 0: delivered. <0: the channel is at its end (-EPIPE: the peer
 * closed). */
static int take_packet(struct control *c, const struct mmsghdr *in, int fd)
{
	const struct msghdr *m = &in->msg_hdr;
	struct control_msg msg;
	auto_fd int owned = fd;

	if (in->msg_len == 0)
		return -EPIPE;
	if (is_cut(m, fd) ||
	    control_decode((struct str){ m->msg_iov->iov_base, in->msg_len }, &msg) < 0)
		return -EBADMSG;
	msg.fd_lost = m->msg_flags & MSG_CTRUNC;
	c->ops->on_message(c, &msg, fd_take(&owned));
	return 0;
}

/* 1: there may be more. 0: there is not. <0: the channel is at its end. */
static int receive(struct control *c)
{
	char packets[READ_BATCH][CONTROL_PACKET_MAX];
	struct mmsghdr in[READ_BATCH];
	struct frame frames[READ_BATCH];
	int n, err = 0;

	for (int i = 0; i < READ_BATCH; i++)
		frame_incoming(&frames[i], &in[i].msg_hdr, packets[i]);
	n = recvmmsg(c->fd, in, READ_BATCH, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		int fd = take_fd(&in[i].msg_hdr);

		if (err == 0 && !c->closing && !c->ended)
			err = take_packet(c, &in[i], fd_take(&fd));
		fd_close(&fd); /* nobody wants it any more */
	}
	return err < 0 ? err : n == READ_BATCH;
}

static void control_readable(struct control *c)
{
	int r = 1;

	for (int i = 0; r > 0 && i < READS_MAX && !c->closing && !c->ended; i++)
		r = receive(c);
	if (r < 0 && !c->closing)
		control_end(c, r == -EPIPE ? 0 : r);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct control *c = container_of(poll, struct control, poll);

	if (status < 0) { /* libuv has stopped the handle: POLLERR */
		c->events = 0;
		events = UV_READABLE;
	}
	if (events & UV_READABLE)
		control_readable(c);
	if ((events & UV_WRITABLE) && !c->closing && !c->ended)
		send_queue(c);
	if (!c->closing)
		control_rearm(c);
}

static void handle_closed(struct control *c)
{
	if (--c->n_open == 0 && c->on_closed)
		c->on_closed(c);
}

static void on_poll_closed(uv_handle_t *handle)
{
	handle_closed(container_of((uv_poll_t *)handle, struct control, poll));
}

static void on_turn_closed(uv_handle_t *handle)
{
	handle_closed(container_of((uv_idle_t *)handle, struct control, turn));
}

static void on_again_closed(uv_handle_t *handle)
{
	handle_closed(container_of((uv_timer_t *)handle, struct control, again));
}

void control_close(struct control *c, void (*on_closed)(struct control *c))
{
	struct control_packet *p, *next;

	if (c->closing)
		return;
	c->closing = true;
	c->on_closed = on_closed;
	DL_FOREACH_SAFE(c->queue, p, next)
	packet_free(p);
	c->queue = NULL;
	batch_drop(c);
	control_rearm(c);
	c->queued = c->queued_fds = 0;
	uv_close((uv_handle_t *)&c->poll, on_poll_closed);
	uv_close((uv_handle_t *)&c->again, on_again_closed);
	uv_close((uv_handle_t *)&c->turn, on_turn_closed);
	fd_close(&c->fd);
}
