/* Numbers that init and the routers share: a memfd, each field written by one process, read by all.
 * A new router goes on counting where the last one stopped, and asking for the numbers costs no
 * message. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/counter.h"
#include "ipc/deaths.h"
#include "ipc/exemplar.h"
#include "ipc/histogram.h"
#include "ipc/history.h"
#include "ipc/tally.h"
#include "ipc/worker_end.h"

enum { SCOREBOARD_ROWS = 1024, ROUTERS_MAX = 16 };
enum { SCOREBOARD_SIDECARS = 16, SCOREBOARD_NAME_SIZE = 32 };
enum { SCOREBOARD_HOST_SIZE = 65, SCOREBOARD_MEMORY_HIGH = 90 /* percent of the limit */ };
enum { WEBSOCKET_TALLIES = 4, RATE_SETS = 4096, RATE_WAYS = 4 };

/* One slot. During a reload, the worker that serves. */
struct scoreboard_row {
	/* by init */
	counter pid;        /* 0: nobody */
	counter state;      /* enum worker_state */
	counter started_ms; /* CLOCK_MONOTONIC */
	counter lag_ms;
	counter starts;
	counter pending; /* sockets on their way to it */
	counter backlog; /* bytes that the relay has for it */
	/* by init, for /status */
	counter state_since_ms; /* CLOCK_MONOTONIC */
	counter done;           /* 1: nothing is started here any more, by its restart policy */
	counter ends;           /* of worker processes of the slot */
	counter evictions;      /* from the relay */
	counter evicted_ms;     /* the last of them, CLOCK_MONOTONIC; 0: none */
	counter memory_limit;   /* bytes, at which it is replaced; 0: none */
	/* by any router: what all of them know */
	counter sessions;
	counter sockets; /* client sockets it holds, as far as that can be seen from outside */
	counter base;    /* see scoreboard_claim_base() */
	counter before;  /* hand-offs of the slot before this worker */
};

enum sidecar_state {
	SIDECAR_WAITING, /* not started yet, or for its next start */
	SIDECAR_RUNNING,
	SIDECAR_STOPPING, /* has its stop signal, or what it has left in its group lives on */
	SIDECAR_DONE,     /* will not be started again */
};

/* A process beside the workers. By init, the name before any router runs. */
struct scoreboard_sidecar {
	char name[SCOREBOARD_NAME_SIZE]; /* a-z, 0-9, _; ends with NUL */
	counter pid;                     /* 0: nobody */
	counter state;                   /* enum sidecar_state */
	counter started_ms;              /* CLOCK_MONOTONIC */
	counter starts;
};

/* What one router does with the worker of a slot. */
struct scoreboard_share {
	counter in_flight;
	counter upstreams, tunnels;           /* its connections to the worker */
	counter requests, handoffs, admitted; /* since the slot was made; admitted: new sessions */
};

/* Of the histograms below. */
extern const struct histogram_bounds scoreboard_request_bounds, scoreboard_handoff_bounds,
    scoreboard_lag_bounds, scoreboard_ready_bounds, scoreboard_drain_bounds;

/* How far one address has used up its rate: see visitor_may_begin(). */
struct rate_cell {
	counter key, paid_ns;
};

/* What a reload is at: enum reload_state of init/pool/reload.h, in its order. */
enum scoreboard_reload { SCOREBOARD_RELOAD_IDLE, SCOREBOARD_BOOTING, SCOREBOARD_DRAINING };
enum scoreboard_reloaded { RELOADED_NONE, RELOADED_OK, RELOADED_FAILED };

/* The stages of the end; HELD: not ready for the outside, as the user has asked. */
enum scoreboard_drain {
	DRAIN_NONE,
	DRAIN_HELD,
	DRAIN_LAME_DUCK,
	DRAIN_LEAVING,
	DRAIN_GOODBYE,
	DRAIN_DRAINING,
	DRAIN_STOPPING,
};

/* What a router reaches node:cluster workers by. */
enum scoreboard_upstream { SCOREBOARD_TCP, SCOREBOARD_UNIX, SCOREBOARD_NATIVE };

/* One router's part; in cache lines of its own. */
struct scoreboard_router {
	_Alignas(64) counter connections; /* accepted ever */
	counter clients;                  /* there now */
	counter admin_viewers;            /* those of the admin address that events go to */
	counter requests, handshakes, upgrades;
	counter responses[10]; /* by the first digit of the status */
	counter retries, handbacks, sid_misses, sid_orphans, no_worker;
	counter visitors_refused;                        /* for max-connections-per-address */
	counter upstream;                                /* enum scoreboard_upstream */
	struct histogram requests_took;                  /* but for polls */
	struct exemplar shown[HISTOGRAM_BOUNDS_MAX + 1]; /* the last traced one of each bucket */
	counter pid;                                     /* by init; 0: it does not run */
	struct scoreboard_share shares[SCOREBOARD_ROWS];
	struct tally
	    visitors; /* connections or requests by client address: see router/client/limits.h */
};

