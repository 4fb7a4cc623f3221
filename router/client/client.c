/* Client connections. See client.h. */
#include "router/client/client.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "router/backend/choose.h"
#include "router/backend/load.h"
#include "router/backend/workers.h"
#include "router/client/context.h"
#include "router/client/exchange.h"
#include "router/client/head_wait.h"
#include "router/client/naming.h"
#include "router/client/route.h"
#include "router/client/whole.h"
#include "router/http/reply.h"

#include "base/ban.h"

enum { HANDOFF_TRIES_MAX = 3 };

static void client_go_on(struct client *c);

/* Life */

static void on_event(struct sock *s, int events)
{
	struct client *c = container_of(s, struct client, sock);

	if (s->failed)
		client_close(c, "client reset");
	else if (c->state == CLIENT_EXCHANGE)
		exchange_on_client(&c->exchange, events);
	else if (sock_flush(s) < 0)
		client_close(c, "send failed");
	else
		client_go_on(c);
}

static void on_closed(struct sock *s)
{
	struct client *c = container_of(s, struct client, sock);

	exchange_free(&c->exchange);
	free(c);
}

/* For another one's upgrade. */
static void client_waits_no_more(struct client *c)
{
	struct worker *w = workers_by_id(c->frontend->backend, c->asked);

	c->asked = 0;
	if (w)
		load_waits_no_more(w);
}

static bool client_is_viewer(const struct client *c)
{
	return c->state == CLIENT_EVENTS || c->state == CLIENT_BEHIND;
}

void client_close(struct client *c, const char *why)
{
	struct frontend *f = c->frontend;

	if (c->state == CLIENT_CLOSED)
		return;
	log_debug("router: client %s closed in %s: %s", c->who.addr, client_state_name(c->state),
		  why);
	if (c->state == CLIENT_EXCHANGE)
		exchange_abort(&c->exchange);
	if (c->state == CLIENT_ADMIN || client_is_viewer(c))
		f->admin_ops->on_left(f->admin, c);
	f->n_viewers -= client_is_viewer(c);
	if (c->state == CLIENT_UPGRADE)
		client_waits_no_more(c);
	client_set_state(c, CLIENT_CLOSED);
	if (c->access && c->access->status == 0 && c->sock.fd >= 0)
		c->access->status = ACCESS_CLIENT_LEFT;
	access_end(&f->access_log, &c->access);
	span_end(&c->span, "cut");
	visitor_leave(&f->visitors, &c->visitor);
	DL_DELETE(f->clients, c);
	f->n_clients--;
	sock_close(&c->sock, on_closed);
}

static const struct exchange_ops exchange_ops;

/* NULL: no memory. @fd is consumed. */
static struct client *client_new(struct frontend *f, int fd, const struct sockaddr_storage *peer)
{
	struct client *c = calloc(1, sizeof(*c));

	if (!c) {
		fd_close(&fd);
		return NULL;
	}
	sock_init(&c->sock, f->backend->loop, fd, on_event);
	c->frontend = f;
	identity_of_peer(&c->who, peer, frontend_conf(f)->trusted);
	exchange_init(&c->exchange, &(struct exchange_side){ .frontend = f,
							     .client = &c->sock,
							     .who = &c->who,
							     .access = &c->access,
							     .span = &c->span,
							     .visitor = &c->visitor,
							     .ops = &exchange_ops });
	DL_APPEND(f->clients, c);
	f->n_clients++;
	return c;
}

static void client_await(struct client *c, enum client_state state, int events)
{
	client_set_state(c, state);
	if (sock_want(&c->sock, events) < 0)
		client_close(c, "poll failed");
}

/* Answers of our own */

/* Half closes and reads on for a moment: closing with unread bytes would reset the connection and
 * could take the answer with it (RFC 9112, 9.6). */
static void client_linger(struct client *c)
{
	(void)shutdown(c->sock.fd, SHUT_WR);
	client_await(c, CLIENT_LINGER, UV_READABLE);
}

