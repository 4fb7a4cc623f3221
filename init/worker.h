/* One worker process: its state, its channel, the sockets that are on their way to it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "init/primary.h"
#include "ipc/channel.h"
#include "ipc/control.h"
#include "relay/hub.h"

struct worker;
struct server;
struct handle;

/* What the owner is told. Any of these may end in worker_close(). */
struct worker_ops {
	/* The state changed: the router must know. */
	void (*on_state)(struct worker *w);
	/* A socket that the worker refused or did not live to take; @fd is consumed. */
	void (*on_handback)(struct worker *w, const struct control_msg *m, int fd);
	void (*on_session)(struct worker *w, const char *sid, bool opened);
	/* A place was opened for the app; @http: its first server. The router must accept there. */
	void (*on_place)(struct worker *w, struct place *pl, bool http);
};

struct worker {
	struct worker *prev, *next;
	const struct worker_ops *ops;
	void *owner;
	struct primary *primary;
	uint16_t public_port;
	uint32_t id, slot;
	pid_t pid;
	enum worker_state state;
	enum worker_style style;
	uint64_t started_ms;
	struct channel channel;
	struct hub_member member;
	struct server *servers; /* what it listens on, first server last */
	struct handle *handles; /* sent, not acknowledged, in order */
	unsigned n_handles;
	uint32_t seq;
	bool announced; /* its adapter has spoken */
	bool pinged, killed, closed;
	bool cut; /* the channel has ended: takes no sockets */
	uv_timer_t deadline;
	uint32_t kill_after_ms; /* from cluster's disconnect on */
	unsigned n_open;
};

/* Takes over the near end of the channel. 0 or -errno (then only the memory is left). */
int worker_init(struct worker *w, uv_loop_t *loop, int fd, struct hub *hub);
void worker_set_state(struct worker *w, enum worker_state to);

/* Gives a socket to the worker (CONTROL_HANDOFF); @fd is consumed: kept until the worker has taken
 * it, handed back otherwise. */
void worker_hand_off(struct worker *w, const struct control_msg *m, int fd);

/* The polite stop: SIGTERM, then cluster's disconnect; SIGKILL at @timeout_ms. */
void worker_stop(struct worker *w, uint32_t timeout_ms);
void worker_signal(const struct worker *w, int sig);

/* The process is gone: the others are told, open hand-offs go back, the memory is freed from the
 * loop. */
void worker_close(struct worker *w);
