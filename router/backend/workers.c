/* Workers and balancing. The load of a worker is what is known of it at the moment of choice:
 * sessions in the table, or sockets handed over and still open if these are more + requests in
 * flight + what was assigned since those were counted. */
#include "router/backend/workers.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/log.h"
#include "router/backend/choose.h"
#include "router/backend/health_check.h"
#include "router/backend/probe.h"
#include "router/backend/upstream.h"
#include "router/client/tunnel.h"
#include "router/core.h"
#include "router/session/table.h"

#include "base/ban.h"

enum { SAMPLE_MS = 250, CANDIDATES_MAX = 1024, PUBLISH_TRIES = 16 };

/* NULL: another worker of the slot is the one that serves. */
static struct scoreboard_row *row_of(const struct worker *w)
{
	struct scoreboard *b = w->router->shared;

	if (w->slot >= SCOREBOARD_ROWS || counter_get(&b->rows[w->slot].pid) != (uint64_t)w->pid)
		return NULL;
	return &b->rows[w->slot];
}

/* Our share in it, or NULL likewise. */
static struct scoreboard_share *share_of(const struct worker *w)
{
	return row_of(w) ? &w->router->board->shares[w->slot] : NULL;
}

/* What the other routers say in a field of their shares. */
#define OTHERS(w, field) others(w, offsetof(struct scoreboard_share, field))

