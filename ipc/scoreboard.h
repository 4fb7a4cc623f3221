/* Numbers that init and router share: a memfd, each field written by one of the two, read by both.
 * A new router goes on counting where the last one stopped, and asking for the numbers costs no
 * message. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

enum { SCOREBOARD_ROWS = 1024 };

typedef _Atomic uint64_t counter;

/* One slot. During a reload, the worker that serves. */
struct scoreboard_row {
	/* by init */
	counter pid;        /* 0: nobody */
	counter state;      /* enum worker_state */
	counter started_ms; /* CLOCK_MONOTONIC */
	counter lag_ms;
	counter starts;
	counter pending; /* sockets on their way to it */
	/* by the router */
	counter sessions;
	counter sockets; /* client sockets it holds, as far as that can be seen from outside */
	counter in_flight;
	counter requests, handoffs, admitted; /* since the slot was made; admitted: new sessions */
	counter base_pid, base_fds; /* descriptors this process had before it had clients */
};

struct scoreboard {
	/* by init */
	counter started_ms;
	counter beat_ms; /* its loop turned, CLOCK_MONOTONIC */
	counter wanted;  /* slots 0..wanted-1 are in use */
	counter phase;   /* enum phase */
	counter router_starts, worker_ends, hangs, reloads;
	counter relay_messages, relay_bytes;
	/* by the router */
	counter connections, clients; /* accepted ever, there now */
	counter sessions;
	counter requests, handshakes, upgrades;
	counter responses[10]; /* by the first digit of the status */
	counter retries, handbacks, sid_misses, sid_orphans, no_worker;
	struct scoreboard_row rows[SCOREBOARD_ROWS];
};

/* A new board in a memfd: the descriptor, owned by the caller, or -errno. */
int scoreboard_create(void);

/* Maps it; @fd is consumed. The caller's memory until munmap, or NULL (errno). */
struct scoreboard *scoreboard_map(int fd);

/* A board of one process's own, for as long as it lives, or NULL. */
struct scoreboard *scoreboard_private(void);

/* NULL is fine. */
void scoreboard_unmap(struct scoreboard *b);

/* Only the one writer of @c may call these. */
static inline void counter_set(counter *c, uint64_t n)
{
	atomic_store_explicit(c, n, memory_order_relaxed);
}

static inline uint64_t counter_get(const counter *c)
{
	return atomic_load_explicit((counter *)c, memory_order_relaxed);
}

static inline void counter_add(counter *c, uint64_t n)
{
	counter_set(c, counter_get(c) + n);
}

static inline void scoreboard_count_response(struct scoreboard *b, unsigned status)
{
	counter_add(&b->responses[status / 100 % 10], 1);
}
