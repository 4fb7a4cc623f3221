/* The control channel between init and a router: SOCK_SEQPACKET, one msgpack map per packet, at
 * most one descriptor with it. Both ends are the same binary, so versions always match; yet what
 * does not decode is an error, not a crash.
 *
 *	init → router
 *	LISTENER    accept here (fd), or as what
 *	UNLISTEN    no more
 *	SERVER      a worker listens there, or no more
 *	ADMIN       health and metrics here (fd)
 *	SESSIONS    the session table's memory (fd)
 *	SCOREBOARD  the numbers all share (fd)
 *	WORKER      a worker's state has changed
 *	HANDBACK    a hand-off was refused (fd)
 *	TAKEN       a client's hand-off is done, when that is to be told
 *	SESSION     a worker announced a session
 *	PHASE       serving, lame duck, draining
 *	ADOPT       a poll that another router has lent (fd, twice)
 *	APP_METRICS what the workers have answered (fd)
 *	ACCESS_LOG  write to this file from now on (fd)
 *	ADMIN_ANSWER  to ADMIN_ASK (fd)
 *
 *	router → init
 *	UP          tell me everything
 *	HANDOFF     give this socket to a worker (fd)
 *	PROBED      the worker answered the probe
 *	HEALTH      what a worker says to health checks
 *	IDLE        nobody waits for a draining worker
 *	PARK        keep the connections of this poll (fd, twice)
 *	UNPARK      not any more
 *	APP_METRICS ask the workers for theirs
 *	ADMIN_ASK   somebody at the admin address wants something of init's
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/str.h"

enum control_type {
	CONTROL_LISTENER = 1, /* .listener, .kind (enum listener_kind), .state = other routers wait
				 for the same socket, .style = so will the next sioinit, fd; of one
				 that is known, only .kind is news */
	CONTROL_ADMIN,        /* fd */
	CONTROL_SESSIONS,     /* fd: see session_memory.h */
	CONTROL_SCOREBOARD,   /* .router = which part is yours, fd: see scoreboard.h */
	CONTROL_WORKER,       /* .worker, .slot, .pid, .state, .style, .port, .text, .kind (enum
				 worker_note), .token: another one than before when another
				 server of it is at the public port */
	CONTROL_HANDBACK,     /* as the CONTROL_HANDOFF was, fd */
	CONTROL_SESSION,      /* .worker, .text = sid, .state = 1 opened, 0 closed */
	CONTROL_PHASE,        /* .state (enum phase) */
	CONTROL_HANDOFF,      /* .worker, .token, .kind (enum handoff_kind), .listener, of a client
				 also .begun_us, .visitor, .address, .tls, .span; fd */
	CONTROL_PROBED,       /* .worker, .style: where it answered, .state = 1: it has not, and
				 is taken for ready since its adapter has spoken */
	CONTROL_HEALTH,       /* .worker, .state (enum health_answer), .kind = HTTP status or 0,
				 .waited_ms */
	CONTROL_IDLE,         /* .worker, .state (it keeps its clients), .kind (it has none) */
	CONTROL_PARK,   /* .token, .worker, .kind (enum park_side), .state = keep-alive, .style =
			   HTTP/1.minor, .visitor, .address, .tls, fd */
	CONTROL_UNPARK, /* .token */
	CONTROL_ADOPT,  /* as CONTROL_PARK */
	CONTROL_UP,
	CONTROL_APP_METRICS, /* .token; the answer also has .kind = workers that are missing, .style
				= enum serialization, fd: see app_answers.h, or none */
	CONTROL_ACCESS_LOG,  /* fd, or none: it could not be opened */
	CONTROL_UNLISTEN,    /* .listener, or 0: all at which the next sioinit will accept */
	CONTROL_SERVER,      /* .worker, .listener, .state = 1 opened, 0 closed */
	CONTROL_ADMIN_ASK,   /* .token, .kind (enum admin_ask), .text = the bearer's token, NUL,
				the words of an action; at most ADMIN_ASK_MAX */
	CONTROL_ADMIN_ANSWER, /* .token, .state = HTTP status, .text = JSON, or in fd when it is
				 longer */
	CONTROL_TAKEN,        /* .span */
	CONTROL_N_TYPES,
};

