/* One worker process: its state, its channel, the sockets that are on their way to it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>
#include <uv.h>

#include "init/listen/places.h"
#include "init/worker/drain.h"
#include "init/worker/endpoint.h"
#include "init/worker/group.h"
#include "init/worker/handles.h"
#include "init/worker/servers.h"
#include "ipc/channel.h"
#include "ipc/control.h"
#include "ipc/node_tail.h"
#include "ipc/scoreboard.h"
#include "ipc/worker_end.h"
#include "relay/hub.h"
#include "settings/config.h"

struct worker;
struct worker_context;

/* What it has been asked of its app's metrics (supervisor/app_metrics.h). */
struct app_metrics_member {
	uint32_t open; /* the question it has not answered, 0: none */
	uint8_t asked; /* times, before its first answer; stops at the limit */
	bool has_answered;
	bool awaited; /* by the router that asks now */
};

/* The stop of a worker that serves, part by part. */
enum farewell {
	FAREWELL_NONE,
	FAREWELL_ANSWERS, /* the requests in flight are answered before it has the stop signal */
	FAREWELL_APP,     /* it has the stop signal, and still all its clients */
	FAREWELL_SOCKETS, /* its sockets are closed */
};

/* What the owner is told. Any of these may end in worker_close(). */
struct worker_ops {
	/* The state changed: the router must know. */
	void (*on_state)(struct worker *w);
	/* Another part of its farewell, its state being what it was: the router must know. */
	void (*on_farewell)(struct worker *w);
	/* A socket that the worker refused or did not live to take; @fd is consumed. */
	void (*on_handback)(struct worker *w, const struct control_msg *m, int fd);
	/* It has taken the client of the hand-off @m; @fd is borrowed. */
	void (*on_client_taken)(struct worker *w, const struct control_msg *m, int fd);
	void (*on_session)(struct worker *w, const char *sid, bool opened);
	/* It has opened or closed a server where clients connect. With the first one the routers
	 * must accept there; after the last (@pl->n_servers is 0) no more, and @pl goes. */
	void (*on_server)(struct worker *w, struct place *pl, bool opened);
	/* @pl->is_http has changed. */
	void (*on_place)(struct worker *w, struct place *pl);
	/* The app's metrics, as prom-client answers (NODE_METRICS). */
	void (*on_metrics)(struct worker *w, const struct node_msg *m, struct str payload);
	/* Whether a message of the app's own (NODE_OTHER) goes to the other workers. */
	bool (*is_relayed)(struct worker *w, struct str payload);
	/* See worker_leader_ended(): the worker has ended, as its leader had. */
	void (*on_group_ended)(struct worker *w, int status, const struct rusage *usage);
};

struct worker {
	struct worker *prev, *next;
	const struct worker_ops *ops;
	void *owner;
	const struct worker_context *context;
	const struct config *config;
	struct places *places;
	struct groups *groups;    /* NULL: what is left of its group is killed */
	struct scoreboard *board; /* NULL: nothing is counted */
	const struct frontend *frontend;
	bool has_channel; /* so it can say 'ready' */
	bool hears;       /* somebody reads that: it has spoken there, or is known to */
	bool is_claimed;  /* by its app, see claim.h: it may have none yet, or another one later */
	/* Must become ready in time, unless somebody types at it. */
	bool has_deadline;
	bool answers_pings; /* when asked over the channel; Deno does not, and it kills Bun */
	uint32_t id, slot;
	pid_t pid; /* and its process group's id */
	pid_t app; /* who has the channel: itself, or one below it */
	bool was_claimed;
	struct group group;
	enum worker_state state;
	enum worker_style asked; /* UNKNOWN: by what it does */
	enum worker_style style;
	struct endpoint endpoint;
	uint64_t started_ms;
	struct channel channel;
	struct hub_member member;
	struct node_tail tail;  /* of its adapter's last frame */
	struct server *servers; /* what it listens on, first server last */
	struct server *public;  /* that of the public port, or NULL: see listening.h */
	uint32_t n_publics;     /* has had so many: connections to the last one are of no use */
	uv_timer_t settling;    /* until then @public may still change by itself */
	bool is_sticky;         /* has answered as setupWorker() does */
	bool has_asked;         /* has called listen() or bind(), ever */
	bool has_said_ready;    /* process.send('ready') */
	struct handles handles;
	uint32_t seq;
	struct app_metrics_member metrics;
	bool announced; /* its adapter has spoken */
	bool was_ready;
	bool asked_to_diagnose, closed;
	bool is_dead;                    /* the process has ended */
	bool killed;                     /* by us */
	bool forced;                     /* ditto, since the polite stop took too long */
	enum worker_end_reason ends_for; /* see ending.h; ASKED: nothing has been noted */
	uint64_t hung_ms;      /* how long it had been silent when it was killed for that, or 0 */
	uint64_t ping_sent_ms; /* of the loop ping on its way, 0: none */
	uint64_t ping_sent_us; /* ditto, to be exact */
	uint32_t lag_ms;       /* what the last answered one took; of one that is not pinged, the
				  health check */
	clockid_t cpu_clock;   /* the monitor's, as is what follows; 0: not asked for yet */
	uint64_t seen_cpu_ns, seen_clients; /* at its last look */
	uint64_t resident;                  /* bytes, when last measured */
	uint64_t debugger_seen_ms;          /* when it had not answered; 0: never */
	struct {
		bool is_bad;         /* the last answer was not 2xx */
		uint32_t lag_ms;     /* what it took */
		uint32_t silence_ms; /* of the open question, 0: none */
	} health;
	bool leaving; /* has called cluster.worker.disconnect(): nothing more is sent to it */
	uint64_t stopped_ms; /* by a signal, since when; 0: it runs */
	uv_timer_t deadline; /* of the state it is in */
	struct drain drain;
	enum farewell farewell;
	bool sockets_done, requests_done; /* in this part of it */
	uint32_t idle_at;                 /* routers (bits) that wait for no answer of it */
	uint32_t empty_at;                /* ditto, that have no client of it at all */
	uint64_t kill_at_ms;              /* from the begin of its stop on */
	uint64_t drains_since_ms;         /* 0: it has never drained */
	uint64_t told_ms;                 /* to stop, by the signal; 0: not yet */
	bool died_of_signal;              /* at once: it has no way of its own with it */
	unsigned n_open;
};