struct scoreboard {
	/* by init */
	counter started_ms;
	counter beat_ms; /* its loop turned, CLOCK_MONOTONIC */
	counter wanted;  /* slots 0..wanted-1 are in use */
	counter phase;   /* enum phase */
	counter router_starts, worker_ends, hangs, reloads;
	counter parked; /* polls whose connections init has a copy of */
	counter relay_messages, relay_bytes, relay_evictions;
	counter relay_passed_over[2];  /* enum hub_passed_over */
	counter relay_used, relay_max; /* bytes of its quota */
	counter app_metrics;           /* workers may have metrics of the app's to ask for */
	counter n_routers;             /* at least 1: the first of .routers are in use */
	/* ditto, for metrics */
	counter worker_ends_by[WORKER_END_N];
	counter reload_failures;               /* rolling reloads that were aborted */
	counter pid, started_unix_ms, fds_max; /* of init */
	struct histogram handoffs_took; /* from the router's decision to the worker's word; of
					   clients that it has taken */
	struct histogram lags;          /* answers of event loops to pings */
	struct histogram got_ready;     /* workers, from spawn to ready */
	struct histogram drained;       /* ditto, from the begin of their drain to their end */
	/* by init, see init/supervisor/websockets.h: clients handed over by their visitor_key() */
	counter websockets_received[ROUTERS_MAX]; /* hand-offs that count, ever */
	struct tally websockets[WEBSOCKET_TALLIES];
	counter n_sidecars; /* the first of .sidecars are in use */
	struct scoreboard_sidecar sidecars[SCOREBOARD_SIDECARS];
	/* by init, for /status; times are of CLOCK_MONOTONIC, 0: it is not so */
	char host[SCOREBOARD_HOST_SIZE]; /* as gethostname(2) says; any bytes, ends with NUL */
	counter ready_timeout_ms, hang_timeout_ms; /* the settings, 0: none */
	counter missing_since_ms;                  /* fewer are ready than are wanted */
	counter unserved_since_ms;                 /* none is ready */
	counter first_ready_ms;                    /* the first one ever was */
	counter cpus_milli;                        /* CPUs it may use, in thousandths */
	counter memory_used, memory_limit;         /* bytes, of the container; 0: no limit */
	counter memory_near_misses; /* times that it came to SCOREBOARD_MEMORY_HIGH of it */
	counter memory_high_since_ms;
	counter reload_state; /* enum scoreboard_reload */
	counter reload_slot;  /* unless it is idle */
	counter reload_done, reload_of;
	counter reload_last, reload_last_ms; /* enum scoreboard_reloaded */
	counter drain_stage, drain_since_ms; /* enum scoreboard_drain */
	struct deaths deaths;
	struct history history;
	/* by any router */
	counter sessions;
	counter handshakes_paid_ns; /* see limits_take_token() */
	struct rate_cell handshakes_of[RATE_SETS][RATE_WAYS];
	struct scoreboard_row rows[SCOREBOARD_ROWS];
	struct scoreboard_router routers[ROUTERS_MAX];
};

/* A new board in a memfd that nobody can resize: the descriptor, owned by the caller, or -errno. */
int scoreboard_create(void);

/* Maps it; @fd is consumed. The caller's memory until munmap, or NULL (errno). */
struct scoreboard *scoreboard_map(int fd);

/* A board of one process's own, for as long as it lives, or NULL. */
struct scoreboard *scoreboard_private(void);

/* NULL is fine. */
void scoreboard_unmap(struct scoreboard *b);

/* For how long init has not moved, in milliseconds, when that is too long at @now_ms
 * (CLOCK_MONOTONIC); else 0. */
uint64_t scoreboard_init_silence(const struct scoreboard *b, uint64_t now_ms);

/* The sum over all routers of the counter at @offset in struct scoreboard_router, and of the one in
 * their shares of @slot. */
uint64_t scoreboard_total(const struct scoreboard *b, size_t offset);
uint64_t scoreboard_slot_total(const struct scoreboard *b, unsigned slot, size_t offset);

/* Which of .websockets has @key. */
struct tally *scoreboard_websockets(struct scoreboard *b, uint64_t key);

/* A router has died: what it had is gone, what it counted stays. By init. */
void scoreboard_router_ended(struct scoreboard *b, unsigned router);

/* Whether @pid, the worker of @slot, has had a client handed over since its base was claimed. */
bool scoreboard_has_clients(const struct scoreboard *b, unsigned slot, uint32_t pid);

/* The descriptors that @pid, the worker of @slot, has without clients: @fds, unless a router has
 * said so before and it has had clients since. Returns what counts. */
uint32_t scoreboard_claim_base(struct scoreboard *b, unsigned slot, uint32_t pid, uint32_t fds);

static inline void scoreboard_count_response(struct scoreboard_router *b, unsigned status)
{
	counter_add(&b->responses[status / 100 % 10], 1);
}

/* A request, other than a poll, was answered after @ms. */
void scoreboard_count_request(struct scoreboard_router *b, uint64_t ms);

/* It has a trace: the exemplar of its bucket now. */
void scoreboard_show_request(struct scoreboard_router *b, const struct exemplar_values *v);

/* The newest of all routers' exemplars of @bucket. False: there is none. */
bool scoreboard_exemplar(const struct scoreboard *b, unsigned bucket, struct exemplar_values *ret);
