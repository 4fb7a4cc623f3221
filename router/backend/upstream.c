/* Connections to workers. See upstream.h.
 *
 * Node closes idle connections after keepAliveTimeout (5 s unless the app changed it) and says so
 * in `Keep-Alive: timeout=`; we let go earlier, so no request meets a closing connection. */
#include "router/backend/upstream.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <utlist.h>

#include "base/fd.h"
#include "base/macros.h"
#include "router/backend/pair.h"
#include "router/backend/workers.h"

#include "base/ban.h"

enum { SEARCH_MAX = 8 };

static void on_event(struct sock *s, int events)
{
	struct upstream *u = container_of(s, struct upstream, sock);

	if (u->user)
		u->ops->on_event(u->user, events);
	else
		upstream_close(u); /* idle: the worker closed it, or talks out of turn */
}

static struct upstream *upstream_with(struct worker *w, int fd, uint64_t token,
				      const struct ends *ends)
{
	struct upstream *u = calloc(1, sizeof(*u));

	if (!u) {
		fd_close(&fd);
		errno = ENOMEM;
		return NULL;
	}
	sock_init(&u->sock, w->backend->loop, fd, on_event);
	u->ops = w->backend->upstream_ops;
	u->worker = w;
	u->token = token;
	u->ends = *ends;
	u->public = w->public;
	u->in = BUF_INIT(RESPONSE_HEAD_MAX + SOCK_READ_MIN);
	w->n_upstreams++;
	worker_has_news(w);
	return u;
}

bool upstream_shows_ends(const struct worker *w)
{
	return w->backend->own_network.maker >= 0 && !worker_listens_itself(w);
}

static struct upstream *upstream_new(struct worker *w, const struct ends *wanted)
{
	struct ends ends = upstream_shows_ends(w) ? *wanted : (struct ends){ 0 };
	uint64_t token = ++w->backend->last_token;
	int fd = worker_listens_itself(w) ? pair_dial(w)
					  : pair_hand_over(w, HANDOFF_UPSTREAM, token, &ends);

	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	return upstream_with(w, fd, token, &ends);
}

