/* What a worker's app says of its servers (node.h: NODE_QUERY_SERVER, NODE_CLOSE, NODE_LISTENING),
 * and which of them is the public one, the server of the public port:
 *
 *	1. the one that asked for the public port itself (PORT), however late
 *	2. else setupWorker() of @socket.io/sticky, which needs none
 *	3. else the first TCP server at a fixed port that is not loopback's: the app does not know
 *	   PORT. For SUBSTITUTE_MS the others may still come, in which case nothing of it is seen
 *	   at the public port; from then on it is known for all workers that start. Where nobody
 *	   has set PORT, so that workers are not told it, one at loopback or at port 0 is better
 *	   than none.
 *
 * Where workers are at different ports then (one each, by NODE_APP_INSTANCE), each port leads to
 * its own worker, and the public port to any.
 *
 * Where a worker of this sioinit has ever asked for the public port, the third is none.
 *
 * A worker that has closed its public server gets no new clients. Unless it opens one within
 * REOPEN_MS it is on its way out and is replaced; then it stays for as long as it has clients. */
#pragma once

#include "init/worker/worker.h"

enum { SUBSTITUTE_MS = 2000, REOPEN_MS = 2000 };

void listening_query(struct worker *w, const struct node_msg *q, const struct channel_frame *f);
void listening_closed(struct worker *w, const struct node_msg *m, const struct channel_frame *f);
void listening_begun(struct worker *w, const struct node_msg *m, const struct channel_frame *f);

/* It has called cluster.worker.disconnect(): it opens nothing any more. */
void listening_disconnected(struct worker *w);

/* Its app has ended: no clients, and unless another one listens within @again_ms it is replaced. */
void listening_lost(struct worker *w, uint64_t again_ms);
/* Another one has begun, and has ready-timeout for that. */
void listening_begins_again(struct worker *w);

/* The server for a hand-off to @listener, or NULL: it is closed. */
struct server *listening_server(const struct worker *w, uint32_t listener);

/* The worker is gone, and so are its servers. */
void listening_end(struct worker *w);