static void client_end_behind_answer(struct client *c)
{
	if (sock_blocked(&c->sock))
		client_await(c, CLIENT_REPLY, UV_WRITABLE);
	else
		client_linger(c);
}

void client_wait(struct client *c)
{
	client_await(c, CLIENT_ADMIN, UV_DISCONNECT);
}

void client_finish_with(struct client *c, struct str head, struct str body)
{
	c->sock.out.max = head.n + body.n + SOCK_OUT_MAX;
	if (sock_send(&c->sock, head, body) < 0)
		client_close(c, "send failed");
	else
		client_end_behind_answer(c);
}

/* All that was sent is taken, or not. */
static void client_look_at(struct client *c)
{
	if (sock_blocked(&c->sock))
		client_await(c, CLIENT_BEHIND, UV_WRITABLE | UV_DISCONNECT);
	else
		client_await(c, CLIENT_EVENTS, UV_DISCONNECT);
}

void client_event(struct client *c, struct str first, struct str second)
{
	struct frontend *f = c->frontend;

	if (c->state == CLIENT_BEHIND)
		return;
	f->n_viewers += !client_is_viewer(c);
	client_set_state(c, CLIENT_EVENTS);
	deadline_set(&c->deadline, &f->deadlines[DEADLINE_EVENTS]);
	c->sock.out.max = first.n + second.n + SOCK_OUT_MAX;
	if (sock_send(&c->sock, first, second) < 0)
		client_close(c, "send failed");
	else
		client_look_at(c);
}

/* It has taken some, or has left. */
static void client_view_on(struct client *c)
{
	if (c->sock.ended) {
		client_close(c, "has seen enough");
		return;
	}
	if (c->state == CLIENT_BEHIND)
		deadline_set(&c->deadline, &c->frontend->deadlines[DEADLINE_TAKING]);
	client_look_at(c);
}

static void log_reply(struct client *c, unsigned status, int bytes)
{
	struct access_log *log = &c->frontend->access_log;

	span_status(c->span, status);
	span_end(&c->span, "refused");
	if (!c->access && !c->admin) /* what it asked for was not understood */
		c->access = access_begin(log, c->who.addr, (struct str){ 0 });
	if (!c->access)
		return;
	c->access->status = status;
	c->access->bytes = (uint64_t)bytes;
	access_end(log, &c->access);
}

void client_reply(struct client *c, unsigned status)
{
	struct frontend *f = c->frontend;
	int n;

	scoreboard_count_response(f->backend->board, status);
	f->out.len = 0;
	n = reply_write(status, c->to, naming_of(&c->exchange), &f->out);
	if (n < 0) {
		client_close(c, "no memory");
		return;
	}
	log_reply(c, status, n);
	client_finish_with(c, buf_str(&f->out), (struct str){ 0 });
}

