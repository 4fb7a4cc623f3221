/* A worker's bytes through a real channel, in pieces of any size: the frames and the end are those
 * of the whole. The first byte is the serialization, the second the seed of the sizes. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/macros.h"
#include "ipc/channel.h"
#include "ipc/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { TURNS_MAX = 100, BYTES_MAX = 64 << 10 };

struct reader {
	struct channel channel;
	struct buf frames; /* each with its framing */
	int err;
	bool ended;
};

static void on_frame(struct channel *ch, const struct channel_frame *f)
{
	struct reader *r = container_of(ch, struct reader, channel);

	if (f->fd >= 0 || f->payload.n >= f->bytes.n || r->ended)
		abort();
	if (buf_append(&r->frames, f->bytes.p, f->bytes.n) < 0)
		abort();
}

static void on_read_end(struct channel *ch)
{
	(void)ch;
}

/* Larger than the input, or a length that is no more than announced. */
static void on_no_room(struct channel *ch, size_t n)
{
	(void)ch;
	(void)n;
}

static void on_end(struct channel *ch, int err)
{
	struct reader *r = container_of(ch, struct reader, channel);

	if (r->ended)
		abort();
	r->ended = true;
	r->err = err;
}

static const struct channel_ops ops = { on_frame, on_read_end, on_no_room, on_end };

static void send_in_pieces(uv_loop_t *loop, int fd, struct str rest, unsigned seed)
{
	while (rest.n > 0) {
		size_t most = seed % 7 ? 1 + seed % 61 : BYTES_MAX,
		       size = rest.n < most ? rest.n : most;
		ssize_t n = send(fd, rest.p, size, MSG_NOSIGNAL | MSG_DONTWAIT);

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
	send_in_pieces(&loop, sv[1], bytes, seed);
	(void)close(sv[1]);
	for (int i = 0; i < TURNS_MAX && !r->ended; i++)
		(void)uv_run(&loop, UV_RUN_NOWAIT);
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

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	enum serialization mode = n && (bytes[0] & 1) ? SERIAL_ADVANCED : SERIAL_JSON;
	static struct reader r;
	struct str in;
	int err;

	if (n < 2 || n > BYTES_MAX)
		return 0;
	in = (struct str){ (const char *)bytes + 2, n - 2 };
	r = (struct reader){ .frames = BUF_INIT(BYTES_MAX) };
	through_a_channel(&r, mode, in, bytes[1]);
	if (!r.ended || r.frames.len != in_one_piece(mode, in, &err) || r.err != err)
		abort();
	if (r.frames.len && memcmp(r.frames.p, in.p, r.frames.len) != 0)
		abort();
	buf_free(&r.frames);
	return 0;
}
