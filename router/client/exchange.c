/* Exchanges.
 *
 * Happy path: the head is consumed from the client's kernel buffer together with the body bytes
 * that are there, sent to the worker in one call; the response's head is rewritten and goes out
 * together with its first body bytes, in one call; what follows is passed on buffer by buffer. When
 * one side does not take bytes, the other side is not read.
 *
 * Failure: until the first byte of a response has been passed on, a request that the worker has not
 * read (its connection was refused or already closed at its end) or may read twice (idempotent, RFC
 * 9110, 9.2.2) is tried once more; others get 502. Later the client's connection is cut, as HTTP
 * has no other way to say it. A worker that answers before it has read the whole request gets its
 * answer through, then both connections end. A client that ends its half is passed on as just that:
 * whether the answer is still wanted is the app's choice (Node: server.httpAllowHalfOpen). The body
 * timeout runs only while it is the client's turn, to send or to take. */
#include "router/client/exchange.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/macros.h"
#include "router/backend/choose.h"
#include "router/backend/upstream.h"
#include "router/client/client.h"
#include "router/client/naming.h"
#include "router/client/parking.h"
#include "router/client/tunnel.h"
#include "router/core.h"
#include "router/http/cookie.h"
#include "router/http/rewrite.h"
#include "router/session/sid.h"
#include "router/session/table.h"

#include "base/ban.h"

enum {
	TRIES_MAX = 2,
	IDLE_MS_DEFAULT = 4000, /* Node's keepAliveTimeout is 5 s */
	SESSION_SLACK_MS = 15000,
};

/* @moved: the client has just sent or taken something. */
static void watch_pace(struct client *c, bool moved)
{
	const struct exchange *x = &c->exchange;
	bool its_turn =
	    sock_blocked(&c->sock) || (!x->request.done && !sock_blocked(&x->upstream->sock));

	if (!its_turn && parking_is_for(x) && !x->parked) {
		if (c->deadline.list != &c->router->park)
			deadline_set(&c->deadline, &c->router->park);
	} else if (!its_turn)
		deadline_clear(&c->deadline);
	else if (moved || !c->deadline.list)
		deadline_set(&c->deadline, &c->router->body);
}

static void rearm(struct client *c, bool moved)
{
	struct exchange *x = &c->exchange;
	struct upstream *u = x->upstream;
	int client_events = sock_blocked(&c->sock) ? UV_WRITABLE : 0;
	int upstream_events = 0;

	if (!x->request.done ? !sock_blocked(&u->sock) : !x->client_ended && !x->pipelined)
		client_events |= UV_READABLE;
	if (!client_events) /* it is not read from, but its reset is heard */
		client_events = UV_DISCONNECT;
	if (!u->sock.failed)
		upstream_events = (sock_blocked(&u->sock) ? UV_WRITABLE : 0) |
				  (sock_blocked(&c->sock) ? 0 : UV_READABLE);
	watch_pace(c, moved);
	if (sock_want(&u->sock, upstream_events) < 0)
		exchange_on_upstream_gone(c, "poll failed");
	else if (sock_want(&c->sock, client_events) < 0)
		client_close(c, "poll failed");
}

/* Every failure of our own towards the client: nothing of the response may be out. */
static void answer(struct client *c, unsigned status)
{
	c->state = CLIENT_IDLE;
	client_reply(c, status);
}

/* The request */

static bool is_idempotent(struct str method)
{
	static const struct str methods[] = {
		{ "GET", 3 }, { "HEAD", 4 },   { "OPTIONS", 7 },
		{ "PUT", 3 }, { "DELETE", 6 }, { "TRACE", 5 },
	};

	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (str_eq(method, methods[i]))
			return true;
	return false;
}

static bool is_poll(const struct http_head *head, const struct sid_request *sid)
{
	return sid->sid.n && str_eq(head->method, STR("GET"));
}

static void keep_cookie(struct client *c, const struct http_head *head)
{
	struct forwarded_peer peer = { str_of(c->addr), c->trusted, c->tls };
	struct str had = { 0 };

	if (c->router->conf->sticky == STICKY_COOKIE)
		had = cookie_of(head, str_of(c->router->conf->sticky_cookie));
	c->exchange.secure_cookie =
	    c->router->conf->sticky_cookie_secure_auto && forwarded_is_tls(head, &peer);
	(void)snprintf(c->exchange.cookie, sizeof(c->exchange.cookie), "%.*s", (int)had.n, had.p);
}