static void client_drain_input(struct client *c)
{
	ssize_t n = recv(c->sock.fd, c->frontend->io, IO_SIZE, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		client_close(c, "done");
}

/* Handing over */

static void hand_over_failed(struct client *c, enum handoff_kind kind)
{
	log_warn(SIO_208, "router: init does not take a hand-off");
	if (kind == HANDOFF_RAW) {
		client_close(c, "not handed over");
		return;
	}
	counter_add(&c->frontend->backend->board->no_worker, 1);
	client_reply(c, 503);
}

static void client_hand_over(struct client *c, struct worker *w, enum handoff_kind kind,
			     uint32_t listener)
{
	struct backend *b = c->frontend->backend;
	struct control_msg m = { .type = CONTROL_HANDOFF,
				 .worker = w->id,
				 .token = c->handoff_tries,
				 .kind = kind,
				 .listener = listener,
				 .begun_us = uv_hrtime() / 1000,
				 .span = span_handle(c->span) };
	int fd;

	identity_describe(&c->who, &m);
	m.visitor = c->visitor ? c->visitor->key : 0;
	if (control_lend(b->init, &m, c->sock.fd) < 0) {
		hand_over_failed(c, kind);
		return;
	}
	visitor_hand_over(&c->frontend->visitors, &c->visitor);
	span_hand_over(c->frontend, &c->span);
	load_assigned(w);
	counter_add(&b->board->upgrades, 1);
	fd = sock_release(&c->sock);
	fd_close(&fd);
	client_close(c, "handed over");
}

/* A connection of another port of the app's, of which this has been @seen. */
static void client_hand_over_raw(struct client *c, const struct peek *seen)
{
	struct whole_request rq = {
		.who = &c->who, .seen = *seen, .listener = c->listener, .refused_by = c->refused_by
	};
	struct worker *w = whole_choose(c->frontend, &rq);

	if (w && c->handoff_tries < HANDOFF_TRIES_MAX)
		client_hand_over(c, w, HANDOFF_RAW, c->listener);
	else
		client_close(c, "no worker");
}

/* Requests */

/* Counts the client, or a trusted proxy's request, for the address it comes from. False: there are
 * too many; it is answered. */
static bool client_admit(struct client *c, const struct ip *ip)
{
	struct frontend *f = c->frontend;
	uint32_t max = frontend_conf(f)->max_connections_per_address;

	if (max == 0 || c->visitor)
		return true;
	c->visitor = visitor_enter(&f->visitors, ip, max);
	if (!c->visitor) {
		notice(&f->notices, NOTICE_ADDRESS_FULL, c->who.addr);
		client_reply(c, 429);
	}
	return c->visitor != NULL;
}

/* A request that was given back, or has waited, has its span already. */
static void client_trace(struct client *c, const struct http_head *head)
{
	if (!c->span)
		c->span = span_begin(c->frontend, head);
	if (c->span && c->access)
		access_set_names(c->access, (struct str){ 0 }, str_of(c->span->trace.id));
}

/* Makes the notes of a request and sees whether its client may have it. */
static bool client_admit_request(struct client *c, const struct route_request *rq)
{
	struct access_log *log = &c->frontend->access_log;
	char addr[IP_TEXT_MAX];

	if (log->format != ACCESS_OFF && !c->access) {
		if (rq->has_ip)
			ip_print(&rq->ip, addr);
		c->access =
		    access_begin(log, rq->has_ip ? addr : c->who.addr, rq->head->start_line);
	}
	client_trace(c, rq->head);
	return !c->who.trusted || !rq->has_ip || client_admit(c, &rq->ip);
}

static void client_follow(struct client *c, const struct route *to, const struct http_head *head)
{
	if (c->access && to->kind != ROUTE_REFUSED) {
		c->access->slot = to->worker->slot;
		c->access->why = to->why;
	}
	if (c->span)
		c->span->is_engine = to->sid.engine || to->sid.sid.n;
	if (to->kind != ROUTE_REFUSED)
		span_routed(c->span, to->worker->slot, to->why);
	switch (to->kind) {
	case ROUTE_REFUSED:
		client_reply(c, to->status);
		break;
	case ROUTE_HAND_OVER:
		client_hand_over(c, to->worker, HANDOFF_CLIENT, 0);
		break;
	case ROUTE_WAIT:
		if (c->state != CLIENT_UPGRADE) { /* once is enough */
			c->asked = to->worker->id;
			load_waits(to->worker);
			client_await(c, CLIENT_UPGRADE, UV_DISCONNECT);
			break;
		}
		/* fall through */
	case ROUTE_PROXIED:
		client_set_state(c, CLIENT_EXCHANGE);
		exchange_start(&c->exchange, to->worker, head, &to->sid, to->is_first);
		break;
	}
}

static void client_on_head(struct client *c, const struct http_head *head)
{
	struct frontend *f = c->frontend;
	struct route_request rq = { .head = head, .who = &c->who, .refused_by = c->refused_by };
	struct route to;

	c->to = (struct reply_to){ .head_only = str_eq(head->method, STR("HEAD")) };
	if (c->admin) {
		f->admin_ops->on_request(f->admin, c, head);
		return;
	}
	rq.has_ip = identity_of_request(&c->who, head, frontend_conf(f)->trusted, &rq.ip);
	if (!client_admit_request(c, &rq))
		return;
	route(f, &rq, &to);
	c->to.is_plain = !to.sid.engine && to.sid.sid.n == 0;
	client_follow(c, &to, head);
}

/* What exchanges tell */

static void on_done(struct exchange *x, bool reusable)
{
	struct client *c = container_of(x, struct client, exchange);

	access_end(&c->frontend->access_log, &c->access);
	span_end(&c->span, "answered");
	if (c->who.trusted)
		visitor_leave(&c->frontend->visitors, &c->visitor);
	c->to = (struct reply_to){ 0 };
	c->exchange.id[0] = '\0';
	c->peeked = 0;
	if (!reusable)
		client_end_behind_answer(c);
	else if (sock_blocked(&c->sock))
		client_await(c, CLIENT_REST, UV_WRITABLE);
	else
		client_await(c, CLIENT_IDLE, UV_READABLE);
}

static void on_refused(struct exchange *x, unsigned status)
{
	client_reply(container_of(x, struct client, exchange), status);
}

static void on_cut(struct exchange *x, const char *why)
{
	client_close(container_of(x, struct client, exchange), why);
}

static void on_wake(uv_timer_t *t);

static void on_upgrade_known(struct exchange *x, uint32_t worker)
{
	struct frontend *f = container_of(x, struct client, exchange)->frontend;
	struct worker *w = workers_by_id(f->backend, worker);

	if (w)
		w->upgrades.trying = 0;
	(void)uv_timer_start(&f->wake, on_wake, 0, 0);
}

static const struct exchange_ops exchange_ops = { on_done, on_refused, on_cut, on_upgrade_known };

/* Heads */

/* @n bytes of an incomplete head or PROXY header are in the kernel; only more of them, or the end,
 * are news. */
static void client_await_more(struct client *c, enum client_state state, size_t n)
{
	if (c->sock.ended) {
		client_close(c, "half a request");
		return;
	}
	head_make_room(c->frontend, c->sock.fd, c->peeked, n);
	c->peeked = n;
	client_await(c, state, UV_READABLE | UV_DISCONNECT);
}

static void client_refuse_head(struct client *c, unsigned status)
{
	if (status == 431 || status == 414)
		notice(&c->frontend->notices, NOTICE_HEAD_TOO_LARGE, c->who.addr);
	client_reply(c, status);
}

static void on_protocol_known(void *ctx, struct worker *w);

static void client_ask_protocol(struct client *c, struct worker *w)
{
	if (c->state == CLIENT_PROTOCOL || protocol_ask(w, on_protocol_known, c->frontend) < 0) {
		client_reply(c, 503);
		return;
	}
	c->asked = w->id;
	client_await(c, CLIENT_PROTOCOL, UV_DISCONNECT);
}

/* It begins with no HTTP. */
static void client_on_foreign(struct client *c, const struct peek *seen)
{
	struct whole_request rq = { .who = &c->who, .seen = *seen, .refused_by = c->refused_by };
	struct whole_route to;

	whole_route(c->frontend, &rq, &to);
	switch (to.kind) {
	case WHOLE_REFUSED:
		client_reply(c, to.status);
		break;
	case WHOLE_UNKNOWN:
		client_ask_protocol(c, to.worker);
		break;
	case WHOLE_HAND_OVER:
		client_hand_over(c, to.worker, HANDOFF_CLIENT, 0);
		break;
	case WHOLE_TUNNEL:
		client_set_state(c, CLIENT_EXCHANGE);
		exchange_start_tunnel(&c->exchange, to.worker);
		break;
	}
}

/* Whether its first bytes are still to be read. */
static bool is_at_its_beginning(const struct client *c)
{
	return !c->admin && c->state != CLIENT_IDLE;
}

static void client_read_head(struct client *c)
{
	struct peek p = peek_request(c->frontend, c->sock.fd);

	switch (p.kind) {
	case PEEK_NOTHING:
		client_await(c, c->state == CLIENT_NEW ? CLIENT_FIRST : c->state, UV_READABLE);
		break;
	case PEEK_PART:
		client_await_more(c, CLIENT_HEAD, p.n);
		break;
	case PEEK_WHOLE:
		client_on_head(c, &c->frontend->head);
		break;
	case PEEK_FOREIGN:
		if (is_at_its_beginning(c)) {
			client_on_foreign(c, &p);
			break;
		}
		/* fall through */
	case PEEK_BAD:
		client_refuse_head(c, p.status);
		break;
	case PEEK_ENDED:
		client_close(c, p.why);
		break;
	}
}

/* Those that wait for it go on, each to its own worker: they may wait for another one's. */
static void on_protocol_known(void *ctx, struct worker *w)
{
	struct frontend *f = ctx;
	struct client *c, *next;

	DL_FOREACH_SAFE(f->clients, c, next)
	if (c->state == CLIENT_PROTOCOL && c->asked == w->id)
		client_read_head(c);
}

/* It has waited for the answer to another one's upgrade. */
static void client_upgrade(struct client *c)
{
	struct frontend *f = c->frontend;
	struct worker *w = workers_serving(f->backend, c->asked);
	struct route_request rq = { .head = &f->head, .who = &c->who };
	struct route to;

	client_waits_no_more(c);
	if (!w || peek_request(f, c->sock.fd).kind != PEEK_WHOLE) {
		client_read_head(c);
		return;
	}
	route_on(f, &rq, w, &to);
	client_follow(c, &to, &f->head);
}

static void on_wake(uv_timer_t *t)
{
	struct frontend *f = container_of(t, struct frontend, wake);
	struct client *c, *next;

	DL_FOREACH_SAFE(f->clients, c, next)
	if (c->state == CLIENT_UPGRADE)
		client_upgrade(c);
}

/* Other ports of the app's: who says nothing for a moment waits for the server to speak first. */
static void client_read_raw(struct client *c)
{
	struct peek p = peek_request(c->frontend, c->sock.fd);
	bool may_wait =
	    c->handoff_tries == 0 && !c->sock.ended && c->frontend->phase < PHASE_DRAINING;

	if (may_wait && p.kind == PEEK_NOTHING)
		client_await(c, CLIENT_QUIET, UV_READABLE);
	else if (may_wait && p.kind == PEEK_PART)
		client_await_more(c, CLIENT_QUIET, p.n);
	else
		client_hand_over_raw(c, &p);
}

/* PROXY headers */

static void client_without_proxy_header(struct client *c)
{
	notice(&c->frontend->notices, NOTICE_NO_PROXY_HEADER, c->who.addr);
	client_close(c, "no PROXY header");
}

static void client_take_proxy_header(struct client *c, const struct proxy_header *h)
{
	struct frontend *f = c->frontend;

	if (!take_proxy_header(f, c->sock.fd, h->size)) {
		client_close(c, "PROXY header lost");
		return;
	}
	c->peeked = 0;
	c->who.tls = h->tls;
	if (h->has_client) {
		identity_set(&c->who, &h->client, frontend_conf(f)->trusted);
		c->who.named = true;
	}
	client_set_state(c, CLIENT_FIRST);
	if (c->who.trusted || c->who.is_unix || client_admit(c, &c->who.ip))
		client_read_head(c);
}

static void client_read_proxy_header(struct client *c)
{
	struct proxy_header h;
	struct peek p = peek_proxy_header(c->frontend, c->sock.fd, &h);

	switch (p.kind) {
	case PEEK_NOTHING:
		client_await(c, CLIENT_PROXY_HEADER, UV_READABLE);
		break;
	case PEEK_PART:
		client_await_more(c, CLIENT_PROXY_HEADER, p.n);
		break;
	case PEEK_WHOLE:
		client_take_proxy_header(c, &h);
		break;
	case PEEK_BAD:
	case PEEK_FOREIGN:
		client_without_proxy_header(c);
		break;
	case PEEK_ENDED:
		client_close(c, p.why);
		break;
	}
}

/* Some of what waited for the client is sent: it has time for the next piece. */
static void client_send_rest(struct client *c)
{
	if (sock_blocked(&c->sock))
		deadline_set(&c->deadline, &c->frontend->deadlines[DEADLINE_TAKING]);
	else if (c->state == CLIENT_REST)
		client_await(c, CLIENT_IDLE, UV_READABLE);
	else
		client_linger(c);
}

/* Something has come, or more of what was to be sent is sent. */
static void client_go_on(struct client *c)
{
	switch (c->state) {
	case CLIENT_PROXY_HEADER:
		client_read_proxy_header(c);
		break;
	case CLIENT_REST:
	case CLIENT_REPLY:
		client_send_rest(c);
		break;
	case CLIENT_LINGER:
		client_drain_input(c);
		break;
	case CLIENT_QUIET:
		client_read_raw(c);
		break;
	case CLIENT_EVENTS:
	case CLIENT_BEHIND:
		client_view_on(c);
		break;
	case CLIENT_ADMIN: /* a scraper that has half closed still waits */
	case CLIENT_PROTOCOL:
		break;
	default:
		client_read_head(c);
	}
}

/* Where they come from */

/* Clients at all routers; at the others, when they last went to sleep. */
static uint64_t all_clients(const struct frontend *f)
{
	const struct backend *b = f->backend;

	return f->n_clients +
	       scoreboard_total(b->shared, offsetof(struct scoreboard_router, clients)) -
	       counter_get(&b->board->clients);
}

/* The admin address has room of its own: a crowd must not pass for a dead server. */
bool clients_have_room(const struct frontend *f, enum listener_role role)
{
	return role == ROLE_ADMIN || f->n_clients < f->max_accepted;
}

/* A connection to the public port. */
static void client_welcome(struct client *c)
{
	struct frontend *f = c->frontend;

	if (f->n_clients > f->max_clients || all_clients(f) > frontend_conf(f)->max_connections) {
		notice(&f->notices, NOTICE_ROUTER_FULL, c->who.addr);
		client_reply(c, 503);
	} else if (frontend_conf(f)->proxy_protocol)
		client_read_proxy_header(c);
	else if (c->who.trusted || c->who.is_unix || client_admit(c, &c->who.ip))
		client_read_head(c);
}

void client_accept(struct frontend *f, const struct listener *l, int fd,
		   const struct sockaddr_storage *peer)
{
	struct client *c = client_new(f, fd, peer);

	if (!c)
		return;
	c->admin = l->role == ROLE_ADMIN;
	c->listener = l->id;
	counter_add(&f->backend->board->connections, !c->admin);
	if (l->role == ROLE_RAW)
		client_read_raw(c);
	else if (c->admin)
		client_read_head(c);
	else
		client_welcome(c);
}

/* A connection that another process has had. It counts, whatever the limit. NULL: the client has
 * left, or there is no memory; @fd is consumed. */
static struct client *client_again(struct frontend *f, const struct control_msg *m, int fd)
{
	struct sockaddr_storage peer = { 0 };
	socklen_t len = sizeof(peer);
	struct client *c;

	if (getpeername(fd, (struct sockaddr *)&peer, &len) < 0) {
		fd_close(&fd);
		return NULL;
	}
	c = client_new(f, fd, &peer);
	if (!c)
		return NULL;
	c->sock.lent = true; /* the other may have kept it */
	identity_recall(&c->who, m, frontend_conf(f)->trusted);
	c->visitor = visitor_return(&f->visitors, m->visitor);
	return c;
}

void client_return(struct frontend *f, const struct control_msg *m, int fd)
{
	struct client *c = client_again(f, m, fd);

	if (!c)
		return;
	counter_add(&f->backend->board->handbacks, 1);
	c->handoff_tries = (unsigned)m->token + 1;
	c->refused_by = m->worker;
	c->listener = m->listener;
	c->span = span_return(f, m->span);
	if (m->kind == HANDOFF_RAW)
		client_read_raw(c);
	else if (c->handoff_tries >= HANDOFF_TRIES_MAX)
		client_reply(c, 503);
	else
		client_read_head(c);
}

static void adopt_pair(struct frontend *f, const struct control_msg *m, struct worker *w, int fd,
		       int upstream)
{
	struct client *c = client_again(f, m, fd);

	if (!c) {
		fd_close(&upstream);
		return;
	}
	client_set_state(c, CLIENT_EXCHANGE);
	if (!exchange_adopt(&c->exchange, w, upstream, m->state, m->style))
		client_close(c, "no memory");
}

void client_adopt(struct frontend *f, const struct control_msg *m, int fd)
{
	auto_fd int owned = fd;
	struct worker *w;

	if (m->kind == PARK_CLIENT) {
		fd_close(&f->adopted);
		f->adopted = fd_take(&owned);
		return;
	}
	w = workers_serving(f->backend, m->worker);
	if (w && f->adopted >= 0)
		adopt_pair(f, m, w, fd_take(&f->adopted), fd_take(&owned));
	fd_close(&f->adopted);
}

/* Ends */

static void client_on_quiet(struct client *c)
{
	struct peek p = peek_request(c->frontend, c->sock.fd);

	client_hand_over_raw(c, &p);
}

/* A browser's spare connection, or a client of a protocol whose server speaks first. */
static void client_on_silence(struct client *c)
{
	const struct worker *w = choose_by_key(c->frontend->backend, str_of(c->who.addr), NULL);

	if (w && w->protocol != PROTOCOL_HTTP)
		notice(&c->frontend->notices, NOTICE_SILENT, c->who.addr);
	client_close(c, "timeout");
}

static void client_on_deadline(struct deadline *d)
{
	struct client *c = container_of(d, struct client, deadline);

	if (c->state == CLIENT_HEAD) {
		notice(&c->frontend->notices, NOTICE_HEAD_TOO_SLOW, c->who.addr);
		client_reply(c, 408);
	} else if (c->state == CLIENT_PROTOCOL)
		client_reply(c, 503);
	else if (c->state == CLIENT_QUIET)
		client_on_quiet(c);
	else if (c->state == CLIENT_UPGRADE)
		client_upgrade(c);
	else if (c->state == CLIENT_FIRST)
		client_on_silence(c);
	else
		client_close(c, "timeout");
}

void clients_init(struct frontend *f)
{
	deadlines_init(f, client_on_deadline, exchange_on_deadline);
	(void)uv_timer_init(f->backend->loop->uv, &f->wake);
}

void clients_deinit(struct frontend *f)
{
	deadlines_deinit(f);
	spans_deinit(&f->spans);
	uv_close((uv_handle_t *)&f->wake, NULL);
}

void clients_close_idle(struct frontend *f)
{
	struct client *c, *next;

	DL_FOREACH_SAFE(f->clients, c, next)
	if (c->state == CLIENT_FIRST || c->state == CLIENT_IDLE ||
	    (c->state == CLIENT_PROXY_HEADER && c->peeked == 0))
		client_close(c, "draining");
}

void clients_close_all(struct frontend *f)
{
	struct client *c, *next;

	DL_FOREACH_SAFE(f->clients, c, next)
	client_close(c, "router stops");
}
