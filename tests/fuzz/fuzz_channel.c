/* A worker's bytes through a real channel, in pieces of any size, some with a descriptor: the
 * frames and the end are those of the whole. The first byte is the serialization and, by its bits,
 * whether the reader sends every frame back, whether pieces bring descriptors, and after how many
 * frames the reader closes the channel; the second byte is the seed of the sizes. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macros.h"
#include "ipc/channel.h"
#include "ipc/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { TURNS_MAX = 100, BYTES_MAX = 64 << 10 };

/* Bits of the first byte. */
enum { ADVANCED = 0x01, ECHOES = 0x02, DESCRIPTORS = 0x04, CLOSES = 0x08, FRAMES_SHIFT = 6 };

struct reader {
	struct channel channel;
	struct buf frames; /* each with its framing */
	unsigned how, n_frames;
	int err;
	bool ended, closed;
};

static bool closes_now(const struct reader *r)
{
	return r->how & CLOSES && r->n_frames > r->how >> FRAMES_SHIFT;
}

/* Nobody reads what comes back: it piles up, as at a worker that is stopped. */
static void echo(struct channel *ch, struct str frame, bool relayed)
{
	struct blob *b = blob_copy(frame);
	int r = !b ? -ENOMEM : relayed ? channel_relay(ch, b) : channel_send(ch, b, STDERR_FILENO);

	if (r < 0 && r != -ENOBUFS)
		abort();
	blob_unref(b);
}

static void on_frame(struct channel *ch, const struct channel_frame *f)
{
	struct reader *r = container_of(ch, struct reader, channel);

	if ((f->fd >= 0 && !(r->how & DESCRIPTORS)) || f->payload.n >= f->bytes.n || r->ended ||
	    r->closed)
		abort();
	if (f->fd >= 0 && close(f->fd) < 0)
		abort();
	if (buf_append(&r->frames, f->bytes.p, f->bytes.n) < 0)
		abort();
	r->n_frames++;
	if (r->how & ECHOES)
		echo(ch, f->bytes, r->n_frames % 3);
	if (!closes_now(r))
		return;
	r->closed = true;
	channel_close(ch, NULL);
}

static void on_read_end(struct channel *ch)
{
	if (container_of(ch, struct reader, channel)->closed)
		abort();
}

/* Of a length that is larger than the input. */
static void on_no_room(struct channel *ch, size_t n)
{
	(void)ch;
	(void)n;
}

static void on_end(struct channel *ch, int err)
{
	struct reader *r = container_of(ch, struct reader, channel);

	if (r->ended || r->closed)
		abort();
	r->ended = true;
	r->err = err;
}

static const struct channel_ops ops = { on_frame, on_read_end, on_no_room, on_end };

static ssize_t send_piece(int sock, const char *p, size_t n, bool with_fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { (void *)p, n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fd = STDERR_FILENO;

	if (with_fd) {
		m.msg_control = control.bytes;
		m.msg_controllen = sizeof(control.bytes);
		*CMSG_FIRSTHDR(&m) = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
						       .cmsg_type = SCM_RIGHTS,
						       .cmsg_len = CMSG_LEN(sizeof(int)) };
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &fd, sizeof(int));
	}
	return sendmsg(sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void send_in_pieces(struct reader *r, uv_loop_t *loop, int fd, struct str rest,
			   unsigned seed)
{
	while (rest.n > 0 && !r->closed) {
		size_t most = seed % 7 ? 1 + seed % 61 : BYTES_MAX,
		       size = rest.n < most ? rest.n : most;
		ssize_t n = send_piece(fd, rest.p, size, r->how & DESCRIPTORS && seed % 3 == 0);

		if (n > 0) {
			rest.p += n;
			rest.n -= (size_t)n;
		}
		seed = seed * 1103515245 + 12345;
		(void)uv_run(loop, UV_RUN_NOWAIT);
	}
}

static void through_a_channel(struct reader *r, enum serialization mode, struct str bytes,
			      unsigned seed)
{
	static struct quota quota = { .max = 1 << 20 };
	static uv_loop_t loop;
	static bool ready;
	int sv[2];

	if (!ready && uv_loop_init(&loop) < 0)
		abort();
	ready = true;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0 ||
	    channel_init(&r->channel, &loop, sv[0], mode, &ops, &quota) < 0)
		abort();
	send_in_pieces(r, &loop, sv[1], bytes, seed);
	(void)close(sv[1]);
	for (int i = 0; i < TURNS_MAX && !r->ended && !r->closed; i++)
		(void)uv_run(&loop, UV_RUN_NOWAIT);
	if (!r->closed)
		channel_close(&r->channel, NULL);
	(void)uv_run(&loop, UV_RUN_DEFAULT);
}

/* How many bytes of @bytes are whole frames; *ret_err: how they end. */
static size_t in_one_piece(enum serialization mode, struct str bytes, int *ret_err)
{
	size_t used = 0, size;
	struct str payload;

	while ((*ret_err = wire_split(mode, (struct str){ bytes.p + used, bytes.n - used },
				      CHANNEL_FRAME_MAX, &payload, &size)) == 1)
		used += size;
	return used;
}

/* A reader that closes has seen the beginning only. What was sent back and not read makes a reset
 * of the end. */
static void check(const struct reader *r, enum serialization mode, struct str in)
{
	int err;
	size_t whole = in_one_piece(mode, in, &err);

	if (r->frames.len && memcmp(r->frames.p, in.p, r->frames.len) != 0)
		abort();
	if (r->closed
		? r->frames.len > whole
		: !r->ended || r->frames.len != whole || (r->err != err && !(r->how & ECHOES)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct reader r;
	enum serialization mode;
	struct str in;

	if (n < 2 || n > BYTES_MAX)
		return 0;
	mode = bytes[0] & ADVANCED ? SERIAL_ADVANCED : SERIAL_JSON;
	in = (struct str){ (const char *)bytes + 2, n - 2 };
	r = (struct reader){ .frames = BUF_INIT(BYTES_MAX), .how = bytes[0] };
	through_a_channel(&r, mode, in, bytes[1]);
	check(&r, mode, in);
	buf_free(&r.frames);
	return 0;
}