static void begin(struct client *c, struct upstream *u, const struct http_head *head,
		  const struct sid_request *sid)
{
	struct exchange *x = &c->exchange;
	struct buf retained = x->retained, opening = x->opening;

	retained.len = opening.len = 0;
	*x = (struct exchange){ .upstream = u,
				.worker_id = u->worker->id,
				.request = head->body,
				.keep_alive = head->keep_alive,
				.no_body = str_eq(head->method, STR("HEAD")),
				.idempotent = is_idempotent(head->method),
				.learn = sid->engine && sid->sid.n == 0 &&
					 c->router->conf->sticky != STICKY_NONE,
				.poll = !head->websocket && is_poll(head, sid),
				.upgrade = head->websocket,
				.begun_ms = router_now(c->router),
				.minor = head->minor,
				.retained = retained,
				.opening = opening };
	keep_cookie(c, head);
	c->state = CLIENT_EXCHANGE;
}

void exchange_adopt(struct client *c, struct upstream *u, bool keep_alive, unsigned minor)
{
	struct exchange *x = &c->exchange;

	x->upstream = u;
	x->worker_id = u->worker->id;
	x->request.done = true;
	x->keep_alive = keep_alive;
	x->poll = true;
	x->minor = minor;
	x->tries = TRIES_MAX;
	x->begun_ms = router_now(c->router);
	c->state = CLIENT_EXCHANGE;
	parking_begin(&c->deadline); /* at once: this router may be killed, too */
	rearm(c, true);
}

/* Reads the head again, for good this time, and the part of the body that is there: the slices of
 * @head keep pointing at the same bytes. A chunked body is read later, since where it ends is not
 * known yet. */
static ssize_t consume(struct client *c, const struct http_head *head)
{
	size_t room = head->body.kind == HTTP_BODY_CHUNKED ? 0 : http_body_room(&head->body);
	size_t left = IO_SIZE - head->size, most = left < SOCK_BITE_MIN ? left : SOCK_BITE_MIN;

	return recv(c->sock.fd, c->router->io, head->size + (room < most ? room : most),
		    MSG_DONTWAIT);
}

/* Keeps the request as it was sent, when it is whole and small. */
static void retain(struct exchange *x, struct str head, struct str body)
{
	if (!x->request.done || head.n + body.n > RETAIN_MAX)
		return;
	if (buf_append(&x->retained, head.p, head.n) < 0 ||
	    buf_append(&x->retained, body.p, body.n) < 0)
		x->retained.len = 0;
}

static void send_to_worker(struct client *c, struct str head, struct str body)
{
	struct exchange *x = &c->exchange;

	if (sock_send(&x->upstream->sock, head, body) < 0) {
		/* it may have answered before it closed: what it said is read first */
		x->request.done = true;
		x->cut = true;
	}
}

/* A connection to @w, or, when it has just gone, to another. */
static struct upstream *get_upstream(struct client *c, struct worker *w, bool poll,
				     enum upstream_age age)
{
	struct router *r = c->router;
	struct upstream *u = upstream_get(w, c, poll, age);

	if (u || errno != ECONNREFUSED)
		return u;
	w = workers_pick(&r->workers, r->sessions, w, router_now(r));
	return w ? upstream_get(w, c, poll, UPSTREAM_NEW) : NULL;
}

/* The head as the worker gets it, in router->out. 0 or -errno. */
static int rewrite_head(struct client *c, const struct http_head *head)
{
	struct router *r = c->router;
	struct http_forward fw = { .peer = { str_of(c->addr), c->trusted, c->tls } };
	struct naming made;

	if (head->websocket)
		fw.upgrade = http_field_get(head, STR("upgrade"));
	naming_apply(c, head, &made, &fw);
	r->out.len = 0;
	return http_forward_request(head, &fw, &r->out);
}

