/* Exchanges.
 *
 * Happy path: the head is consumed from the client's kernel buffer together with the body bytes
 * that are there, sent to the worker in one call; the answer's head is rewritten and goes out
 * together with its first body bytes, in one call; what follows is passed on buffer by buffer. When
 * one side does not take bytes, the other side is not read.
 *
 * Failure: another try (retry.h), else 502. Once a part of the answer is out, the client's
 * connection is cut, as HTTP has no other way to say it. A worker that answers before it has read
 * the whole request gets its answer through, then both connections end. A client that ends its half
 * is passed on as just that: whether the answer is still wanted is the app's choice (Node:
 * server.httpAllowHalfOpen). */
#include "router/client/exchange.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/macros.h"
#include "router/backend/choose.h"
#include "router/backend/load.h"
#include "router/backend/workers.h"
#include "router/client/context.h"
#include "router/client/identity.h"
#include "router/client/parking.h"
#include "router/client/request.h"
#include "router/client/response.h"
#include "router/client/retry.h"
#include "router/http/cookie.h"
#include "router/session/sid.h"

#include "base/ban.h"

static void go_on(struct exchange *x, enum moved moved);

void exchange_init(struct exchange *x, const struct exchange_side *side)
{
	*x = (struct exchange){ .side = *side,
				.retained = BUF_INIT(RETAIN_MAX),
				.handshake_prefix = BUF_INIT(LEARN_MAX) };
}

void exchange_free(struct exchange *x)
{
	buf_free(&x->retained);
	buf_free(&x->handshake_prefix);
}

/* Ends */

/* Whoever waits for it may go on. */
static void tell_upgrade(struct exchange *x)
{
	uint32_t worker = x->first_at;

	x->first_at = 0;
	if (worker)
		x->side.ops->on_upgrade_known(x, worker);
}

static void close_upstream(struct exchange *x)
{
	struct upstream *u = x->upstream;

	tell_upgrade(x);
	parking_end(x);
	x->upstream = NULL;
	if (u)
		upstream_close(u);
}

void exchange_abort(struct exchange *x)
{
	close_upstream(x);
	exchange_set_state(x, EXCHANGE_DONE);
}

static void cut(struct exchange *x, const char *why)
{
	exchange_abort(x);
	x->side.ops->on_cut(x, why);
}

static void refuse(struct exchange *x, unsigned status)
{
	exchange_abort(x);
	x->side.ops->on_refused(x, status);
}

static void count(const struct exchange *x)
{
	struct frontend *f = x->side.frontend;
	uint64_t took_ms = frontend_now(f) - x->begun_ms;

	scoreboard_count_request(f->backend->board, took_ms);
	span_exemplify(*x->side.span, f, took_ms);
}

static void finish(struct exchange *x)
{
	struct upstream *u = x->upstream;
	bool whole = x->request.done && !x->request_aborted && !x->client_ended;

	if (!x->poll)
		count(x);
	tell_upgrade(x);
	x->upstream = NULL;
	upstream_put(u, whole ? x->idle_ms : 0);
	exchange_set_state(x, EXCHANGE_DONE);
	x->side.ops->on_done(x, whole && x->keep_alive);
}

/* The worker or the connection to it is gone. */
static void fail(struct exchange *x, const char *why)
{
	struct failure f = retry_failure(x->upstream);

	close_upstream(x);
	if (retry(x, &f)) {
		go_on(x, MOVED_NOTHING);
		return;
	}
	log_debug("router: exchange failed: %s", why);
	if (exchange_has_answered(x) || x->client_ended)
		cut(x, why);
	else
		refuse(x, f.refused ? 503 : 502); /* 503: nobody took it */
}

