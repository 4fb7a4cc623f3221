/* Client connections. Heads are only peeked at: what is read from the socket is exactly what is
 * passed on, so a connection can still be handed over whole at its next request. An incomplete head
 * costs no wake-ups: SO_RCVLOWAT is set one above what is there (unix sockets, which lack that, are
 * looked at again after REPEEK_MS). */
#include "router/client.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "router/admin/admin.h"
#include "router/core.h"
#include "router/reply.h"
#include "router/sessions.h"
#include "router/sid.h"

#include "base/ban.h"

enum { HANDOFF_TRIES_MAX = 3 };

static void client_read_head(struct client *c);

static void on_event(struct sock *s, int events)
{
	struct client *c = container_of(s, struct client, sock);

	if (s->failed) {
		client_close(c, "client reset");
		return;
	}
	if (c->state == CLIENT_EXCHANGE) {
		exchange_on_client(c, events);
		return;
	}
	if (sock_flush(s) < 0) {
		client_close(c, "send failed");
		return;
	}
	client_read_head(c);
}

/* Life */

static void on_closed(struct sock *s)
{
	struct client *c = container_of(s, struct client, sock);

	buf_free(&c->exchange.retained);
	buf_free(&c->exchange.opening);
	free(c);
}

void client_close(struct client *c, const char *why)
{
	struct router *r = c->router;

	if (c->state == CLIENT_CLOSED)
		return;
	log_debug("router: client %s: closed: %s", c->addr, why);
	if (c->state == CLIENT_EXCHANGE)
		exchange_abort(c);
	c->state = CLIENT_CLOSED;
	deadline_clear(&c->deadline);
	DL_DELETE(r->clients, c);
	r->n_clients--;
	sock_close(&c->sock, on_closed);
}

static void name_peer(struct client *c, const struct sockaddr_storage *peer)
{
	const void *ip = "unix";

	if (peer->ss_family == AF_INET)
		ip = &((const struct sockaddr_in *)peer)->sin_addr;
	else if (peer->ss_family == AF_INET6)
		ip = &((const struct sockaddr_in6 *)peer)->sin6_addr;
	if (peer->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)ip))
		(void)inet_ntop(AF_INET, (const char *)ip + 12, c->addr, sizeof(c->addr));
	else if (peer->ss_family == AF_INET || peer->ss_family == AF_INET6)
		(void)inet_ntop(peer->ss_family, ip, c->addr, sizeof(c->addr));
	else
		memcpy(c->addr, "unix", 5);
}