void exchange_start(struct client *c, struct worker *w, const struct http_head *head,
		    const struct sid_request *sid)
{
	struct router *r = c->router;
	enum upstream_age age = is_idempotent(head->method) ? UPSTREAM_ANY : UPSTREAM_CHECKED;
	struct upstream *u = get_upstream(c, w, !head->websocket && is_poll(head, sid), age);
	struct chunks_piece piece;
	struct str body;
	ssize_t n;

	if (!u) {
		log_warn("router: no connection to worker[%u]: %s", w->slot, strerror(errno));
		client_reply(c, 503);
		return;
	}
	begin(c, u, head, sid);
	counter_add(&r->board->requests, 1);
	worker_asked(u->worker);
	n = consume(c, head);
	if (n < (ssize_t)head->size || rewrite_head(c, head) < 0) {
		client_close(c, "request lost");
		return;
	}
	body = (struct str){ r->io + head->size, (size_t)n - head->size };
	(void)http_body_feed(&c->exchange.request, r->io + head->size, body.n, &piece);
	retain(&c->exchange, buf_str(&r->out), body);
	send_to_worker(c, buf_str(&r->out), body);
	rearm(c, true);
}

/* Drops @n bytes that were peeked at: tcp(7), MSG_TRUNC; other sockets have to copy them. */
static void skip_input(struct client *c, size_t n)
{
	while (n > 0) {
		ssize_t k = recv(c->sock.fd, c->router->io, n, MSG_DONTWAIT);

		if (k <= 0)
			return;
		n -= (size_t)k;
	}
}

/* @peeked: where the body ends is not known, so the bytes stay in the kernel. */
static ssize_t read_body(struct client *c, bool *peeked)
{
	const struct http_body *b = &c->exchange.request;
	size_t room = http_body_room(b), bite = c->exchange.upstream->sock.bite;
	ssize_t n;

	*peeked = b->kind == HTTP_BODY_CHUNKED && room < bite;
	n = recv(c->sock.fd, c->router->io + CHUNKS_BEFORE, *peeked || bite < room ? bite : room,
		 MSG_DONTWAIT | (*peeked ? MSG_PEEK : 0));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? -EAGAIN : -errno;
	return n == 0 ? -EPIPE : n;
}

/* False: the client is closed or answered. */
static bool request_more(struct client *c)
{
	struct exchange *x = &c->exchange;
	struct chunks_piece piece;
	bool peeked;
	ssize_t n = read_body(c, &peeked), used;

	if (n == -EAGAIN)
		return true;
	if (n < 0) {
		client_close(c, "client left in the middle of a request");
		return false;
	}
	used = http_body_feed(&x->request, c->router->io + CHUNKS_BEFORE, (size_t)n, &piece);
	if (used < 0) {
		if (x->head_sent) {
			client_close(c, "bad chunk");
		} else {
			exchange_abort(c);
			answer(c, 400);
		}
		return false;
	}
	if (piece.framed.n)
		send_to_worker(c, piece.framed, (struct str){ 0 });
	if (peeked)
		skip_input(c, (size_t)used);
	return true;
}

static void pass_on_end(struct exchange *x)
{
	if (x->client_ended && !sock_blocked(&x->upstream->sock))
		(void)shutdown(x->upstream->sock.fd, SHUT_WR);
}

/* The request is complete: the client either waits, sends the next one, or leaves. False: closed.
 */
