/* The relay between workers: what setupPrimary() of @socket.io/cluster-adapter does, for both
 * families, on frames that are not decoded: a broadcast goes to all members but its sender, an
 * answer to the one that asked. The same bytes are queued for every receiver. What no primary does:
 * when a member leaves, the others are told at once in its name, so that fetchSockets() and
 * acknowledgements do not wait for the dead.
 *
 * Back-pressure: while any member is congested, members that send are not read; they go on when all
 * have caught up. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "ipc/node.h"

struct hub_member;
struct scoreboard;
struct hub_identity;

struct hub_member_ops {
	/* Queues @frame (a reference is taken). True: the member's queue is too long now. */
	bool (*send)(struct hub_member *m, struct blob *frame);
	/* Stops or resumes reading from the member. */
	void (*pause)(struct hub_member *m, bool paused);
};

struct hub {
	enum serialization mode;
	struct hub_member *members;
	unsigned n_congested;
	struct scoreboard *board; /* borrowed; NULL: nothing is counted */
};

struct hub_member {
	struct hub *hub; /* NULL: not joined */
	struct hub_member *prev, *next;
	const struct hub_member_ops *ops;
	int64_t worker_id;               /* cluster.worker.id: how 0.2.x names it */
	struct hub_identity *identities; /* (uid, namespace) pairs it has spoken with: 0.3.x */
	unsigned n_identities;
	bool old_family; /* it has spoken 0.2.x */
	bool congested, paused;
};

/* All members use the same serialization. */
void hub_init(struct hub *h, enum serialization mode);

/* @m is the caller's memory and stays until hub_leave(). */
void hub_join(struct hub *h, struct hub_member *m, const struct hub_member_ops *ops,
	      int64_t worker_id);

/* Takes @m out and tells the others. Idempotent; calls ops of the others only. */
void hub_leave(struct hub_member *m);

/* A frame (with framing) of an adapter, read as @msg (NODE_ADAPTER), came from @from; nothing
 * happens when that has left. */
void hub_receive(struct hub_member *from, const struct node_msg *msg, struct str frame);

/* The member's queue is short again. */
void hub_drained(struct hub_member *m);