static bool is_open(const struct upstream *u)
{
	char byte;

	return recv(u->sock.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* Idle ones lie on the shelf of the client whose address the app sees on them. */
static struct upstream **shelf_of(struct worker *w, const struct ends *ends)
{
	uint32_t tail;

	memcpy(&tail, ends->client.byte + sizeof(ends->client) - sizeof(tail), sizeof(tail));
	return &w->shelves[tail * 2654435761u >> 26];
}

static void leave_idle(struct upstream *u)
{
	struct upstream **shelf = shelf_of(u->worker, &u->ends);

	DL_DELETE(u->worker->idle, u);
	DL_DELETE2(*shelf, u, shelf_prev, shelf_next);
	u->worker->n_idle--;
}

/* The last that was used, but rather one that the app knows by this client's port. */
static struct upstream *find_idle(struct worker *w, const struct ends *ends)
{
	struct upstream *shelf = *shelf_of(w, ends), *u, *found = NULL;
	unsigned seen = 0;

	for (u = shelf; u && (!found || seen < SEARCH_MAX); u = u->shelf_next) {
		if (!ends_match(&u->ends, ends))
			continue;
		if (u->ends.client_port == ends->client_port)
			return u;
		found = found ? found : u;
		seen++;
	}
	return found;
}

static struct upstream *take_idle(struct worker *w, bool checked, const struct ends *ends)
{
	static const struct ends none;
	const struct ends *wanted = upstream_shows_ends(w) ? ends : &none;
	struct upstream *u;

	while ((u = find_idle(w, wanted))) {
		if (u->expires_ms > backend_now(w->backend) && (!checked || is_open(u))) {
			leave_idle(u);
			u->reused = true;
			return u;
		}
		upstream_close(u);
	}
	return NULL;
}

static void become_busy(struct upstream *u, void *user, bool poll)
{
	struct worker *w = u->worker;

	u->user = user;
	u->poll = poll;
	w->in_flight++;
	w->n_polls += poll;
	DL_PREPEND(w->busy, u);
	worker_has_news(w);
}

struct upstream *upstream_get(struct worker *w, void *user, bool poll, enum upstream_age age,
			      const struct ends *ends)
{
	struct upstream *u =
	    age == UPSTREAM_NEW ? NULL : take_idle(w, age == UPSTREAM_CHECKED, ends);

	if (!u)
		u = upstream_new(w, ends);
	if (u)
		become_busy(u, user, poll);
	return u;
}

struct upstream *upstream_adopt(struct worker *w, void *user, int fd, const struct ends *ends)
{
	struct upstream *u = upstream_with(w, fd, ++w->backend->last_token, ends);

	if (!u)
		return NULL;
	u->sock.lent = true;
	become_busy(u, user, true);
	return u;
}

static void leave_busy(struct upstream *u)
{
	struct worker *w = u->worker;

	DL_DELETE(w->busy, u);
	if (u->tunnel)
		w->n_tunnels--;
	else
		w->in_flight--;
	w->n_polls -= u->poll;
	worker_has_news(w);
	worker_tell_if_idle(w);
}

void upstream_becomes_tunnel(struct upstream *u)
{
	u->tunnel = true;
	if (!u->worker)
		return;
	u->worker->in_flight--;
	u->worker->n_tunnels++;
	worker_has_news(u->worker);
	worker_tell_if_idle(u->worker);
}

/* Idle ones */

static void sweep_later(struct backend *b);

/* Those of a worker that have expired. */
static void sweep(struct worker *w, uint64_t now_ms)
{
	struct upstream *u, *next;

	DL_FOREACH_SAFE(w->idle, u, next)
	if (u->expires_ms <= now_ms)
		upstream_close(u);
}

static void on_sweep(uv_timer_t *t)
{
	struct backend *b = container_of(t, struct backend, idle_sweep);
	struct worker *w, *next;
	bool any = false;

	HASH_ITER(hh, b->workers, w, next)
	{
		sweep(w, backend_now(b));
		any = any || w->idle;
	}
	if (any)
		sweep_later(b);
}

static void sweep_later(struct backend *b)
{
	if (!uv_is_active((uv_handle_t *)&b->idle_sweep))
		(void)uv_timer_start(&b->idle_sweep, on_sweep, UPSTREAM_SWEEP_MS, 0);
}

static void become_idle(struct upstream *u, uint32_t idle_ms)
{
	struct worker *w = u->worker;
	struct upstream **shelf = shelf_of(w, &u->ends);

	leave_busy(u);
	u->user = NULL;
	u->expires_ms = backend_now(w->backend) + idle_ms;
	DL_PREPEND(w->idle, u);
	DL_PREPEND2(*shelf, u, shelf_prev, shelf_next);
	if (++w->n_idle > UPSTREAMS_IDLE_MAX)
		upstream_close(w->idle->prev); /* the last of the list */
	sweep_later(w->backend);
}

void upstream_put(struct upstream *u, uint32_t idle_ms)
{
	if (idle_ms == 0 || !u->worker || u->worker->state == WORKER_STOPPING ||
	    u->public != u->worker->public || sock_blocked(&u->sock) ||
	    sock_want(&u->sock, UV_READABLE) < 0)
		upstream_close(u);
	else
		become_idle(u, idle_ms);
}

/* Ends */

static void on_closed(struct sock *s)
{
	struct upstream *u = container_of(s, struct upstream, sock);

	buf_free(&u->in);
	free(u);
}

void upstream_leave_worker(struct upstream *u)
{
	struct worker *w = u->worker;

	if (!w)
		return;
	if (u->user)
		leave_busy(u);
	else
		leave_idle(u);
	w->n_upstreams--;
	worker_has_news(w);
	u->worker = NULL;
}

void upstream_close(struct upstream *u)
{
	if (u->sock.closing)
		return;
	upstream_leave_worker(u);
	u->user = NULL;
	sock_close(&u->sock, on_closed);
}

bool upstream_refused(struct worker *w, uint64_t token)
{
	struct upstream *u;

	DL_SEARCH_SCALAR(w->idle, u, token, token);
	if (u) {
		upstream_close(u);
		return true;
	}
	DL_SEARCH_SCALAR(w->busy, u, token, token);
	if (!u)
		return false;
	u->refused = true;
	u->ops->on_refused(u->user);
	return true;
}

void upstreams_close_idle(struct worker *w)
{
	while (w->idle)
		upstream_close(w->idle);
}

void upstreams_close_all(struct worker *w)
{
	while (w->busy)
		w->busy->ops->on_worker_died(w->busy->user);
	upstreams_close_idle(w);
}

void upstreams_init(struct backend *b)
{
	(void)uv_timer_init(b->loop->uv, &b->idle_sweep);
}

void upstreams_deinit(struct backend *b)
{
	uv_close((uv_handle_t *)&b->idle_sweep, NULL);
}
