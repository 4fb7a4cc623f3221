/* One worker's IPC channel: whole frames and descriptors over a unix stream socket, on libuv.
 *
 * Sending: frames are queued by reference and written in order, many in one sendmsg(2). A frame
 * with a descriptor goes out in two steps: all bytes but the last as ordinary bytes, then exactly
 * one byte that carries the descriptor. The kernel cannot cut a one-byte buffer, so the read that
 * delivers the descriptor is the read that completes its frame, and handles may be pipelined
 * without waiting for Node's acknowledgement. (libuv takes one descriptor per read and Node keeps
 * only the latest: with the fd on the first byte, a frame cut at a 64 KiB read boundary gives
 * client A's message the socket of client B.)
 *
 * The queue is bounded by its owner: channel_queued_bytes() tells, on_drain says when it is low
 * again. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "base/buf.h"
#include "ipc/value.h"

struct channel;
struct channel_item;

enum {
	CHANNEL_BATCH_MAX = 32 << 10,  /* one send of bounded channels: the kernel keeps it whole */
	CHANNEL_UNREAD_MAX = 64 << 10, /* what Node takes with one read */
	CHANNEL_FRAME_MAX = 64 << 20,  /* a longer frame ends the channel with -EMSGSIZE */
	CHANNEL_QUEUE_HIGH = 4 << 20,  /* senders should stop: see channel_is_congested() */
	CHANNEL_QUEUE_LOW = 1 << 20,
};

struct channel_ops {
	/* One frame's payload, valid during the call. @frame is the same with its framing, for
	 * relaying unchanged. @fd is -1 or a descriptor the worker sent, consumed by the callee.
	 * May call any channel function, channel_close() too. */
	void (*on_frame)(struct channel *ch, struct str payload, struct str frame, int fd);
	/* The queue was congested and is below CHANNEL_QUEUE_LOW now. */
	void (*on_drain)(struct channel *ch);
	/* The peer closed (0), wrote garbage (-EBADMSG, -EMSGSIZE) or the socket failed (-errno).
	 * Once; no further frames. The callee calls channel_close() now or later. */
	void (*on_end)(struct channel *ch, int err);
};

struct channel {
	uv_poll_t poll;
	int fd;
	enum serialization mode;
	const struct channel_ops *ops;
	struct buf in;
	size_t searched; /* bytes of it that are known to hold no end of a JSON frame */
	int in_fd;       /* received, belongs to the frame that is completed next */
	struct channel_item *queue, *spare;
	size_t queued_bytes, head_offset;
	int events; /* what uv_poll waits for */
	bool paused, congested, ended, closing;
	bool bound_unread;
	size_t unread; /* at most: sent since the peer was last seen to have read everything */
	uv_timer_t look_again;
	unsigned look_again_ms, n_open;
	void (*on_closed)(struct channel *ch);
};

/* Takes over @fd, consumed always (non-blocking and CLOEXEC from now on). 0 or a negative errno; on
 * failure nothing is left to close. */
int channel_init(struct channel *ch, uv_loop_t *loop, int fd, enum serialization mode,
		 const struct channel_ops *ops);

/* From now on the peer never has more unread than it takes with one read: whole frames, 64 KiB in
 * all, or a single longer one. For the Node versions whose channel stands still for ever when a
 * read ends inside a length prefix (nodejs: lib/internal/child_process/serialization.js before
 * 20.19 and 22.14). Costs a wait of a millisecond or more when the peer is that far behind. */
void channel_bound_unread(struct channel *ch);

/* Queues @frame (a reference is taken) and tries to write at once. @fd is -1 or borrowed: it must
 * stay open until the peer has acknowledged the handle, or the channel is closed. 0, or -ENOMEM,
 * -EPIPE (ended or closing). Errors of the socket are reported by on_end, never from inside this
 * call. */
int channel_send(struct channel *ch, struct blob *frame, int fd);

/* Stops or resumes reading: back-pressure on a worker that sends faster than the others read. */
void channel_pause(struct channel *ch);
void channel_resume(struct channel *ch);

static inline bool channel_is_congested(const struct channel *ch)
{
	return ch->congested;
}

/* The only door, idempotent: drops the queue, closes the socket. @on_closed runs later from the
 * loop; the memory must live until then. */
void channel_close(struct channel *ch, void (*on_closed)(struct channel *ch));