const char *worker_state_name(enum worker_state s);
const char *worker_style_name(enum worker_style s);

/* Takes over the near end of the channel; @bound_unread: see channel_bound_unread(). 0 or -errno
 * (then only the memory is left). */
int worker_init(struct worker *w, uv_loop_t *loop, int fd, struct hub *hub, bool bound_unread);

/* It is replaced if it is not ready in time; others may live without ever being ready. */
bool worker_must_get_ready(const struct worker *w);

/* The router has had an answer from the booting worker, at its own endpoint or through the channel;
 * @silent: has given up to wait for that, as its adapter has spoken. */
void worker_answered(struct worker *w, enum worker_style where, bool silent);

/* Asks the event loop for a sign of life, unless a question is open (an fd-less NODE_HANDLE, which
 * Node answers with NODE_HANDLE_NACK: lib/internal/child_process.js). */
void worker_ping(struct worker *w);
/* How long it has shown no sign of life: stopped, or with an open ping; one that cannot be pinged,
 * with an open health check. 0: it lives. */
uint64_t worker_silence_ms(const struct worker *w);
/* Why, for the log. */
const char *worker_silence_why(const struct worker *w);
/* Out of balancing, or back (READY and SUSPECT only). */
void worker_suspect(struct worker *w, bool suspect);

/* Asks for the app's metrics (see app_metrics.h). False: its channel has ended, or its queue is
 * full. */
bool worker_ask_metrics(struct worker *w, uint32_t request_id);

/* What a router has heard from it (CONTROL_HEALTH). */
void worker_heard(struct worker *w, const struct control_msg *m);
/* The router that asked is gone: nothing is known of an open question. */
void worker_health_unknown(struct worker *w);
/* It was stopped by @sig, or goes on (0). */
void worker_stopped(struct worker *w, int sig);

/* Gives a socket to the worker (CONTROL_HANDOFF); @fd is consumed: kept until the worker has taken
 * it, handed back otherwise. */
void worker_hand_off(struct worker *w, const struct control_msg *m, int fd);

/* No new sessions; by stop-order, its client sockets are closed evenly over drain-time and requests
 * are answered, before or after it has the stop signal; then worker_stop(). */
void worker_drain(struct worker *w);
/* Whether it would have the stop signal before its sockets are closed. */
bool worker_is_told_first(const struct worker *w);
/* It is on its way out and has its clients still: their requests go to it. */
bool worker_keeps_clients(const struct worker *w);
/* Ditto, and, as far as is known, its server takes connections. */
bool worker_is_open(const struct worker *w);
/* Closes @n of its client sockets at the pace of a drain; it serves on. */
void worker_shed(struct worker *w, unsigned n);
/* The routers say that no request is waiting for the draining worker's answer. @empty: nor do they
 * know a client of it. */
void worker_requests_done(struct worker *w, bool empty);

/* The polite stop: stop-message or stop-signal, unless it has had that, then cluster's disconnect;
 * SIGKILL at stop-timeout. */
void worker_stop(struct worker *w);
/* Its process was reaped. True: it was being stopped, and others of its group are there; the stop
 * goes on, and worker_ops.on_group_ended() follows when they have ended. False: the worker has
 * ended. Allocates nothing. */
bool worker_leader_ended(struct worker *w, int status, const struct rusage *usage);
/* SIGKILL for its whole group; its end is told like any other. */
void worker_kill(struct worker *w);
void worker_signal(const struct worker *w, int sig);

/* The process is gone, not yet what it had said: that is read now, and relayed before its end is
 * announced. Then worker_close(). */
void worker_read_last_words(struct worker *w);

/* The process is gone: the others are told, open hand-offs go back, the memory is freed from the
 * loop. */
void worker_close(struct worker *w);
