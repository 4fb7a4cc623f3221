/* Load of the workers. See load.h. */
#include "router/backend/load.h"

#include <stdio.h>
#include <sys/stat.h>
#include <utlist.h>

#include "base/macros.h"
#include "router/backend/workers.h"
#include "router/session/table.h"

#include "base/ban.h"

enum { SAMPLE_MS = 250, PUBLISH_TRIES = 16 };

/* NULL: another worker of the slot is the one that serves. */
static struct scoreboard_row *row_of(const struct worker *w)
{
	struct scoreboard *b = w->backend->shared;

	if (w->slot >= SCOREBOARD_ROWS || counter_get(&b->rows[w->slot].pid) != (uint64_t)w->pid)
		return NULL;
	return &b->rows[w->slot];
}

/* Our share in it, or NULL likewise. */
static struct scoreboard_share *share_of(const struct worker *w)
{
	return row_of(w) ? &w->backend->board->shares[w->slot] : NULL;
}

/* What the other routers say in a field of their shares. */
#define OTHERS(w, field) others(w, offsetof(struct scoreboard_share, field))

static uint32_t others(const struct worker *w, size_t offset)
{
	const struct scoreboard_share *ours;

	if (counter_get(&w->backend->shared->n_routers) == 1 || !(ours = share_of(w)))
		return 0;
	return (
	    uint32_t)(scoreboard_slot_total(w->backend->shared, w->slot, offset) -
		      counter_get((const counter *)(const void *)((const char *)ours + offset)));
}

/* The number of descriptors a process has open: st_size of /proc/PID/fd since Linux 6.2
 * (proc_fd_getattr), else 0. */
static uint32_t count_fds(pid_t pid)
{
	char path[32];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	return stat(path, &st) == 0 && st.st_size > 0 ? (uint32_t)st.st_size : 0;
}

static uint32_t less(uint32_t a, uint32_t b)
{
	return a > b ? a - b : 0;
}

static uint32_t upstreams(const struct worker *w)
{
	return w->n_upstreams + OTHERS(w, upstreams);
}

static bool has_clients(const struct worker *w)
{
	return row_of(w) && scoreboard_has_clients(w->backend->shared, w->slot, (uint32_t)w->pid);
}

/* The descriptors that the worker has before its first client, some of which are opened when it is
 * ready already. A router that follows another one takes over what that one saw. */
static void take_base(struct worker *w)
{
	if (!has_clients(w) && w->in_flight + OTHERS(w, in_flight) == 0)
		w->base_fds = less(count_fds(w->pid), upstreams(w));
	if (row_of(w))
		w->base_fds = scoreboard_claim_base(w->backend->shared, w->slot, (uint32_t)w->pid,
						    w->base_fds);
}

/* During a reload the row becomes its own only after it is ready. */
static void join_row(struct worker *w)
{
	if (w->joined || !row_of(w))
		return;
	w->joined = true;
	take_base(w);
	w->others_handoffs = OTHERS(w, handoffs);
}

/* With those on their way to it: of our own connections, too, far ends may still be. */
static uint32_t open_sockets(struct worker *w)
{
	const struct scoreboard_row *row = row_of(w);
	uint32_t pending = row ? (uint32_t)counter_get(&row->pending) : 0;

	take_base(w);
	return has_clients(w) ? less(count_fds(w->pid) + pending, w->base_fds + upstreams(w)) : 0;
}

/* Descriptors and our own connections among them are counted at the same moment: connections that
 * end later would else look like clients until the next time. */
static void count_sockets(struct worker *w)
{
	join_row(w);
	w->open_sockets = open_sockets(w);
	w->assigned = 0;
	w->others_handoffs = OTHERS(w, handoffs);
	worker_has_news(w);
}

void load_count_sockets(struct backend *b)
{
	struct worker *w, *next;

	b->sampled_ms = backend_now(b);
	HASH_ITER(hh, b->workers, w, next)
	if (w->state == WORKER_READY || w->state == WORKER_SUSPECT)
		count_sockets(w);
}

static void on_sample(uv_timer_t *t)
{
	load_count_sockets(container_of(t, struct backend, sample));
}

static void count_soon(struct backend *b)
{
	uint64_t due = b->sampled_ms + SAMPLE_MS, now = backend_now(b);

	if (!uv_is_active((uv_handle_t *)&b->sample))
		(void)uv_timer_start(&b->sample, on_sample, due > now ? due - now : 0, 0);
}

