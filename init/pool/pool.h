/* The workers: slots 0..N-1 that are filled, refilled, replaced and given up.
 *
 * A slot has the worker that serves, or boots to serve, and perhaps the next one that boots while
 * it still does. A worker that drains or stops belongs to no slot any more. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <uv.h>

#include "init/pool/exit_history.h"
#include "init/pool/restart.h"

struct init;
struct worker;

enum { POOL_MAX = 1024 };

struct slot {
	struct init *init;
	uint32_t number;
	struct worker *worker, *next;
	struct restart restart;
	uv_timer_t backoff;
	bool retired;             /* scaled away, or done (stop-exit-codes) */
	const char *replace_why;  /* waits for reload.c; static text */
	uint64_t admitted_before; /* sessions the slot had had when its worker took over */
	uint32_t starts;
};

struct pool {
	struct slot *slots[POOL_MAX]; /* made when first needed, never freed */
	unsigned wanted;              /* slots 0..wanted-1 are in use */
	struct worker *workers;       /* all that live, whatever their state */
	unsigned n_workers;
	uint32_t last_id;
	bool was_ready; /* any worker ever */
	bool has_grown; /* and not all of the new ones are ready */
	struct exit_history exit_history;
};

/* Starts @n workers. */
void pool_start(struct init *in, unsigned n);

/* Grows at once; shrinks by draining the highest slots. 1 <= @n <= POOL_MAX. */
void pool_scale(struct init *in, unsigned n);

/* Starts the next worker of @s beside the one that serves. 0 or -errno. */
int pool_start_next(struct slot *s);

/* A child has ended. False: it was none of the workers. */
bool pool_ended(struct init *in, pid_t pid, int status, const struct rusage *usage);
/* A child was stopped by @sig, or goes on (0); perhaps it is a worker. */
void pool_stopped(struct init *in, pid_t pid, int sig);

/* Sessions that have begun in the slot since it was made. */
uint64_t slot_admitted(const struct slot *s);

struct worker *pool_worker(const struct pool *p, uint32_t id);
struct slot *pool_slot(const struct pool *p, uint32_t number);
unsigned pool_count_ready(const struct pool *p);
void pool_signal(struct init *in, int sig);
/* One line for every worker. */
void pool_log_status(const struct init *in);