static bool watch_client(struct client *c)
{
	struct exchange *x = &c->exchange;
	char byte;
	ssize_t n = recv(c->sock.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	if (n > 0) {
		x->pipelined = true;
	} else if (n == 0) {
		x->client_ended = true;
		pass_on_end(x);
	} else if (errno != EAGAIN && errno != EINTR) {
		client_close(c, "client reset");
		return false;
	}
	return true;
}

static bool response_more(struct client *c);

/* What is left in a failed connection, of which no event tells: as much as the client takes. False:
 * the exchange is over. */
static bool read_failed(struct client *c)
{
	while (c->exchange.upstream->sock.failed && !sock_blocked(&c->sock))
		if (!response_more(c))
			return false;
	return true;
}

static void go_on(struct client *c, bool moved)
{
	if (read_failed(c))
		rearm(c, moved);
}

void exchange_on_client(struct client *c, int events)
{
	struct exchange *x = &c->exchange;

	if (x->tunnel) {
		tunnel_on_client(c, events);
		return;
	}
	if ((events & UV_WRITABLE) && sock_flush(&c->sock) < 0) {
		client_close(c, "send failed");
		return;
	}
	if ((events & UV_READABLE) && !(x->request.done ? watch_client(c) : request_more(c)))
		return;
	go_on(c, true);
}

/* The response */

static void learn_session(struct client *c, struct str body)
{
	struct exchange *x = &c->exchange;
	struct router *r = c->router;
	size_t room = LEARN_MAX - x->opening.len;
	struct sid_handshake h;

	if (!x->learn)
		return;
	if (buf_append(&x->opening, body.p, body.n < room ? body.n : room) < 0)
		return;
	if (sid_of_handshake(buf_str(&x->opening), &h)) {
		sessions_put(r->sessions, h.sid, x->worker_id,
			     h.idle_ms ? h.idle_ms + SESSION_SLACK_MS : SESSION_IDLE_MS,
			     router_now(r));
		counter_add(&r->board->handshakes, 1);
		x->learn = false;
	} else if (x->opening.len == LEARN_MAX) {
		x->learn = false;
	}
	if (!x->learn)
		buf_free(&x->opening);
}

/* How long the worker keeps an idle connection, less a second for the way there; 0: not at all. */
static uint32_t idle_allowance(const struct http_head *head)
{
	struct str v = http_field_get(head, STR("keep-alive"));
	const struct str prefix = STR("timeout=");
	uint64_t seconds;

	if (!head->keep_alive)
		return 0;
	if (!str_has_prefix(v, prefix))
		return IDLE_MS_DEFAULT;
	v = (struct str){ v.p + prefix.n, v.n - prefix.n };
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] == ',')
			v.n = i;
	if (str_to_u64(v, 3600, &seconds) < 0 || seconds < 2)
		return 0;
	return (uint32_t)(seconds - 1) * 1000;
}

static void finish(struct client *c)
{
	struct exchange *x = &c->exchange;
	struct upstream *u = x->upstream;
	bool whole = x->request.done && !x->cut && !x->client_ended;

	if (!x->poll)
		scoreboard_count_request(c->router->board, router_now(c->router) - x->begun_ms);
	x->upstream = NULL;
	deadline_clear(&c->deadline);
	upstream_put(u, whole ? x->idle_ms : 0);
	client_exchange_done(c, whole && x->keep_alive);
}

/* The bytes where they may be framed anew: what came behind a head in pieces lies elsewhere. */
static char *in_io(struct router *r, struct str bytes)
{
	char *at = r->io + CHUNKS_BEFORE;

	if (bytes.p >= at && bytes.p <= at + IO_SIZE)
		return at + (bytes.p - at);
	assert(bytes.n <= IO_SIZE);
	return memcpy(at, bytes.p, bytes.n);
}

/* Passes body bytes on. False: the exchange is over. */
static bool pass_body(struct client *c, struct str head, struct str bytes)
{
	struct exchange *x = &c->exchange;
	struct chunks_piece piece;
	ssize_t used = http_body_feed(&x->upstream->body, in_io(c->router, bytes), bytes.n, &piece);

	if (used < 0) {
		exchange_on_upstream_gone(c, "bad chunk from the worker");
		return false;
	}
	if ((size_t)used < bytes.n)
		x->idle_ms = 0; /* it says more than it was asked: no connection to keep */
	learn_session(c, piece.data);
	if (head.n + piece.framed.n == 0)
		return true;
	x->head_sent = true;
	if (c->access)
		c->access->bytes += piece.data.n;
	if (sock_send(&c->sock, head, piece.framed) < 0) {
		client_close(c, "send failed");
		return false;
	}
	if (!x->upstream->body.done)
		return true;
	finish(c);
	return false;
}

static bool pass_interim(struct client *c, const struct http_head *head)
{
	struct exchange *x = &c->exchange;
	struct http_forward fw = { 0 };
	struct buf *out = &c->router->out;

	if (x->minor == 0) /* RFC 9110, 15.2 */
		return true;
	out->len = 0;
	x->head_sent = true;
	if (http_forward_response(head, &fw, 1, out) < 0 ||
	    sock_send(&c->sock, buf_str(out), (struct str){ 0 }) < 0) {
		client_close(c, "send failed");
		return false;
	}
	return true;
}

