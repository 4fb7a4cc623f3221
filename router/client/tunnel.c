/* Tunnels. A piece is read and written, or spliced: two calls either way. Splicing saves the
 * copies, a tenth to a fifth of the CPU time of large messages, and wins nothing for small
 * ones. So it begins with the piece after one that filled a read and was taken whole, and ends with
 * the first that did not or was not. What a slow side leaves goes from the pipe to that side's
 * buffer: the pipe is empty again at once, and serves all tunnels. Without one, everything is
 * copied.
 *
 * Each direction is on its own: a side is read while the other one takes its bytes; its end is
 * passed on behind them. */
#include "router/client/tunnel.h"

#include <errno.h>
#include <sys/socket.h>

#include "router/net/sock.h"
#include "router/net/splice_pipe.h"

#include "base/ban.h"

/* Both ways of passing a piece on return as sock_splice(). */
static ssize_t copy_piece(const struct tunnel_means *m, const struct sock *from, struct sock *to)
{
	ssize_t n = recv(from->fd, m->io, m->io_size, MSG_DONTWAIT);
	int e;

	if (n <= 0)
		return n < 0 ? -errno : 0;
	e = sock_send(to, (struct str){ m->io, (size_t)n }, (struct str){ 0 });
	return e < 0 ? e : n;
}

static ssize_t splice_piece(const struct tunnel_means *m, const struct sock *from, struct sock *to)
{
	ssize_t n = sock_splice(to, from->fd, m->pipe);

	if (n < SOCK_READ_MIN)
		to->read_size = SOCK_READ_MIN;
	return n;
}

/* The last piece was large, and taken whole. */
static bool is_worth_a_pipe(const struct sock *to)
{
	return to->read_size > SOCK_READ_MIN;
}

static int pump(struct tunnel *t, enum tunnel_end at, const struct tunnel_means *m)
{
	struct sock *from = t->side[at], *to = t->side[!at];
	ssize_t n;

	if (t->ended[at] || sock_blocked(to))
		return 0;
	if (is_worth_a_pipe(to) && pipe_open(m->pipe, m->now_ms))
		n = splice_piece(m, from, to);
	else
		n = copy_piece(m, from, to);
	t->ended[at] = n == 0;
	return n >= 0 || n == -EAGAIN || n == -EINTR ? 0 : (int)n;
}

int tunnel_on_event(struct tunnel *t, enum tunnel_end at, int events, const struct tunnel_means *m)
{
	struct sock *s = t->side[at];
	int e = events & UV_WRITABLE ? sock_flush(s) : 0;

	t->leaving[at] = t->leaving[at] || (events & UV_DISCONNECT);
	if (e == 0 && (events & UV_READABLE))
		e = pump(t, at, m);
	return e == 0 && s->failed ? -ECONNRESET : e;
}

static void pass_on_end(const struct tunnel *t, enum tunnel_end at)
{
	const struct sock *to = t->side[!at];

	if (t->ended[at] && !sock_blocked(to))
		(void)shutdown(to->fd, SHUT_WR);
}

static int rearm(const struct tunnel *t, enum tunnel_end at)
{
	int events = (sock_blocked(t->side[at]) ? UV_WRITABLE : 0) |
		     (!t->ended[at] && !sock_blocked(t->side[!at]) ? UV_READABLE : 0);

	return sock_want(t->side[at], events ? events : UV_DISCONNECT);
}

int tunnel_rearm(struct tunnel *t)
{
	int e;

	pass_on_end(t, TUNNEL_CLIENT);
	pass_on_end(t, TUNNEL_WORKER);
	if (t->ended[TUNNEL_CLIENT] && t->ended[TUNNEL_WORKER] &&
	    !sock_blocked(t->side[TUNNEL_CLIENT]) && !sock_blocked(t->side[TUNNEL_WORKER]))
		return 1;
	e = rearm(t, TUNNEL_WORKER);
	return e < 0 ? e : rearm(t, TUNNEL_CLIENT);
}

bool tunnel_is_half_closed(const struct tunnel *t)
{
	return t->ended[TUNNEL_CLIENT] || t->ended[TUNNEL_WORKER] || t->leaving[TUNNEL_CLIENT] ||
	       t->leaving[TUNNEL_WORKER];
}