/* True: the exchange goes on. */
static bool goes_on(struct exchange *x, struct step s)
{
	switch (s.kind) {
	case STEP_MORE:
		return true;
	case STEP_DONE:
		finish(x);
		break;
	case STEP_FAILED:
		fail(x, s.why);
		break;
	case STEP_CUT:
		cut(x, s.why);
		break;
	case STEP_REFUSED:
		refuse(x, s.status);
		break;
	}
	return false;
}

/* Waiting */

static int client_events(const struct exchange *x)
{
	int events = sock_blocked(x->side.client) ? UV_WRITABLE : 0;

	if (!x->request.done ? !sock_blocked(&x->upstream->sock)
			     : !x->client_ended && !x->pipelined)
		events |= UV_READABLE;
	return events ? events : UV_DISCONNECT; /* it is not read from, but its reset is heard */
}

static int upstream_events(const struct exchange *x)
{
	const struct sock *s = &x->upstream->sock;
	int events =
	    (sock_blocked(s) ? UV_WRITABLE : 0) | (sock_blocked(x->side.client) ? 0 : UV_READABLE);

	return s->failed ? 0 : events ? events : UV_DISCONNECT;
}

/* The request is all sent, or the answer came first. */
static void await_answer(struct exchange *x)
{
	if (x->state == EXCHANGE_REQUEST && x->request.done)
		exchange_set_state(x, x->poll ? EXCHANGE_POLL : EXCHANGE_WAITING);
}

static void rearm_tunnel(struct exchange *x)
{
	int e = tunnel_rearm(&x->tunnel);

	if (e != 0)
		cut(x, e > 0 ? "tunnel done" : "tunnel cut");
}

static void rearm(struct exchange *x)
{
	if (sock_want(&x->upstream->sock, upstream_events(x)) < 0)
		fail(x, "poll failed");
	else if (sock_want(x->side.client, client_events(x)) < 0)
		cut(x, "poll failed");
}

static bool is_tunnel(const struct exchange *x)
{
	return x->state == EXCHANGE_TUNNEL || x->state == EXCHANGE_HALF;
}

/* What is left in a failed connection, of which no event tells: as much as the client takes. False:
 * the exchange is over. */
static bool read_failed(struct exchange *x)
{
	while (!is_tunnel(x) && x->upstream->sock.failed && !sock_blocked(x->side.client))
		if (!goes_on(x, response_more(x)))
			return false;
	return true;
}

static void go_on(struct exchange *x, enum moved moved)
{
	if (!read_failed(x))
		return;
	await_answer(x);
	if (x->state >= EXCHANGE_BODY)
		tell_upgrade(x);
	if (is_tunnel(x) && tunnel_is_half_closed(&x->tunnel))
		exchange_set_state(x, EXCHANGE_HALF);
	exchange_pace(x, moved);
	if (is_tunnel(x))
		rearm_tunnel(x);
	else
		rearm(x);
}

/* Beginning */

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

static void keep_cookie(struct exchange *x, const struct http_head *head)
{
	const struct router_conf *conf = frontend_conf(x->side.frontend);
	struct forwarded_peer peer;
	struct str had;

	if (conf->sticky != STICKY_COOKIE)
		return;
	peer = identity_forwarded(x->side.who, false);
	had = cookie_of(head, str_of(conf->sticky_cookie));
	x->secure_cookie = conf->sticky_cookie_secure_auto && forwarded_is_tls(head, &peer);
	(void)snprintf(x->cookie, sizeof(x->cookie), "%.*s", (int)had.n, had.p);
}

