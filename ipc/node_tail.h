/* The end of an adapter's frame, by which the next one of the same adapter is known without walking
 * over its data.
 *
 * cluster-adapter 0.3 writes { type, data, uid, nsp, source } (socket.io-adapter 2.5.8:
 * cluster-adapter.ts; cluster-adapter 0.3.0), so a frame that begins with a type and data and ends
 * as one before it ended says the same of itself. That the end belongs to the outermost object,
 * and not to a text inside it that a client has sent: in JSON a text has no bare quotes; in V8's
 * format a client would have to know the uid, 64 random bits that adapters tell nobody but each
 * other. */
#pragma once

#include "ipc/node.h"

enum { NODE_TAIL_MAX = 256 };

/* Zero-initialise. */
struct node_tail {
	size_t n; /* 0: none is known */
	size_t uid_at, uid_n, nsp_at, nsp_n;
	char bytes[NODE_TAIL_MAX];
};

/* @m is what node_read() has found in @payload. Kept if it is of use for the next one. */
void node_tail_learn(struct node_tail *t, enum serialization mode, struct str payload,
		     const struct node_msg *m);

/* True: @payload ends as the one that was learned, and *ret is set as node_read() sets it. */
bool node_tail_read(const struct node_tail *t, enum serialization mode, struct str payload,
		    struct node_msg *ret);
