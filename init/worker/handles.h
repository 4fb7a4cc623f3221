/* The NODE_HANDLE messages on their way to one worker: sockets, handles that workers share, and
 * pings, which are such a message without a descriptor. Node answers them in their order; nothing
 * is forgotten before that. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ipc/channel.h"
#include "ipc/control.h"
#include "ipc/scoreboard.h"

struct handle;
struct handles;

enum { HANDLES_MAX = 1024, HANDLES_NO_SEQ = -1 };

struct handles_ops {
	/* A socket that the worker refused or did not live to take, as the CONTROL_HANDBACK that
	 * the router wants; @fd is consumed. */
	void (*on_back)(struct handles *hs, const struct control_msg *m, int fd);
	/* A client's socket is the worker's now; @fd, ours, is borrowed and closed after that. */
	void (*on_taken)(struct handles *hs, const struct control_msg *m, int fd);
	/* The ping is answered. */
	void (*on_pong)(struct handles *hs);
};

/* Zero-initialised but for the first three. */
struct handles {
	struct channel *channel; /* borrowed */
	const struct handles_ops *ops;
	counter *pending; /* where the router sees how many clients are among them; may be NULL */
	struct handle *list; /* unanswered, in order */
	unsigned n, n_clients;
	bool pinging, cut;
};

/* Gives the socket of a CONTROL_HANDOFF to the worker with @frame, consumed as @fd is. What is not
 * taken comes back by on_back, maybe before this returns. @seq: of a newconn, which is done when
 * the app has accepted it, or HANDLES_NO_SEQ. @frame may be NULL (it comes back). */
void handles_give(struct handles *hs, const struct control_msg *m, int fd, int64_t seq,
		  struct blob *frame);

/* Sends @fd, borrowed for the call. 0 or -errno. @frame as above. */
int handles_share(struct handles *hs, int fd, struct blob *frame);

/* Asks for a sign of life. Until it is answered no descriptor is sent: Node gives the descriptor of
 * a read to the first NODE_HANDLE message in it, and that would be the ping
 * (lib/internal/child_process.js, channel.onread). 0 or -errno. */
int handles_ping(struct handles *hs, struct blob *frame);

/* NODE_HANDLE_ACK (@taken) or _NACK for the oldest unanswered. False: that one has not been sent
 * yet, so the worker makes up its answers, and nothing has changed. */
bool handles_answered(struct handles *hs, bool taken) __attribute__((warn_unused_result));
/* What the app says of the newconn @seq. False as above. */
bool handles_accepted(struct handles *hs, int64_t seq, bool accepted)
    __attribute__((warn_unused_result));

/* Nothing more is sent: what was not sent yet comes back, as does what is given from now on. */
void handles_stop(struct handles *hs);
/* The channel has ended: nothing is taken any more, and what was not acknowledged comes back. */
void handles_cut(struct handles *hs);
/* The worker is gone and its channel closed: all come back. Idempotent. */
void handles_close(struct handles *hs);
/* After that: its channel is open again. */
void handles_reopen(struct handles *hs);