static bool pass_head(struct client *c, const struct http_head *head, struct str rest)
{
	struct exchange *x = &c->exchange;
	struct router *r = c->router;
	struct http_forward fw;
	char cookie[STICKY_VALUE_SIZE];

	parking_end(c);
	scoreboard_count_response(r->board, head->status);
	if (c->access)
		c->access->status = head->status;
	x->in_body = true;
	x->idle_ms = x->minor ? idle_allowance(head) : 0; /* the worker was told HTTP/1.0 */
	x->learn = x->learn && head->status == 200;
	x->upstream->body = head->body;
	http_body_for(&x->upstream->body, x->minor);
	x->keep_alive = x->keep_alive && !x->cut && (x->request.done || head->keep_alive) &&
			r->phase == PHASE_SERVING && !http_body_ends_connection(&x->upstream->body);
	fw = (struct http_forward){
		.close = !x->keep_alive,
		.offered = naming_of(c),
		.set_cookie = sticky_cookie(r, x->worker_id, str_of(x->cookie), cookie),
	};
	fw.set_cookie.secure = x->secure_cookie;
	r->out.len = 0;
	if (http_forward_response(head, &fw, x->minor, &r->out) < 0) {
		exchange_on_upstream_gone(c, "no memory");
		return false;
	}
	x->retained.len = 0;
	return pass_body(c, buf_str(&r->out), rest);
}

/* One head after the other, as 1xx may come before the final one. False: the exchange is over. */
static bool response_heads(struct client *c, struct str in)
{
	struct exchange *x = &c->exchange;
	struct upstream *u = x->upstream;
	struct http_head *head = &c->router->head;

	while (in.n > 0) {
		enum http_parse_result e =
		    http_parse_response(in, RESPONSE_HEAD_MAX, x->no_body, head);

		if (e == HTTP_HEAD_PARTIAL)
			break;
		if (e != HTTP_HEAD_COMPLETE || (head->status == 101 && !x->upgrade)) {
			notice_worker(c->router,
				      e == HTTP_HEAD_TOO_LARGE ? NOTICE_ANSWER_TOO_LARGE
							       : NOTICE_ANSWER_NO_HTTP,
				      u->worker);
			exchange_on_upstream_gone(c, "the worker's answer is no HTTP");
			return false;
		}
		in.p += head->size;
		in.n -= head->size;
		if (head->status == 101) {
			tunnel_start(c, head, in);
			return false;
		}
		if (head->status >= 200)
			return pass_head(c, head, in);
		if (!pass_interim(c, head))
			return false;
	}
	if (in.p == u->in.p)
		return true;
	if (buf_append(&u->in, in.p, in.n) == 0)
		return true;
	exchange_on_upstream_gone(c, "no memory");
	return false;
}

static bool response_bytes(struct client *c, struct str in)
{
	struct upstream *u = c->exchange.upstream;
	struct buf whole;
	bool alive;

	if (c->exchange.in_body)
		return pass_body(c, (struct str){ 0 }, in);
	if (u->in.len == 0)
		return response_heads(c, in);
	/* a head that came in pieces: parsed from a buffer of its own, since what is left goes back
	 * to u->in */
	if (buf_append(&u->in, in.p, in.n) < 0) {
		exchange_on_upstream_gone(c, "no memory");
		return false;
	}
	whole = u->in;
	u->in = BUF_INIT(whole.max);
	alive = response_heads(c, buf_str(&whole));
	buf_free(&whole);
	return alive;
}

static bool is_end_of_response(const struct exchange *x)
{
	return x->in_body && x->upstream->body.kind == HTTP_BODY_UNTIL_CLOSE;
}

/* A kernel answers with a reset when bytes wait in a socket that its process closes (or that was
 * never taken), or come for one that it has closed: the worker had given the connection up, or was
 * dead, before it read this request, which came in one segment. After reading it there would be a
 * FIN, even from a crash. @err: of the last read, 0 after a FIN. */
static bool was_not_read(const struct upstream *u, int err)
{
	socklen_t len = sizeof(err);

	if (err == 0)
		(void)getsockopt(u->sock.fd, SOL_SOCKET, SO_ERROR, &err, &len);
	return err == ECONNRESET || err == EPIPE;
}

