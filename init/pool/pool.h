/* The workers: slots 0..N-1 that are filled, refilled, replaced and given up; what is told to the
 * owner about them, and what the owner orders. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <uv.h>

#include "init/pool/exit_history.h"
#include "init/pool/reload.h"
#include "init/pool/restart.h"
#include "init/pool/slot.h"
#include "init/worker/context.h"
#include "init/worker/worker.h"

enum { POOL_MAX = SCOREBOARD_ROWS };

/* What the owner is told. None may free the pool; each but on_worker() and
 * on_changed() may end in pool_close(). */
struct pool_ops {
	/* @w is new, or its state has changed. */
	void (*on_worker)(struct pool *p, struct worker *w);
	/* A worker is ready, the first one ever. */
	void (*on_first_ready)(struct pool *p);
	/* @w has become ready, the first time. */
	void (*on_ready)(struct pool *p, struct worker *w);
	/* A worker is in another state, and all have been told. */
	void (*on_changed)(struct pool *p);
	/* The process of @w has ended, with @status of wait(2). */
	void (*on_exit)(struct pool *p, const struct worker *w, int status);
	/* As many as are wanted are ready. */
	void (*on_all_ready)(struct pool *p);
	/* Policy says that sioinit ends, with @code: it is for the owner to begin that. */
	void (*on_give_up)(struct pool *p, int code);
	/* A worker has ended and is freed. @forced: it was killed at its stop timeout. */
	void (*on_ended)(struct pool *p, bool forced);
	/* A reload of all has begun; it is over, @ok or not. */
	void (*on_reload_begun)(struct pool *p);
	void (*on_reload_over)(struct pool *p, bool ok);
};

struct pool {
	struct worker_context *context; /* borrowed */
	struct memory *memory;          /* borrowed */
	const struct pool_ops *ops;
	void *owner;
	struct worker_ops worker_ops;
	struct slot *slots[POOL_MAX]; /* made when first needed, never freed */
	struct worker *workers;       /* all that live, whatever their state */
	unsigned n_workers;
	uint32_t last_id;
	struct start_limit start_limit;
	struct reload reload;
	int done_code;  /* the first other than 0 of a worker that is not started again */
	bool was_ready; /* any worker ever */
	bool has_grown; /* and not all of the new ones are ready */
	bool is_closed; /* nothing is started any more */
	struct exit_history exit_history; /* the owner's to init and to free */
};

/* @worker_ops: what the owner wants to hear of the workers; their on_state is the pool's own.
 * Everything is borrowed and outlives the pool. */
void pool_init(struct pool *p, struct worker_context *cx, struct memory *memory,
	       const struct worker_ops *worker_ops, const struct pool_ops *ops, void *owner);

/* Starts @n workers. */
void pool_start(struct pool *p, unsigned n);
/* From now on nothing is started, replaced or scaled; the workers there are go on. Idempotent. */
void pool_close(struct pool *p);

/* Starts those that have ended and were not to be started again (stop-exit-codes, restart=once). */
void pool_start_done(struct pool *p);

/* Grows at once; shrinks by draining the highest slots. 1 <= @n <= POOL_MAX. Nothing happens when
 * the pool is closed. */
void pool_scale(struct pool *p, unsigned n);

/* A child has ended. False: it was none of the workers. */
bool pool_ended(struct pool *p, pid_t pid, int status, const struct rusage *usage);

/* The worker with that process, or NULL. */
struct worker *pool_find(const struct pool *p, pid_t pid);
struct worker *pool_worker(const struct pool *p, uint32_t id);
/* NULL: no such slot is in use. */
struct slot *pool_slot(const struct pool *p, uint32_t number);
unsigned pool_count_ready(const struct pool *p);
/* To every worker; to every worker's group. */
void pool_signal(struct pool *p, int sig);
void pool_signal_groups(const struct pool *p, int sig);
/* One line for every worker. */
void pool_log_status(const struct pool *p);