enum listener_kind {
	LISTENER_HTTP, /* requests, routed by session to the app's server of the public port */
	LISTENER_RAW,  /* whole connections to the workers that have a server there, any protocol */
};

enum worker_state {
	WORKER_SPAWNED, /* started, has not spoken */
	WORKER_BOOTING, /* online, not ready: the router probes when .style is WORKER_STYLE_STICKY,
			   or _LISTEN and there is a health path */
	WORKER_READY,
	WORKER_SUSPECT,  /* slow, not well or stopped: known sessions, and new ones when there is no
			    better worker */
	WORKER_CLOSED,   /* has closed its server of the public port, and may open one again:
			    known sessions only */
	WORKER_DRAINING, /* known sessions only, on its way out */
	WORKER_STOPPING, /* nothing any more */
	WORKER_DEAD,     /* forget it */
	WORKER_N_STATES,
};

enum worker_style {
	WORKER_STYLE_UNKNOWN,
	WORKER_STYLE_LISTEN, /* cluster listen(): hand-off by newconn */
	WORKER_STYLE_STICKY, /* setupWorker(): hand-off by sticky:connection */
	WORKER_STYLE_PORT,   /* listens by itself on .port */
	WORKER_STYLE_UNIX,   /* ditto on the path .text */
};

/* Bits. */
enum worker_note {
	WORKER_HAS_ADAPTER = 1,   /* its Socket.IO adapter has spoken */
	WORKER_IS_EMPTIED = 2,    /* draining: its connections are to end within the drain time */
	WORKER_KEEPS_CLIENTS = 4, /* draining: its clients stay with it, it is told to stop first */
};

enum handoff_kind {
	HANDOFF_CLIENT,   /* a client's own socket, from its upgrade request on */
	HANDOFF_UPSTREAM, /* the worker's end of a loopback pair for proxied requests */
	HANDOFF_PROBE, /* ditto, to see whether it answers at all; goes out as sticky:connection */
	HANDOFF_RAW,   /* a connection of a LISTENER_RAW */
};

enum health_answer {
	HEALTH_OPEN, /* not yet; told again while the question is open */
	HEALTH_GOOD, /* 2xx */
	HEALTH_BAD,  /* anything else, or nobody there */
};

/* The connections of a poll. */
enum park_side { PARK_CLIENT, PARK_UPSTREAM, PARK_N };

enum phase {
	PHASE_STARTING, /* no worker has been ready yet */
	PHASE_SERVING,
	PHASE_LAME_DUCK, /* not ready for the outside, still serving */
	PHASE_DRAINING,  /* no new connections; finish what is there */
};

enum admin_ask {
	ADMIN_ASK_ACCESS,   /* whether the token is known */
	ADMIN_ASK_DEATHS,   /* how workers ended, with their last words for who has the token */
	ADMIN_ASK_SETTINGS, /* in the same way */
	ADMIN_ASK_ACTION,   /* reload, restart/SLOT, ...: for who has the token */
	ADMIN_ASK_N,
};

/* Bytes of what ADMIN_ASK has; ADMIN_TOKEN_MIN is for SIOINIT_ADMIN_TOKEN. */
enum {
	ADMIN_TOKEN_MIN = 16,
	ADMIN_TOKEN_MAX = 256,
	ADMIN_WORDS_BYTES_MAX = 128,
	ADMIN_ASK_MAX = ADMIN_TOKEN_MAX + 2 + ADMIN_WORDS_BYTES_MAX,
	ADMIN_ANSWER_INLINE_MAX = 512,
};