/* False: the exchange is over. */
static bool response_more(struct client *c)
{
	struct exchange *x = &c->exchange;
	const struct upstream *u = x->upstream;
	char *in = c->router->io + CHUNKS_BEFORE;
	size_t bite = u->in.len ? SOCK_BITE_MIN : c->sock.bite;
	ssize_t n = recv(u->sock.fd, in, bite, MSG_DONTWAIT);

	if (n > 0)
		return response_bytes(c, (struct str){ in, (size_t)n });
	if (n < 0 && (errno == EAGAIN || errno == EINTR) && !u->sock.failed)
		return true;
	if (n == 0 && is_end_of_response(x)) {
		finish(c);
		return false;
	}
	if (was_not_read(u, n < 0 ? errno : 0))
		x->upstream->unread = true;
	exchange_on_upstream_gone(c, n == 0 ? "worker closed" : "worker reset");
	return false;
}

void exchange_on_upstream(struct client *c, int events)
{
	struct exchange *x = &c->exchange;

	if (x->tunnel) {
		tunnel_on_upstream(c, events);
		return;
	}
	if (events & UV_WRITABLE) {
		if (sock_flush(&x->upstream->sock) < 0)
			x->cut = x->request.done = true;
		pass_on_end(x);
	}
	if ((events & UV_READABLE) && !x->upstream->sock.failed && !response_more(c))
		return;
	go_on(c, false);
}

/* When the worker is gone */

/* What is known of a connection that failed. */
struct failure {
	bool refused; /* its worker did not take it */
	bool unread;  /* ditto, or not this request */
	bool stale;   /* it had been idle: the worker may well be there */
};

static struct worker *second_choice(struct client *c, const struct failure *f)
{
	struct router *r = c->router;
	struct worker *w = workers_serving(&r->workers, c->exchange.worker_id);

	if (w && f->stale && !f->refused)
		return w;
	return workers_pick(&r->workers, r->sessions, w, router_now(r));
}

/* What the worker may have died of is tried once more only. */
static bool may_try_again(struct exchange *x, const struct failure *f)
{
	if (x->head_sent || x->client_ended || x->retained.len == 0)
		return false;
	return (f->unread || x->idempotent) && x->tries++ < (f->unread ? TRIES_MAX : 1);
}

static bool try_again(struct client *c, const struct failure *f)
{
	struct exchange *x = &c->exchange;
	struct worker *w;

	if (!may_try_again(x, f))
		return false;
	w = second_choice(c, f);
	x->upstream = w ? upstream_get(w, c, x->poll, UPSTREAM_NEW) : NULL;
	if (!x->upstream)
		return false;
	counter_add(&c->router->board->retries, 1);
	if (c->access)
		c->access->slot = w->slot;
	x->worker_id = w->id;
	x->cut = false;
	send_to_worker(c, buf_str(&x->retained), (struct str){ 0 });
	rearm(c, false);
	return true;
}

void exchange_on_upstream_gone(struct client *c, const char *why)
{
	struct exchange *x = &c->exchange;
	const struct upstream *u = x->upstream;
	struct failure f = { .refused = u->refused,
			     .unread = u->refused || u->unread,
			     .stale = u->reused };

	exchange_abort(c);
	if (try_again(c, &f))
		return;
	log_debug("router: exchange failed: %s", why);
	if (x->head_sent || x->client_ended)
		client_close(c, why);
	else
		answer(c, 502);
}

void exchange_on_worker_died(struct client *c)
{
	struct upstream *u = c->exchange.upstream;
	ssize_t n = 0;
	char byte;

	if (c->exchange.tunnel) { /* goes on until the end that the kernel has for it */
		upstream_leave_worker(u);
		return;
	}
	while (!sock_blocked(&c->sock)) {
		n = recv(u->sock.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
		if (n <= 0)
			break;
		if (!response_more(c))
			return;
	}
	u->unread = n < 0 && was_not_read(u, errno); /* this read has taken the error */
	/* the rest when the client has room; or its end, once init has returned the far end */
	upstream_leave_worker(u);
	go_on(c, false);
}

void exchange_on_timeout(struct client *c)
{
	notice(c->router, NOTICE_BODY_TOO_SLOW, c->addr);
	if (c->exchange.head_sent || c->exchange.request.done) {
		client_close(c, "client takes nothing");
		return;
	}
	exchange_abort(c);
	answer(c, 408);
}

void exchange_abort(struct client *c)
{
	struct upstream *u = c->exchange.upstream;

	parking_end(c);
	c->exchange.upstream = NULL;
	if (u)
		upstream_close(u);
}