static uint32_t others(const struct worker *w, size_t offset)
{
	const struct scoreboard_share *ours = share_of(w);

	if (!ours)
		return 0;
	return (
	    uint32_t)(scoreboard_slot_total(w->router->shared, w->slot, offset) -
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
	return row_of(w) && scoreboard_has_clients(w->router->shared, w->slot, (uint32_t)w->pid);
}

/* What it has open before it is given its first client are no clients, and some of it is opened
 * when it is ready already. A router that follows another one takes over what that one saw. */
static void take_base(struct worker *w)
{
	if (!has_clients(w) && w->in_flight + OTHERS(w, in_flight) == 0)
		w->base_fds = less(count_fds(w->pid), upstreams(w));
	if (row_of(w))
		w->base_fds = scoreboard_claim_base(w->router->shared, w->slot, (uint32_t)w->pid,
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

static uint32_t open_sockets(struct worker *w)
{
	take_base(w);
	return has_clients(w) ? less(count_fds(w->pid), w->base_fds + upstreams(w)) : 0;
}

/* Descriptors and our own connections among them are counted at the same moment: connections that
 * end later would else look like clients until the next time. */
static void sample(struct worker *w, uint64_t now_ms)
{
	const struct scoreboard_row *row = row_of(w);

	if (now_ms - w->sampled_ms < SAMPLE_MS)
		return;
	w->sampled_ms = now_ms;
	w->open_sockets = open_sockets(w);
	w->assigned = row ? (uint32_t)counter_get(&row->pending) : 0;
	w->others_handoffs = OTHERS(w, handoffs);
}

/* By us and the others, since sockets were counted. */
static uint32_t assigned(const struct worker *w)
{
	return w->assigned + OTHERS(w, handoffs) - w->others_handoffs;
}

/* Of those that end at the worker, from what is seen; tunnels end at us. */
static uint32_t live_sockets(const struct worker *w)
{
	return worker_is_on_its_own(w) ? w->n_tunnels + OTHERS(w, tunnels) : w->open_sockets;
}

/* A session on a WebSocket is both a session and a socket. */
static uint32_t load(struct worker *w, const struct sessions *s, uint64_t now_ms)
{
	uint32_t sessions = sessions_count_worker(s, w->id), sockets;

	join_row(w);
	sample(w, now_ms);
	sockets = live_sockets(w);
	return (sessions > sockets ? sessions : sockets) + w->in_flight + OTHERS(w, in_flight) +
	       assigned(w);
}

/* A slow worker is better than none. */
static bool is_candidate(const struct workers *ws, const struct worker *w,
			 const struct worker *except)
{
	if (w == except && ws->n_ready > 1)
		return false;
	return w->state == WORKER_READY || (w->state == WORKER_SUSPECT && ws->n_ready == 0);
}

static struct balance_candidate candidate(struct worker *w, const struct sessions *s,
					  uint64_t now_ms)
{
	struct scoreboard_row *row = row_of(w);

	return (struct balance_candidate){
		.slot = w->slot,
		.load = load(w, s, now_ms),
		.lag_ms = row ? (uint32_t)counter_get(&row->lag_ms) : 0,
		.share = balance_share(now_ms - w->ready_ms, w->router->workers.slow_start_ms),
	};
}

struct worker *workers_pick(struct workers *ws, struct sessions *s, const struct worker *except,
			    uint64_t now_ms)
{
	struct balance_candidate candidates[CANDIDATES_MAX];
	struct worker *workers[CANDIDATES_MAX], *w, *next;
	size_t n = 0;

	sessions_expire(s, now_ms);
	HASH_ITER(hh, ws->by_id, w, next)
	{
		if (n == CANDIDATES_MAX || !is_candidate(ws, w, except))
			continue;
		workers[n] = w;
		candidates[n++] = candidate(w, s, now_ms);
	}
	return n ? workers[balance_choose(&ws->balance, candidates, n)] : NULL;
}

struct worker *workers_pick_for(struct workers *ws, uint64_t key, const struct worker *except)
{
	struct worker *w, *next, *best = NULL;
	uint64_t most = 0;

	HASH_ITER(hh, ws->by_id, w, next)
	{
		uint64_t weight = sticky_weight(key, w->slot);

		if (!is_candidate(ws, w, except) || (best && weight <= most))
			continue;
		best = w;
		most = weight;
	}
	return best;
}

struct worker *workers_by_id(struct workers *ws, uint32_t id)
{
	struct worker *w;

	HASH_FIND(hh, ws->by_id, &id, sizeof(id), w);
	return w;
}

struct worker *workers_serving(struct workers *ws, uint32_t id)
{
	struct worker *w = workers_by_id(ws, id);

	return w && w->state <= WORKER_DRAINING ? w : NULL;
}

void worker_tell_if_idle(struct worker *w)
{
	struct control_msg m = { .type = CONTROL_IDLE, .worker = w->id };
	bool idle = w->state == WORKER_DRAINING && w->in_flight == w->n_polls && w->n_tunnels == 0;

	w->idle_untold = idle && control_send(&w->router->link, &m, -1) < 0;
}

static void worker_remove(struct router *r, struct worker *w)
{
	/* the analyzer does not see that this takes w out of the table */
	HASH_DEL(r->workers.by_id, w); /* NOLINT(clang-analyzer-unix.Malloc) */
	sessions_remove_worker(r->sessions, w->id);
	probe_stop(w);
	health_check_stop(w);
	tunnels_drain_stop(w);
	upstream_close_all(w);
	free(w);
}

static struct worker *worker_add(struct router *r, uint32_t id)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (!w) {
		log_error("router: no memory for worker id=%u", id);
		return NULL;
	}
	w->router = r;
	w->id = id;
	HASH_ADD(hh, r->workers.by_id, id, sizeof(w->id), w);
	return w;
}

static void count_ready(struct workers *ws)
{
	struct worker *w, *next;

	ws->n_ready = 0;
	HASH_ITER(hh, ws->by_id, w, next)
	ws->n_ready += w->state == WORKER_READY;
}

/* One that has called listen() is ready, unless it has to be well, too. */
static bool answers_by_channel(const struct worker *w)
{
	if (w->state != WORKER_BOOTING)
		return false;
	return w->style == WORKER_STYLE_STICKY ||
	       (w->style == WORKER_STYLE_LISTEN && w->router->conf->health_path);
}

static void ask_as_its_state_wants(struct worker *w, bool announced)
{
	bool by_channel = answers_by_channel(w);

	if (w->state <= WORKER_BOOTING && (by_channel || w->port || w->path[0]))
		probe_start(w, by_channel, announced);
	else
		probe_stop(w);
	if (w->state == WORKER_READY || w->state == WORKER_SUSPECT)
		health_check_start(w);
	else
		health_check_stop(w);
}

static void worker_apply(struct worker *w, const struct control_msg *m)
{
	bool was_ready = w->state >= WORKER_READY;

	w->slot = m->slot;
	w->pid = (pid_t)m->pid;
	w->port = (uint16_t)m->port;
	w->state = m->state < WORKER_N_STATES ? (enum worker_state)m->state : WORKER_STOPPING;
	w->style = (enum worker_style)m->style;
	(void)snprintf(w->path, sizeof(w->path), "%.*s", (int)m->text.n, m->text.p);
	if (w->state == WORKER_READY && !was_ready) {
		take_base(w);
		join_row(w);
		w->ready_ms = router_now(w->router);
	}
	if (w->router->index == 0)
		ask_as_its_state_wants(w, m->kind != 0);
	if (w->state == WORKER_DRAINING)
		tunnels_drain(w);
	if (w->state == WORKER_STOPPING)
		upstream_close_idle(w);
	worker_tell_if_idle(w);
}

void workers_update(struct router *r, const struct control_msg *m)
{
	struct worker *w = workers_by_id(&r->workers, m->worker);

	if (m->state == WORKER_DEAD) {
		if (w)
			worker_remove(r, w);
	} else {
		if (!w)
			w = worker_add(r, m->worker);
		if (w)
			worker_apply(w, m);
	}
	count_ready(&r->workers);
}

void workers_free_all(struct router *r)
{
	struct worker *w, *next;

	HASH_ITER(hh, r->workers.by_id, w, next)
	worker_remove(r, w);
}

void worker_assigned(struct worker *w)
{
	struct scoreboard_share *share = share_of(w);

	take_base(w);
	w->assigned++;
	if (share)
		counter_add(&share->handoffs, 1);
}

void worker_admitted(struct worker *w)
{
	struct scoreboard_share *share = share_of(w);

	if (share)
		counter_add(&share->admitted, 1);
}

void worker_asked(struct worker *w)
{
	struct scoreboard_share *share = share_of(w);

	if (share)
		counter_add(&share->requests, 1);
}

/* As publish_sessions() in router.c. */
static void publish_sessions(const struct worker *w, counter *c)
{
	for (int i = 0; i < PUBLISH_TRIES; i++) {
		uint32_t n = sessions_count_worker(w->router->sessions, w->id);

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

void workers_publish(struct router *r)
{
	struct worker *w, *next;

	HASH_ITER(hh, r->workers.by_id, w, next)
	{
		struct scoreboard_row *row = row_of(w);
		struct scoreboard_share *share;

		if (w->idle_untold)
			worker_tell_if_idle(w);
		if (!row)
			continue;
		publish_sessions(w, &row->sessions);
		publish_sockets(w, &row->sockets);
		share = &r->board->shares[w->slot];
		counter_set(&share->in_flight, w->in_flight);
		counter_set(&share->upstreams, w->n_upstreams);
		counter_set(&share->tunnels, w->n_tunnels);
	}
}