/* By us and the others, since sockets were counted. */
static uint32_t assigned(const struct worker *w)
{
	return w->assigned + OTHERS(w, handoffs) - w->others_handoffs;
}

/* Of those that end at the worker, from what is seen; tunnels end at us. */
static uint32_t live_sockets(const struct worker *w)
{
	uint32_t tunnels = w->n_tunnels + OTHERS(w, tunnels);

	return worker_listens_itself(w) ? tunnels : w->open_sockets + tunnels;
}

uint32_t load_of(struct worker *w)
{
	struct backend *b = w->backend;
	uint32_t sessions = sessions_count_worker(b->sessions, w->id), sockets;

	count_soon(b);
	join_row(w);
	sockets = live_sockets(w);
	/* a session on a WebSocket is both a session and a socket */
	return (sessions > sockets ? sessions : sockets) + w->in_flight + w->n_waiting +
	       OTHERS(w, in_flight) + assigned(w);
}

uint32_t load_lag_ms(const struct worker *w)
{
	const struct scoreboard_row *row = row_of(w);

	return row ? (uint32_t)counter_get(&row->lag_ms) : 0;
}

void load_on_ready(struct worker *w)
{
	take_base(w);
	join_row(w);
	w->ready_ms = backend_now(w->backend);
}

void load_assigned(struct worker *w)
{
	struct scoreboard_share *share = share_of(w);

	take_base(w);
	w->assigned++;
	worker_has_news(w);
	if (share)
		counter_add(&share->handoffs, 1);
}

void load_waits(struct worker *w)
{
	w->n_waiting++;
	worker_has_news(w);
}

void load_waits_no_more(struct worker *w)
{
	w->n_waiting--;
	worker_has_news(w);
	worker_tell_if_idle(w);
}

void load_admitted(struct worker *w)
{
	struct scoreboard_share *share = share_of(w);

	if (share)
		counter_add(&share->admitted, 1);
}

void load_asked(struct worker *w)
{
	struct scoreboard_share *share = share_of(w);

	if (share)
		counter_add(&share->requests, 1);
}

/* Publishing */

/* A number that all routers write: whoever writes last sees that it is still true. */
static void publish_sessions(struct worker *w, counter *c)
{
	for (int i = 0; i < PUBLISH_TRIES; i++) {
		uint32_t n = sessions_count_worker(w->backend->sessions, w->id);

		w->told_sessions = n;
		if (n == counter_get(c))
			break;
		counter_set(c, n);
		atomic_thread_fence(memory_order_seq_cst);
	}
}

/* Only news: another router may have counted them later than we did. */
static void publish_sockets(struct worker *w, counter *c)
{
	uint32_t n = live_sockets(w) + assigned(w);

	if (n != w->told_sockets)
		counter_set(c, n);
	w->told_sockets = n;
}

/* False: its row is not its own, yet or any more. */
static bool publish(struct worker *w)
{
	struct scoreboard_row *row = row_of(w);
	struct scoreboard_share *share;

	if (!row)
		return false;
	share = &w->backend->board->shares[w->slot];
	publish_sessions(w, &row->sessions);
	publish_sockets(w, &row->sockets);
	counter_set(&share->in_flight, w->in_flight + w->n_waiting);
	counter_set(&share->upstreams, w->n_upstreams);
	counter_set(&share->tunnels, w->n_tunnels);
	return true;
}

/* Sessions that have come and gone are news of their workers. */
static void note_sessions(struct backend *b)
{
	uint32_t changes = sessions_changes(b->sessions);
	struct worker *w, *next;

	if (changes == b->told_changes)
		return;
	b->told_changes = changes;
	HASH_ITER(hh, b->workers, w, next)
	if (w->told_sessions != sessions_count_worker(b->sessions, w->id))
		worker_has_news(w);
}

void load_publish(struct backend *b)
{
	struct worker *w, *next, *news;

	note_sessions(b);
	news = b->news;
	b->news = NULL;
	LL_FOREACH_SAFE2(news, w, next, next_news)
	{
		w->has_news = false;
		if (w->idle_untold)
			worker_tell_if_idle(w);
		if (!publish(w))
			worker_has_news(w);
	}
}

void load_init(struct backend *b)
{
	(void)uv_timer_init(b->loop->uv, &b->sample);
}

void load_deinit(struct backend *b)
{
	uv_close((uv_handle_t *)&b->sample, NULL);
}
