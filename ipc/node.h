/* The messages of Node's child_process and cluster modules, of @socket.io/sticky, of the adapters
 * and of prom-client, as they travel on a worker's channel. Source: lib/internal/child_process.js,
 * lib/internal/cluster/{child,primary}.js,
 * @socket.io/sticky 1.0.4 and 2.0.1, @socket.io/cluster-adapter 0.2.2 and 0.3.0. Pure: bytes in,
 * structs out. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "ipc/value.h"
#include "ipc/wire.h"

enum node_kind {
	NODE_OTHER,        /* the app's own message */
	NODE_ONLINE,       /* first frame of a cluster worker, before user code runs */
	NODE_QUERY_SERVER, /* listen() or bind(): wants an answer */
	NODE_LISTENING,
	NODE_CLOSE,                   /* .key */
	NODE_EXITED_AFTER_DISCONNECT, /* wants node_ack() or the worker hangs */
	NODE_ACCEPTED,                /* answer to a newconn: .ack, .accepted */
	NODE_HANDLE,                  /* the worker sent a handle up: answer node_handle_ack() */
	NODE_HANDLE_ACK,
	NODE_HANDLE_NACK,
	NODE_USER_READY,           /* process.send('ready') */
	NODE_STICKY_CONNECTION,    /* .sid: a new Engine.IO session */
	NODE_STICKY_DISCONNECTION, /* .sid */
	NODE_ADAPTER,  /* source "_sio_adapter": a cluster-adapter frame, for the relay */
	NODE_ENGINE,   /* _source "_eio": one of cluster-engine */
	NODE_METRICS,  /* prom-client's answer to node_metrics_request(): .request_id */
	NODE_INTERNAL, /* Node's own, but none that we know: never for an app's ears */
	NODE_N_KINDS,
};

enum { NODE_ADDRESS_MAX = 1024, NODE_KEY_MAX = 64, NODE_SID_MAX = 256 };

/* addressType of a queryServer (lib/internal/cluster/primary.js): -1 is a unix path. */
enum node_address_type {
	NODE_ADDR_TCP4 = 4,
	NODE_ADDR_TCP6 = 6,
	NODE_ADDR_UNIX = -1,
	NODE_ADDR_UDP4 = 104,
	NODE_ADDR_UDP6 = 106,
	NODE_ADDR_FD = 0
};

static inline bool node_address_is_stream(enum node_address_type t)
{
	return t == NODE_ADDR_TCP4 || t == NODE_ADDR_TCP6 || t == NODE_ADDR_UNIX;
}

struct node_msg {
	enum node_kind kind;
	int64_t seq; /* -1 when there is none */
	int64_t ack; /* ditto */
	bool accepted;
	int64_t request_id; /* -1: not a number */
	/* NODE_QUERY_SERVER, NODE_LISTENING */
	enum node_address_type address_type;
	bool any_address;               /* address: null */
	char address[NODE_ADDRESS_MAX]; /* IP text or absolute unix path; "" for null */
	int64_t port, index, fd, flags, backlog;
	bool readable_all, writable_all;
	struct value data; /* must be echoed in the answer: TLS servers read ticket keys there */
	char key[NODE_KEY_MAX];
	char sid[NODE_SID_MAX + 1];
	/* NODE_ADAPTER, NODE_ENGINE: borrowed from the payload */
	int64_t adapter_type; /* -1: not a number */
	/* of 0.3; of cluster-engine, .uid is its senderId and .requester_uid its recipientId */
	struct value uid, nsp, requester_uid;
	struct value
	    worker_id; /* 0.2: data.workerId, or data itself where that is the sender's id */
};

/* Reads one payload out of wire_split(). 0: *ret set. -EBADMSG: it is no value. -E2BIG:
 * see wire_skim(). */
int node_read(enum serialization mode, struct str payload, struct node_msg *ret);

/* Frames to a worker; each returns a blob with one reference, or NULL (ENOMEM). */

/* Answer to queryServer @q: the server may be listening under @key. @errno_neg is 0 or a negative
 * errno, which becomes the app's 'error' event. @sockname: IP text or NULL; the port in the answer
 * is @port. */
struct blob *node_listen_reply(enum serialization mode, const struct node_msg *q, const char *key,
			       int errno_neg, const char *sockname, int64_t port, uint32_t seq);
/* The same with a shared handle: goes with the fd (UDP, NODE_CLUSTER_SCHED_POLICY=none). */
struct blob *node_shared_reply(enum serialization mode, const struct node_msg *q, const char *key,
			       uint32_t seq);
/* Client connections for the server @key: what all of them begin with, which the caller keeps and
 * ends with wire_drop(). */
void node_newconn_begin(struct wire_writer *w, enum serialization mode, const char *key);
/* One of them: goes with the fd; answered NODE_HANDLE_ACK, then NODE_ACCEPTED with ack == @seq. */
struct blob *node_newconn(const struct wire_writer *begin, uint32_t seq);
/* A connection for setupWorker() of @socket.io/sticky, its bytes left in the kernel: goes with the
 * fd. */
struct blob *node_sticky_connection(enum serialization mode);
/* A handle message without a handle: unmodified Node answers NODE_HANDLE_NACK from its event loop
 * and the app sees nothing. Never while a real handle is outstanding. */
struct blob *node_ping(enum serialization mode);
struct blob *node_ack(enum serialization mode, int64_t ack, uint32_t seq);
struct blob *node_handle_ack(enum serialization mode);
/* cluster's worker.disconnect(): close servers, leave when idle. */
struct blob *node_disconnect(enum serialization mode, uint32_t seq);
/* What process.on('message') of the app hears. */
struct blob *node_text(enum serialization mode, const char *text);
/* prom-client's primary asks a worker for its metrics; one with an AggregatorRegistry answers with
 * NODE_METRICS and the same id (prom-client 15 lib/cluster.js). */
struct blob *node_metrics_request(enum serialization mode, uint32_t request_id);
/* Membership repair: ADAPTER_CLOSE (13) in the name of a dead member of cluster-adapter 0.3,
 * WORKER_EXIT (3) of 0.2. @uid and @nsp are values skimmed from the dead worker's frames. */
struct blob *node_adapter_close(enum serialization mode, const struct value *uid,
				const struct value *nsp);
struct blob *node_adapter_worker_exit(enum serialization mode, int64_t worker_id);