/* What is known of the request before anything of it is sent. */
static void describe(struct exchange *x, const struct http_head *head,
		     const struct sid_request *sid)
{
	struct frontend *f = x->side.frontend;
	struct buf retained = x->retained, handshake_prefix = x->handshake_prefix;
	bool poll = !head->websocket && sid->sid.n && str_eq(head->method, STR("GET"));

	retained.len = handshake_prefix.len = 0;
	*x = (struct exchange){ .side = x->side,
				.state = EXCHANGE_DONE,
				.deadline = x->deadline,
				.request = head->body,
				.keep_alive = head->keep_alive,
				.no_body = str_eq(head->method, STR("HEAD")),
				.idempotent = is_idempotent(head->method),
				.learn = sid->engine && sid->sid.n == 0 &&
					 frontend_conf(f)->sticky != STICKY_NONE,
				.poll = poll,
				.upgrade = head->websocket,
				.place = head->websocket ? upgrades_place(f->backend, head) : 0,
				.begun_ms = frontend_now(f),
				.ends = x->ends,
				.knows_ends = x->knows_ends,
				.minor = head->minor,
				.retained = retained,
				.handshake_prefix = handshake_prefix };
	keep_cookie(x, head);
}

/* The same for the life of the client's connection. */
static void learn_ends(struct exchange *x, const struct worker *w)
{
	if (x->knows_ends || !upstream_shows_ends(w))
		return;
	x->ends = identity_ends(x->side.who, x->side.client->fd);
	x->knows_ends = true;
}

/* A connection to @w, or, when it has just gone, to another. */
static struct upstream *get_upstream(struct exchange *x, struct worker *w)
{
	enum upstream_age age = x->idempotent ? UPSTREAM_ANY : UPSTREAM_CHECKED;
	struct upstream *u = upstream_get(w, x, x->poll, age, &x->ends);

	if (u || errno != ECONNREFUSED)
		return u;
	w = choose_least(w->backend, w);
	return w ? upstream_get(w, x, x->poll, UPSTREAM_NEW, &x->ends) : NULL;
}

void exchange_start(struct exchange *x, struct worker *w, const struct http_head *head,
		    const struct sid_request *sid, bool is_first)
{
	describe(x, head, sid);
	x->first_at = is_first ? w->id : 0;
	learn_ends(x, w);
	x->upstream = get_upstream(x, w);
	if (!x->upstream) {
		log_warn(SIO_209, "router: no connection to worker[%u]: %s", w->slot,
			 strerror(errno));
		refuse(x, 503);
		return;
	}
	w = x->upstream->worker;
	x->worker_id = w->id;
	exchange_set_state(x, EXCHANGE_REQUEST);
	counter_add(&w->backend->board->requests, 1);
	load_asked(w);
	if (goes_on(x, request_begin(x, head)))
		go_on(x, MOVED_CLIENT);
}

void exchange_start_tunnel(struct exchange *x, struct worker *w)
{
	learn_ends(x, w);
	x->upstream = upstream_get(w, x, false, UPSTREAM_NEW, &x->ends);
	if (!x->upstream) {
		log_warn(SIO_209, "router: no connection to worker[%u]: %s", w->slot,
			 strerror(errno));
		refuse(x, 503);
		return;
	}
	x->worker_id = w->id;
	x->request.done = true;
	exchange_set_state(x, EXCHANGE_REQUEST);
	exchange_set_state(x, EXCHANGE_TUNNEL);
	x->tunnel = (struct tunnel){ .side = { x->side.client, &x->upstream->sock } };
	upstream_becomes_tunnel(x->upstream);
	counter_add(&w->backend->board->upgrades, 1);
	load_assigned(w);
	go_on(x, MOVED_CLIENT);
}

bool exchange_adopt(struct exchange *x, struct worker *w, int upstream, bool keep_alive,
		    unsigned minor)
{
	learn_ends(x, w);
	x->upstream = upstream_adopt(w, x, upstream, &x->ends);
	if (!x->upstream)
		return false;
	x->worker_id = w->id;
	x->request.done = true;
	x->keep_alive = keep_alive;
	x->poll = true;
	x->minor = minor;
	x->begun_ms = frontend_now(x->side.frontend);
	retry_forbid(x);
	exchange_set_state(x, EXCHANGE_POLL);
	parking_begin(x); /* at once: this router may be killed, too */
	go_on(x, MOVED_CLIENT);
	return true;
}

