/* One worker's IPC channel: whole frames and descriptors over a unix stream socket, on libuv.
 *
 * Reading never stops: what bounds the memory for it is that a frame is passed over when its owner
 * has no room for it. Only broken framing, the end and errors of the socket end a channel.
 *
 * Sending: frames are queued by reference and written once a turn of the loop, many in one
 * sendmsg(2). There are two classes. What init has to say itself (answers, pings, hand-offs) goes
 * first; relayed frames come behind it, in their order. A frame that has begun is finished before
 * anything else. The queues are bounded by their owner, but for the first one: see channel_send().
 *
 * The read that delivers a descriptor has to be the read that completes its frame; then handles may
 * be pipelined without waiting for Node's acknowledgement. (libuv takes one descriptor per read and
 * Node keeps only the latest: a frame cut at a 64 KiB read boundary gives client A's message the
 * socket of client B.) A read ends behind the buffer that carries a descriptor, so what was sent
 * since the last one is all that the next read can begin with: when that and the frame fit into one
 * read, and the frame into one buffer of the kernel, it goes out at once. Else it goes in two
 * steps: all bytes but the last as ordinary bytes, then exactly one byte, which cannot be cut, with
 * the descriptor. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "ipc/value.h"

struct channel;
struct channel_item;

enum {
	CHANNEL_BATCH_MAX = 32 << 10,  /* one send of bounded channels: the kernel keeps it whole */
	CHANNEL_UNREAD_MAX = 64 << 10, /* what Node takes with one read */
	CHANNEL_FRAME_MAX = 1 << 30,   /* a longer one is broken framing: V8 has no such string */
	CHANNEL_LARGE = 128 << 10,     /* a frame that takes more counts in the quota */
	CHANNEL_OWN_FRAMES_MAX = 8192, /* of channel_send() that may wait */
	CHANNEL_OWN_BYTES_MAX = 4 << 20,
};

/* One that was received; all of it is valid during the call. */
struct channel_frame {
	struct str payload, bytes; /* without and with its framing */
	struct blob *blob;         /* NULL, or the same as .bytes: a reference of it saves a copy */
	int fd; /* -1, or a descriptor that the worker sent: consumed by the callee */
};

struct channel_ops {
	/* May call any channel function, channel_close() too. */
	void (*on_frame)(struct channel *ch, const struct channel_frame *f);
	/* The frames of one read have been handed out; their bytes are gone after this. */
	void (*on_read_end)(struct channel *ch);
	/* The quota has no room for @n more bytes: the owner may make some. If there still is none,
	 * the frame is passed over, which @n = 0 tells. */
	void (*on_no_room)(struct channel *ch, size_t n);
	/* The peer closed (0), broke the framing (-EBADMSG) or the socket failed (-errno). Once; no
	 * further frames. The callee calls channel_close() now or later. */
	void (*on_end)(struct channel *ch, int err);
};

struct channel {
	uv_poll_t poll;
	int fd;
	enum serialization mode;
	const struct channel_ops *ops;
	struct quota *quota;    /* of large frames while they are received */
	struct blob *in;        /* the begin of a frame; .len is its capacity */
	size_t in_len, in_size; /* .in_size: what the frame takes in all, 0: not known */
	uint64_t in_since_ms;   /* when the last of it came */
	size_t searched;        /* bytes of it that are known to hold no end of a JSON frame */
	size_t skip;            /* bytes of an advanced frame that is passed over */
	bool skips_line;        /* the same for JSON, up to its end */
	int in_fd;              /* received, belongs to the frame that is completed next */
	struct channel_item *queue, *last_own, *spare;
	unsigned n_own; /* frames of channel_send() in the queue */
	size_t own_bytes, relayed_bytes, head_offset;
	uint64_t n_sent; /* frames of channel_send() that are written */
	int events;      /* what uv_poll waits for */
	bool ended, closing;
	bool bound_unread;
	size_t unread;     /* at most: sent since the peer was last seen to have read everything */
	size_t since_fd;   /* sent since the last descriptor */
	uv_prepare_t turn; /* active: something is to be written before the loop waits */
	uv_timer_t look_again;
	unsigned look_again_ms, n_open;
	void (*on_closed)(struct channel *ch);
};

/* Takes over @fd, consumed always (non-blocking and CLOEXEC from now on). @quota is borrowed. 0 or
 * a negative errno; on failure nothing is left to close. */
int channel_init(struct channel *ch, uv_loop_t *loop, int fd, enum serialization mode,
		 const struct channel_ops *ops, struct quota *quota);

/* @bound: from now on the peer never has more unread than it takes with one read: whole frames, 64
 * KiB in all, or a single longer one. For the Node versions whose channel stands still for ever
 * when a read ends inside a length prefix (nodejs: lib/internal/child_process/serialization.js
 * before 20.19 and 22.14). Costs a wait of a millisecond or more when the peer is that far behind.
 */
void channel_bound_unread(struct channel *ch, bool bound);

/* Queues @frame (a reference is taken) before all that is relayed; it is written before the loop
 * waits again. @fd is -1 or borrowed until channel_has_sent() the frame, the channel has ended or
 * channel_close() was called: its owner keeps it open that long. 0, or -ENOMEM, -EPIPE (ended or
 * closing), -ENOBUFS: CHANNEL_OWN_*_MAX are waiting, the peer does not read what it asks for.
 * Errors of the socket are reported by on_end, never from inside this call. */
int channel_send(struct channel *ch, struct blob *frame, int fd)
    __attribute__((warn_unused_result));

/* The same for a frame that is relayed. 0, -ENOMEM, -EPIPE. */
int channel_relay(struct channel *ch, struct blob *frame) __attribute__((warn_unused_result));

/* Takes back all relayed frames, but for one that has begun. */
void channel_drop_relayed(struct channel *ch);

/* How many bytes of relayed frames wait. */
static inline size_t channel_relayed_bytes(const struct channel *ch)
{
	return ch->relayed_bytes;
}

/* Since when the first of them does (uv_now()); 0: none waits. */
uint64_t channel_relayed_since_ms(const struct channel *ch);

/* What the begin of a large frame takes of the quota; 0: none has begun. */
static inline size_t channel_incoming_bytes(const struct channel *ch)
{
	return ch->in && ch->in->quota ? ch->in->len : 0;
}

/* Since when nothing more of it has come (uv_now()). */
static inline uint64_t channel_incoming_since_ms(const struct channel *ch)
{
	return ch->in_since_ms;
}

/* Passes over the frame that has begun (on_no_room tells). Not from inside on_frame. */
void channel_drop_incoming(struct channel *ch);

/* The number of the frame that channel_send() has queued last: 1 for the first of a channel. */
static inline uint64_t channel_last_number(const struct channel *ch)
{
	return ch->n_sent + ch->n_own;
}

/* Whether the frame with that number has been written to its last byte. */
static inline bool channel_has_sent(const struct channel *ch, uint64_t number)
{
	return number <= ch->n_sent;
}

/* The peer is dead: hands out what it had written, until the kernel has no more. May end in on_end.
 */
void channel_read_rest(struct channel *ch);

/* After its end: goes on with another peer. What was queued or received in part is dropped; @fd, a
 * non-blocking socket, is consumed. 0, or -errno: it has ended as before. */
int channel_reopen(struct channel *ch, int fd);

/* The only door, idempotent: drops the queue, closes the socket. @on_closed runs later from the
 * loop; the memory must live until then. */
void channel_close(struct channel *ch, void (*on_closed)(struct channel *ch));
