/* Tunnels. A piece is read and written, or spliced: two calls either way. Splicing saves the
 * copies, a tenth to a fifth of the CPU time of large messages, and wins nothing for small
 * ones. So it begins with the piece after one that filled a bite and was taken whole, and ends with
 * the first that did not or was not. What a slow side leaves goes from the pipe to that side's
 * buffer: the pipe is empty again at once, and serves all tunnels. Without one, everything is
 * copied.
 *
 * Each direction is on its own: a side is read while the other one takes its bytes; its end is
 * passed on behind them. Both ends, or an error on either side, end the tunnel. */
#include "router/client/tunnel.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/macros.h"
#include "router/backend/upstream.h"
#include "router/client/client.h"
#include "router/core.h"
#include "router/http/rewrite.h"

#include "base/ban.h"

enum { TICK_MS = 20 };

/* Both ways of passing a piece on return as sock_splice(). */
static ssize_t copy_piece(struct router *r, const struct sock *from, struct sock *to)
{
	ssize_t n = recv(from->fd, r->io, IO_SIZE, MSG_DONTWAIT);
	int e;

	if (n <= 0)
		return n < 0 ? -errno : 0;
	e = sock_send(to, (struct str){ r->io, (size_t)n }, (struct str){ 0 });
	return e < 0 ? e : n;
}

static ssize_t splice_piece(struct router *r, const struct sock *from, struct sock *to)
{
	ssize_t n = sock_splice(to, from->fd, &r->pipe);

	if (n < SOCK_BITE_MIN)
		to->bite = SOCK_BITE_MIN;
	return n;
}

/* The last piece was large, and taken whole. */
static bool is_worth_a_pipe(const struct sock *to)
{
	return to->bite > SOCK_BITE_MIN;
}

/* 0, or -errno of either side. */
static int pump(struct router *r, struct sock *from, struct sock *to, bool *ended)
{
	ssize_t n;

	if (*ended || sock_blocked(to))
		return 0;
	if (is_worth_a_pipe(to) && pipe_open(&r->pipe, router_now(r)))
		n = splice_piece(r, from, to);
	else
		n = copy_piece(r, from, to);
	*ended = n == 0;
	return n >= 0 || n == -EAGAIN || n == -EINTR ? 0 : (int)n;
}

static void pass_on_end(const struct sock *to, bool ended)
{
	if (ended && !sock_blocked(to))
		(void)shutdown(to->fd, SHUT_WR);
}

static int events_for(const struct sock *s, const struct sock *other, bool ended)
{
	return (sock_blocked(s) ? UV_WRITABLE : 0) |
	       (!ended && !sock_blocked(other) ? UV_READABLE : 0);
}

/* What was just done may have unblocked or ended something. */
static void rearm(struct client *c)
{
	struct exchange *x = &c->exchange;
	struct sock *far = &x->upstream->sock;

	pass_on_end(far, x->client_ended);
	pass_on_end(&c->sock, x->worker_ended);
	if (x->client_ended && x->worker_ended && !sock_blocked(far) && !sock_blocked(&c->sock))
		client_close(c, "tunnel done");
	else if (sock_want(far, events_for(far, &c->sock, x->worker_ended)) < 0 ||
		 sock_want(&c->sock, events_for(&c->sock, far, x->client_ended)) < 0)
		client_close(c, "poll failed");
}

static void on_side(struct client *c, int events, struct sock *side, struct sock *other,
		    bool *ended)
{
	int r = events & UV_WRITABLE ? sock_flush(side) : 0;

	if (r == 0 && (events & UV_READABLE))
		r = pump(c->router, side, other, ended);
	if (r < 0 || side->failed)
		client_close(c, "tunnel cut");
	else
		rearm(c);
}

void tunnel_on_client(struct client *c, int events)
{
	struct exchange *x = &c->exchange;

	on_side(c, events, &c->sock, &x->upstream->sock, &x->client_ended);
}

void tunnel_on_upstream(struct client *c, int events)
{
	struct exchange *x = &c->exchange;

	on_side(c, events, &x->upstream->sock, &c->sock, &x->worker_ended);
}

void tunnel_start(struct client *c, const struct http_head *head, struct str rest)
{
	struct exchange *x = &c->exchange;
	struct http_forward fw = { .upgrade = http_field_get(head, STR("upgrade")) };
	struct buf *out = &c->router->out;

	x->tunnel = x->head_sent = true;
	deadline_clear(&c->deadline);
	upstream_becomes_tunnel(x->upstream);
	counter_add(&c->router->board->upgrades, 1);
	scoreboard_count_response(c->router->board, head->status);
	out->len = 0;
	if (http_forward_response(head, &fw, x->minor, out) < 0 ||
	    sock_send(&c->sock, buf_str(out), rest) < 0)
		client_close(c, "send failed");
	else
		rearm(c);
}

/* Draining */

struct tunnel_drain {
	uv_timer_t timer;
	struct worker *worker;
	uint32_t per_tick;
};

static void close_some(struct worker *w, uint32_t n)
{
	struct upstream *u = w->busy, *next;

	for (; u && n > 0; u = next) {
		next = u->next;
		if (!u->tunnel)
			continue;
		client_close(u->client, "worker drains");
		n--;
	}
}

static void on_tick(uv_timer_t *t)
{
	struct tunnel_drain *d = container_of(t, struct tunnel_drain, timer);

	close_some(d->worker, d->per_tick);
}

void tunnels_drain(struct worker *w)
{
	struct tunnel_drain *d = w->tunnel_drain || !w->n_tunnels ? NULL : calloc(1, sizeof(*d));
	uint32_t ticks;

	if (!d)
		return;
	ticks = w->router->conf->drain_time_ms / TICK_MS;
	w->tunnel_drain = d;
	d->worker = w;
	d->per_tick = ticks ? (w->n_tunnels + ticks - 1) / ticks : w->n_tunnels;
	(void)uv_timer_init(&w->router->loop, &d->timer);
	(void)uv_timer_start(&d->timer, on_tick, 0, TICK_MS);
}

static void on_closed(uv_handle_t *h)
{
	free(container_of((uv_timer_t *)h, struct tunnel_drain, timer));
}

void tunnels_drain_stop(struct worker *w)
{
	if (w->tunnel_drain)
		uv_close((uv_handle_t *)&w->tunnel_drain->timer, on_closed);
	w->tunnel_drain = NULL;
}