/* Events */

static void on_tunnel(struct exchange *x, enum tunnel_end at, int events)
{
	struct frontend *f = x->side.frontend;
	struct tunnel_means m = {
		.pipe = &f->pipe, .io = f->io, .io_size = IO_SIZE, .now_ms = frontend_now(f)
	};

	if (tunnel_on_event(&x->tunnel, at, events, &m) < 0)
		cut(x, "tunnel cut");
	else
		go_on(x, at == TUNNEL_CLIENT ? MOVED_CLIENT : MOVED_WORKER);
}

void exchange_on_client(struct exchange *x, int events)
{
	if (is_tunnel(x)) {
		on_tunnel(x, TUNNEL_CLIENT, events);
		return;
	}
	if ((events & UV_WRITABLE) && sock_flush(x->side.client) < 0) {
		cut(x, "send failed");
		return;
	}
	if (!(events & UV_READABLE) || goes_on(x, request_more(x)))
		go_on(x, MOVED_CLIENT);
}

static void on_upstream(void *user, int events)
{
	struct exchange *x = user;

	if (is_tunnel(x)) {
		on_tunnel(x, TUNNEL_WORKER, events);
		return;
	}
	if (events & UV_WRITABLE) {
		if (sock_flush(&x->upstream->sock) < 0)
			x->request_aborted = x->request.done = true;
		request_pass_end(x);
	}
	if (!(events & UV_READABLE) || x->upstream->sock.failed || goes_on(x, response_more(x)))
		go_on(x, MOVED_WORKER);
}

static void on_refused(void *user)
{
	fail(user, "refused");
}

/* What it has said is passed on, whatever of it is still in the kernel; the rest when the client
 * has room, or its end, once init has returned the far end. */
static void on_worker_died(void *user)
{
	struct exchange *x = user;
	struct upstream *u = x->upstream;
	ssize_t n = 0;
	char byte;

	if (is_tunnel(x)) { /* goes on until the end that the kernel has for it */
		upstream_leave_worker(u);
		return;
	}
	while (!is_tunnel(x) && !sock_blocked(x->side.client)) {
		n = recv(u->sock.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
		if (n <= 0)
			break;
		if (!goes_on(x, response_more(x)))
			return;
	}
	u->unread = n < 0 && response_was_not_read(u, errno); /* this read has taken the error */
	upstream_leave_worker(u);
	go_on(x, MOVED_NOTHING);
}

static bool on_drain(void *user)
{
	struct exchange *x = user;
	bool waits = x->state == EXCHANGE_POLL || x->state == EXCHANGE_PARKED;
	bool is_over = is_tunnel(x) || waits;

	if (waits)
		refuse(x, 503);
	else if (is_over)
		cut(x, "worker drains");
	return is_over;
}

const struct upstream_ops exchange_upstream_ops = {
	.on_event = on_upstream,
	.on_refused = on_refused,
	.on_worker_died = on_worker_died,
	.on_drain = on_drain,
};

/* Deadlines */

static void on_client_too_slow(struct exchange *x)
{
	notice(&x->side.frontend->notices, NOTICE_BODY_TOO_SLOW, x->side.who->addr);
	if (exchange_has_answered(x) || x->request.done)
		cut(x, "client takes nothing");
	else
		refuse(x, 408);
}

static void on_worker_too_slow(struct exchange *x)
{
	if (exchange_has_answered(x))
		cut(x, "worker is silent");
	else
		refuse(x, 504);
}

void exchange_on_deadline(struct deadline *d)
{
	struct exchange *x = container_of(d, struct exchange, deadline);

	if (exchange_is_clients_turn(x)) {
		on_client_too_slow(x);
	} else if (x->state == EXCHANGE_POLL) {
		parking_begin(x);
		go_on(x, MOVED_NOTHING);
	} else {
		on_worker_too_slow(x);
	}
}