static struct client *client_new(struct router *r, const struct listener *l, int fd,
				 const struct sockaddr_storage *peer)
{
	struct client *c = calloc(1, sizeof(*c));
	int on = 1;

	if (!c) {
		fd_close(&fd);
		return NULL;
	}
	if (peer->ss_family != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	sock_init(&c->sock, &r->poller, fd, on_event);
	c->router = r;
	c->listener = l;
	c->exchange.retained = BUF_INIT(RETAIN_MAX);
	c->exchange.opening = BUF_INIT(LEARN_MAX);
	name_peer(c, peer);
	DL_APPEND(r->clients, c);
	r->n_clients++;
	return c;
}

/* Answers of our own */

/* Half closes and reads on for a moment: closing with unread bytes would reset the connection and
 * could take the answer with it (RFC 9112, 9.6). */
static void client_linger(struct client *c)
{
	c->state = CLIENT_LINGER;
	if (sock_blocked(&c->sock)) {
		if (sock_want(&c->sock, UV_WRITABLE) < 0)
			client_close(c, "poll failed");
		return;
	}
	(void)shutdown(c->sock.fd, SHUT_WR);
	deadline_set(&c->deadline, &c->router->linger);
	if (sock_want(&c->sock, UV_READABLE) < 0)
		client_close(c, "poll failed");
}

void client_finish_with(struct client *c, struct str head, struct str body)
{
	deadline_set(&c->deadline, &c->router->body);
	if (sock_send(&c->sock, head, body) < 0)
		client_close(c, "send failed");
	else
		client_linger(c);
}

void client_reply(struct client *c, unsigned status)
{
	struct buf *out = &c->router->out;

	scoreboard_count_response(c->router->board, status);
	out->len = 0;
	if (reply_write(status, out) < 0)
		client_close(c, "no memory");
	else
		client_finish_with(c, buf_str(out), (struct str){ 0 });
}

static void client_drain_input(struct client *c)
{
	ssize_t n = recv(c->sock.fd, c->router->io, IO_SIZE, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		client_close(c, "done");
}

/* Handing over */

static void set_low_water(struct client *c, size_t bytes)
{
	int n = (int)bytes;

	(void)setsockopt(c->sock.fd, SOL_SOCKET, SO_RCVLOWAT, &n, sizeof(n));
}

static void client_hand_over(struct client *c, struct worker *w, enum handoff_kind kind,
			     uint32_t listener)
{
	struct router *r = c->router;
	struct control_msg m = { .type = CONTROL_HANDOFF,
				 .worker = w->id,
				 .token = c->handoff_tries,
				 .kind = kind,
				 .listener = listener };

	worker_assigned(w);
	counter_add(&r->board->upgrades, 1);
	if (control_send(&r->link, &m, sock_release(&c->sock)) < 0)
		log_warn("router: a client is lost: init does not take the hand-off");
	client_close(c, "handed over");
}

static void client_hand_over_raw(struct client *c, uint32_t listener)
{
	struct router *r = c->router;
	struct worker *not = workers_by_id(&r->workers, c->refused_by);
	struct worker *w = workers_pick(&r->workers, r->sessions, not, router_now(r));

	if (w && c->handoff_tries < HANDOFF_TRIES_MAX)
		client_hand_over(c, w, HANDOFF_RAW, listener);
	else
		client_close(c, "no worker");
}

/* Routing */

static struct worker *choose(struct client *c, const struct sid_request *sid)
{
	struct router *r = c->router;
	uint64_t now = router_now(r);
	struct worker *not = workers_by_id(&r->workers, c->refused_by), *w = NULL;

	if (sid->sid.n)
		w = workers_serving(&r->workers, sessions_find(r->sessions, sid->sid, now));
	if (!w && sid->sid.n)
		counter_add(&r->board->sid_misses, 1);
	if (!w) /* of an unknown session, too: the app's own answer carries its CORS fields */
		w = workers_pick(&r->workers, r->sessions, not, now);
	return w;
}

static void refuse(struct client *c)
{
	counter_add(&c->router->board->no_worker, 1);
	client_reply(c, 503);
}

static void client_route(struct client *c, const struct http_head *head)
{
	struct sid_request sid;
	struct worker *w;

	deadline_clear(&c->deadline);
	if (c->listener && c->listener->role == ROLE_ADMIN) {
		admin_serve(c, head);
		return;
	}
	if (str_eq(head->method, STR("CONNECT"))) {
		client_reply(c, 405);
		return;
	}
	sid_of_target(head->target, &sid);
	w = choose(c, &sid);
	if (!w)
		refuse(c);
	else if (head->upgrade)
		client_hand_over(c, w, HANDOFF_CLIENT, 0);
	else
		exchange_start(c, w, head, &sid);
}

/* Heads */

/* @n bytes of an incomplete head are in the kernel. */
static void client_await_more(struct client *c, size_t n)
{
	if (n == c->peeked && c->sock.events) { /* readable without news: that was the FIN */
		client_close(c, "half a request");
		return;
	}
	if (c->peeked == 0) {
		deadline_set(&c->deadline, &c->router->header);
		c->head_since_ms = router_now(c->router);
	}
	c->peeked = n;
	if (strcmp(c->addr, "unix") == 0) {
		(void)sock_want(&c->sock, 0);
		deadline_set(&c->deadline, &c->router->repeek);
		return;
	}
	set_low_water(c, n + 1);
	if (sock_want(&c->sock, UV_READABLE) < 0)
		client_close(c, "poll failed");
}

static void client_head_is(struct client *c, enum http_parse_result result, size_t n)
{
	if (result == HTTP_HEAD_PARTIAL) {
		client_await_more(c, n);
		return;
	}
	if (c->peeked) {
		c->peeked = 0;
		set_low_water(c, 1);
	}
	if (result == HTTP_HEAD_COMPLETE)
		client_route(c, &c->router->head);
	else
		client_reply(c, (unsigned)-result);
}

static void client_await_first(struct client *c)
{
	if (!c->deadline.list)
		deadline_set(&c->deadline, &c->router->header);
	if (sock_want(&c->sock, UV_READABLE) < 0)
		client_close(c, "poll failed");
}

static void client_read_head(struct client *c)
{
	struct router *r = c->router;
	size_t max = r->conf->max_head_bytes;
	ssize_t n;

	if (c->state == CLIENT_LINGER) {
		if (c->deadline.list == &r->linger)
			client_drain_input(c);
		else
			client_linger(c);
		return;
	}
	if (sock_blocked(&c->sock))
		return;
	n = recv(c->sock.fd, r->io, max < IO_SIZE ? max : IO_SIZE, MSG_PEEK | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		client_await_first(c);
	else if (n <= 0)
		client_close(c, n == 0 ? "client closed" : strerror(errno));
	else
		client_head_is(c,
			       http_parse_request((struct str){ r->io, (size_t)n }, max, &r->head),
			       (size_t)n);
}

void client_accept(struct router *r, const struct listener *l, int fd,
		   const struct sockaddr_storage *peer)
{
	struct client *c = client_new(r, l, fd, peer);

	if (!c)
		return;
	counter_add(&r->board->connections, l->role != ROLE_ADMIN);
	if (l->role == ROLE_RAW)
		client_hand_over_raw(c, l->id);
	else if (l->role == ROLE_HTTP && router_all_clients(r) > r->conf->max_connections)
		client_reply(c, 503);
	else
		client_read_head(c);
}

void client_return(struct router *r, const struct control_msg *m, int fd)
{
	struct sockaddr_storage peer = { 0 };
	socklen_t len = sizeof(peer);
	struct client *c;

	if (getpeername(fd, (struct sockaddr *)&peer, &len) < 0) { /* the client has left */
		fd_close(&fd);
		return;
	}
	c = client_new(r, NULL, fd, &peer);
	if (!c)
		return;
	counter_add(&r->board->handbacks, 1);
	c->handoff_tries = (unsigned)m->token + 1;
	c->refused_by = m->worker;
	if (m->kind == HANDOFF_RAW)
		client_hand_over_raw(c, m->listener);
	else if (c->handoff_tries >= HANDOFF_TRIES_MAX)
		client_reply(c, 503);
	else
		client_read_head(c);
}

void client_exchange_done(struct client *c, bool reusable)
{
	assert(c->state == CLIENT_EXCHANGE);
	c->state = CLIENT_IDLE;
	if (!reusable) {
		deadline_set(&c->deadline, &c->router->body);
		client_linger(c);
		return;
	}
	deadline_set(&c->deadline, &c->router->keepalive);
	if (sock_want(&c->sock, sock_blocked(&c->sock) ? UV_WRITABLE : UV_READABLE) < 0)
		client_close(c, "poll failed");
}

void client_on_deadline(struct deadline *d)
{
	struct client *c = container_of(d, struct client, deadline);

	if (c->state == CLIENT_IDLE && c->peeked)
		client_reply(c, 408);
	else
		client_close(c, "timeout");
}

void client_on_repeek(struct deadline *d)
{
	struct client *c = container_of(d, struct client, deadline);

	if (router_now(c->router) - c->head_since_ms >= c->router->conf->header_timeout_ms)
		client_reply(c, 408);
	else
		client_read_head(c);
}

void client_close_idle(struct router *r)
{
	struct client *c, *next;

	DL_FOREACH_SAFE(r->clients, c, next)
	if (c->state == CLIENT_IDLE && c->peeked == 0)
		client_close(c, "draining");
}
