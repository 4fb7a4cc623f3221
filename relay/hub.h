/* The relay between workers: what setupPrimary() of @socket.io/cluster-adapter and of
 * @socket.io/cluster-engine do, on frames that are not decoded: a broadcast goes to the others, an
 * answer to the one that asked. The same bytes are queued for every receiver. What no primary does:
 * when a member leaves, the others are told at once in its name, so that fetchSockets() and
 * acknowledgements do not wait for the dead.
 *
 * Who hears what: an adapter (0.2, 0.3: families that do not understand each other) takes part in
 * its namespace from its first word on, until it says ADAPTER_CLOSE or its worker leaves; whoever
 * has closed is not heard again. What belongs to no namespace (cluster-engine, messages of the
 * app) goes to every member that is ready.
 *
 * Memory: what waits for receivers, each byte counted once, and large frames that are being
 * received count in one quota. At its end, in this order: large frames that have begun and do not
 * go on are passed over; the slowest receiver leaves; who has sent most of what waits leaves, or
 * else the receiver that most waits for. The last two pay only for what takes less than they do:
 * else it is passed over itself, as is what is larger than the quota. A receiver whose first frame
 * has waited for too long leaves, too, and so does one that a frame could not be queued for: who
 * has missed a broadcast does not go on as if it had not. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "ipc/channel.h"
#include "ipc/node.h"

struct hub_adapter;
struct hub_group;
struct hub_member;
struct scoreboard;

enum {
	/* What membership may take for one member; then it is told everything, and its end is
	 * announced for what is known. */
	HUB_MEMBERSHIP_BYTES_MAX = 4 << 20,
	HUB_NAME_MAX = 256, /* a longer name of a namespace is kept as its hash */
	HUB_SLOW_MS = 1000, /* a receiver that is behind by this is slow, not just in a burst */
};

enum hub_passed_over {
	HUB_UNREADABLE, /* no value of its serialization */
	HUB_NO_ROOM,    /* larger than what is left of the quota, or no memory */
	HUB_N_PASSED_OVER,
};

/* What waits for a receiver, or the begin of a large frame of a sender. */
struct hub_backlog {
	size_t bytes;
	uint64_t age_ms; /* of the first frame; since the last of it came */
};

struct hub_member_ops {
	/* Queues @frame (a reference is taken). 0 or -errno. Must not call the hub. */
	int (*send)(struct hub_member *m, struct blob *frame);
	struct hub_backlog (*backlog)(struct hub_member *m);
	struct hub_backlog (*incoming)(struct hub_member *m);
	/* Passes over the frame of which that is the begin. Must not call the hub, but for
	 * hub_passed_over(). */
	void (*drop_incoming)(struct hub_member *m);
	/* The member has left the relay for @why (static text), the others are told: it is to be
	 * replaced. Called when nothing of the hub is on the stack but the call that led to it. */
	void (*on_evicted)(struct hub_member *m, const char *why);
};

struct hub_target {
	enum { HUB_TO_NOBODY, HUB_TO_ONE, HUB_TO_GROUP, HUB_TO_READY } kind;
	struct hub_member *one;
	struct hub_group *group; /* NULL: nobody is known to be in it */
};

struct hub {
	enum serialization mode;
	struct quota quota;
	size_t limit;        /* what .quota has for max, but for a while after a flood */
	uint64_t timeout_ms; /* 0: none */
	uint64_t seed;       /* of the hash of long names */
	size_t run_max;      /* the most that is queued as one; CHANNEL_BATCH_MAX unless set */
	struct hub_member *members;
	struct hub_adapter *adapters; /* by uid: hash table */
	struct hub_group *groups;     /* by family and name: hash table */
	struct scoreboard *board;     /* borrowed; NULL: nothing is counted */
	unsigned n_told_all, n_to_evict;
	bool is_evicting;
	uint64_t epoch;    /* grows while the quota is at ease */
	uint64_t delivery; /* grows with each frame: who has it already */
	struct {
		uint64_t n[HUB_N_PASSED_OVER], said; /* in all */
		uint64_t said_ms;
	} passed_over;
	/* Frames that follow each other in a read and go the same way are queued as one. */
	struct {
		struct hub_member *from; /* NULL: none are held */
		struct hub_target to;
		struct str bytes;
	} run;
};

struct hub_member {
	struct hub *hub; /* NULL: not joined */
	struct hub_member *prev, *next;
	const struct hub_member_ops *ops;
	int64_t worker_id;                     /* cluster.worker.id: how 0.2 names it */
	struct hub_adapter *adapters, *closed; /* its own, the ones that have closed by last word */
	size_t membership_bytes;
	uint64_t epoch, sent_bytes; /* sent since the quota was last at ease */
	uint64_t delivery;          /* the last frame that it got */
	const char *evict_why;      /* static text; NULL: it stays */
	bool has_0_2;               /* it has spoken 0.2 */
	bool has_engine;            /* its cluster-engine has a name */
	bool is_ready;              /* it has clients, or may have */
	bool is_told_all;           /* its membership is not known whole */
};

/* All members use the same serialization. @quota_bytes: see above; @timeout_ms: longest wait of a
 * receiver's first frame, 0 = any. */
void hub_init(struct hub *h, enum serialization mode, size_t quota_bytes, uint64_t timeout_ms);

/* @m is the caller's memory and stays until hub_leave(). */
void hub_join(struct hub *h, struct hub_member *m, const struct hub_member_ops *ops,
	      int64_t worker_id);

/* From now on it hears what goes to no namespace. */
void hub_ready(struct hub_member *m);

/* Takes @m out and tells the others. Idempotent. */
void hub_leave(struct hub_member *m);

/* A frame of an adapter or of cluster-engine, read as @msg (NODE_ADAPTER, NODE_ENGINE), came from
 * @from; nothing happens when that has left. Its bytes must stay until hub_flush(). May evict any
 * member. */
void hub_receive(struct hub_member *from, const struct node_msg *msg,
		 const struct channel_frame *f);

/* The same for a message of the app's own: to all others that are ready. */
void hub_relay_app(struct hub_member *from, const struct channel_frame *f);

/* Queues what was held back of a read of @from. */
void hub_flush(struct hub_member *from);

/* Makes room for @n bytes of a large frame that @from sends, if it can. */
void hub_make_room(struct hub_member *from, size_t n);

/* A frame of @from was not relayed. Said once a minute at most. */
void hub_passed_over(struct hub_member *from, enum hub_passed_over reason);

/* Once a second: who has been behind for too long, and what is to be said. */
void hub_look(struct hub *h, uint64_t now_ms);