struct control_msg {
	enum control_type type;
	uint32_t worker; /* id, unique per start; 0 = none */
	uint32_t slot;
	uint32_t pid;
	uint32_t port;
	uint32_t state;
	uint32_t style;
	uint32_t kind;
	uint32_t listener; /* 0 = the public port */
	uint32_t router;   /* which one; of a hand-off, init's note where it came from */
	uint64_t token;    /* the router's name for a hand-off */
	uint64_t begun_us; /* of a client's hand-off: when it was decided, CLOCK_MONOTONIC */
	struct str text;   /* borrowed */
	uint32_t waited_ms;
	uint64_t visitor;    /* whom a client counts for (visitor_key()); 0 = nobody */
	uint64_t address[2]; /* the bytes of a struct ip, which a PROXY header may have named; of a
				unix peer 0 */
	uint64_t span;       /* that ends when the client is the worker's; 0 = none */
	uint32_t tls;        /* 1: the client came by TLS, as a PROXY header said */
	bool fd_lost; /* not encoded: a descriptor came with it that we had no room for (EMFILE) */
};

/* Encodes @m into @dst. Returns its length or -EMSGSIZE. */
int control_encode(const struct control_msg *m, uint8_t *dst, size_t size);
/* Decodes one packet; ret->text borrows it. 0, or -EBADMSG: it is not one map of
 * fields that we know and nothing behind it. */
int control_decode(struct str packet, struct control_msg *ret);

enum {
	CONTROL_PACKET_MAX = 1024,
	CONTROL_QUEUE_MAX = 65536,    /* packets */
	CONTROL_QUEUED_FDS_SHARE = 4, /* of those with descriptors, at most RLIMIT_NOFILE / this */
	CONTROL_BATCH_MAX = 32,       /* packets that go out together */
	CONTROL_BATCH_BYTES = 4096,
};

struct control;
struct control_packet;

struct control_ops {
	/* @fd is -1 or consumed by the callee; whether there should be one is for the callee to
	 * judge. May call control_close(). */
	void (*on_message)(struct control *c, const struct control_msg *m, int fd);
	/* The peer is gone or the socket failed; once. The callee closes. */
	void (*on_end)(struct control *c, int err);
};

/* What is sent within one turn of the loop: written at the end of it, with one call. */
struct control_batch {
	unsigned n;
	size_t n_bytes;
	struct {
		size_t len;
		int fd; /* owned, -1 = none */
	} packets[CONTROL_BATCH_MAX];
	uint8_t bytes[CONTROL_BATCH_BYTES]; /* of all, one behind the other */
};

struct control {
	uv_poll_t poll;
	uv_timer_t again; /* active: the kernel is short of something that poll does not tell of */
	uv_idle_t turn;   /* active: there is a batch, which goes out before the loop waits */
	bool owner_flushes;
	struct control_batch batch;
	int batch_err; /* why a batch was lost, which ends the channel; 0: none was */
	unsigned n_open;
	uint32_t wait_ms; /* the last pause; 0: it takes what we send */
	int fd;
	int events;
	const struct control_ops *ops;
	struct control_packet *queue; /* of what the kernel had no room for */
	unsigned queued, queued_fds;
	bool ended, closing;
	void (*on_closed)(struct control *c);
};

/* Takes over @fd, consumed always. 0 or -errno. */
int control_init(struct control *c, uv_loop_t *loop, int fd, const struct control_ops *ops);

/* Sends at the end of this turn of the loop, in the order of the calls. @fd is -1 or consumed
 * always (the kernel has its own reference once it is sent). 0, or -errno: the message is dropped
 * and @fd closed. -ENOBUFS: the queue is full; -ENOMEM; -EPIPE and other errors of the socket: the
 * peer is gone, which on_end() tells as well. What goes wrong at the end of the turn on_end() tells
 * alone. */
int control_send(struct control *c, const struct control_msg *m, int fd);

/* The same for a descriptor that is borrowed: sent at once, with all that waits for the end of the
 * turn before it; a queued one is a copy (-EMFILE). -1 is as with control_send(). */
int control_lend(struct control *c, const struct control_msg *m, int fd);

/* The owner calls control_flush() before each wait: for a loop that is not libuv's alone. */
void control_owner_flushes(struct control *c);

/* Sends what waits for the end of the turn. May call on_end(). */
void control_flush(struct control *c);

/* Idempotent; queued descriptors are closed. @on_closed runs later from the loop. */
void control_close(struct control *c, void (*on_closed)(struct control *c));
