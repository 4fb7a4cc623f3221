/* Client connections. Heads are only peeked at: what is read from the socket is exactly what is
 * passed on, so a connection can still be handed over whole at its next request. An incomplete head
 * costs no wake-ups: only more of it, or the client's end, is told. (SO_RCVLOWAT would not do:
 * under memory pressure and with small windows a socket is readable below it.) A PROXY header is
 * peeked at in the same way and then taken out, to its last byte and no further. */
#include "router/client/client.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "router/admin/admin.h"
#include "router/backend/choose.h"
#include "router/backend/upstream.h"
#include "router/client/naming.h"
#include "router/core.h"
#include "router/http/forwarded.h"
#include "router/http/proxy_protocol.h"
#include "router/http/reply.h"
#include "router/session/sid.h"

#include "base/ban.h"

enum { HANDOFF_TRIES_MAX = 3, ROOM_WITHOUT_ASKING = 32 << 10, SEGMENT_MAX = 64 << 10 };

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
	if (c->state == CLIENT_WAITING)
		scrape_forget(r, c);
	c->state = CLIENT_CLOSED;
	if (c->access && c->access->status == 0 && c->sock.fd >= 0)
		c->access->status = ACCESS_CLIENT_LEFT;
	access_end(&r->access_log, &c->access);
	visitor_leave(&r->visitors, &c->visitor);
	deadline_clear(&c->deadline);
	DL_DELETE(r->clients, c);
	r->n_clients--;
	sock_close(&c->sock, on_closed);
}

/* Who the client is decides what its forwarding fields are worth. */
static void identify(struct client *c, const struct ip *ip)
{
	const struct cidr_list *trusted = c->router->conf->trusted;

	if (ip) {
		c->ip = *ip;
		ip_print(ip, c->addr);
		c->trusted = cidr_list_has(trusted, ip);
	} else {
		memcpy(c->addr, "unix", sizeof("unix"));
		c->trusted = trusted->unix_peers;
	}
}

static bool is_unix(const struct client *c)
{
	return strcmp(c->addr, "unix") == 0;
}

static struct client *client_new(struct router *r, int fd, const struct sockaddr_storage *peer)
{
	struct client *c = calloc(1, sizeof(*c));
	struct ip ip;

	if (!c) {
		fd_close(&fd);
		return NULL;
	}
	sock_init(&c->sock, &r->poller, fd, on_event);
	c->router = r;
	c->exchange.retained = BUF_INIT(RETAIN_MAX);
	c->exchange.opening = BUF_INIT(LEARN_MAX);
	identify(c, ip_of_sockaddr(peer, &ip) ? &ip : NULL);
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
		deadline_set(&c->deadline, &c->router->body);
		if (sock_want(&c->sock, UV_WRITABLE) < 0)
			client_close(c, "poll failed");
		return;
	}
	(void)shutdown(c->sock.fd, SHUT_WR);
	deadline_set(&c->deadline, &c->router->linger);
	if (sock_want(&c->sock, UV_READABLE) < 0)
		client_close(c, "poll failed");
}

void client_wait(struct client *c)
{
	c->state = CLIENT_WAITING;
	if (sock_want(&c->sock, 0) < 0)
		client_close(c, "poll failed");
}

void client_finish_with(struct client *c, struct str head, struct str body)
{
	c->sock.out.max = head.n + body.n + SOCK_OUT_MAX;
	if (sock_send(&c->sock, head, body) < 0)
		client_close(c, "send failed");
	else
		client_linger(c);
}

static void log_reply(struct client *c, unsigned status, int bytes)
{
	struct access_log *log = &c->router->access_log;

	if (!c->access && !c->admin) /* what it asked for was not understood */
		c->access = access_begin(log, c->addr, (struct str){ 0 });
	if (!c->access)
		return;
	c->access->status = status;
	c->access->bytes = (uint64_t)bytes;
	access_end(log, &c->access);
}

void client_reply(struct client *c, unsigned status)
{
	struct buf *out = &c->router->out;
	int n;

	scoreboard_count_response(c->router->board, status);
	out->len = 0;
	n = reply_write(status, c->exchange.no_body, naming_of(c), out);
	if (n < 0) {
		client_close(c, "no memory");
		return;
	}
	log_reply(c, status, n);
	client_finish_with(c, buf_str(out), (struct str){ 0 });
}

static void client_drain_input(struct client *c)
{
	ssize_t n = recv(c->sock.fd, c->router->io, IO_SIZE, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		client_close(c, "done");
}

/* Handing over */

static void refuse(struct client *c)
{
	counter_add(&c->router->board->no_worker, 1);
	client_reply(c, 503);
}

static void hand_over_failed(struct client *c, enum handoff_kind kind)
{
	log_warn("router: init does not take a hand-off");
	if (kind == HANDOFF_CLIENT)
		refuse(c);
	else
		client_close(c, "not handed over");
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
	int fd;

	if (control_lend(&r->link, &m, c->sock.fd) < 0) {
		hand_over_failed(c, kind);
		return;
	}
	worker_assigned(w);
	counter_add(&r->board->upgrades, 1);
	fd = sock_release(&c->sock);
	fd_close(&fd);
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

/* Counts the client, or a trusted proxy's request, for the address it comes from. False: there are
 * too many; it is answered. */
static bool client_admit(struct client *c, const struct ip *ip)
{
	struct router *r = c->router;
	uint32_t max = r->conf->max_connections_per_address;

	if (max == 0 || c->visitor)
		return true;
	c->visitor = visitor_enter(&r->visitors, ip, max);
	if (!c->visitor) {
		notice(r, NOTICE_ADDRESS_FULL, c->addr);
		client_reply(c, 429);
	}
	return c->visitor != NULL;
}

/* Makes the note of a request and sees whether its client may have it. */
static bool client_admit_request(struct client *c, const struct http_head *head)
{
	struct router *r = c->router;
	char addr[IP_TEXT_MAX];
	struct ip ip = c->ip;
	bool named = c->trusted || !is_unix(c);

	if (c->trusted)
		forwarded_client(head, r->conf->trusted, &ip);
	if (r->access_log.format != ACCESS_OFF) {
		ip_print(&ip, addr);
		c->access = access_begin(&r->access_log, named ? addr : c->addr, head->start_line);
	}
	return !c->trusted || client_admit(c, &ip);
}

static struct worker *choose(struct client *c, const struct http_head *head,
			     const struct sid_request *sid)
{
	struct router *r = c->router;
	struct sticky_request rq = { .head = head, .addr = str_of(c->addr), .sid = sid };

	struct worker *w = sticky_choose(r, &rq, workers_by_id(&r->workers, c->refused_by));

	if (c->access)
		c->access->why = rq.why;
	return w;
}

static bool may_begin(struct router *r, const struct sid_request *sid)
{
	return !sid->engine || sid->sid.n ||
	       limits_take_token(&r->shared->handshakes_paid_ns, r->conf->handshake_rate,
				 r->conf->handshake_burst, router_now(r));
}

static void client_send_on(struct client *c, struct worker *w, const struct http_head *head,
			   const struct sid_request *sid)
{
	if (c->access)
		c->access->slot = w->slot;
	if (!head->websocket || worker_is_on_its_own(w)) {
		exchange_start(c, w, head, sid);
		return;
	}
	if (c->access)
		c->access->why = "upgrade";
	client_hand_over(c, w, HANDOFF_CLIENT, 0);
}

static void client_route(struct client *c, const struct http_head *head)
{
	struct sid_request sid;
	struct worker *w;

	deadline_clear(&c->deadline);
	c->exchange.no_body = str_eq(head->method, STR("HEAD"));
	if (c->admin) {
		admin_serve(c, head);
		return;
	}
	if (!client_admit_request(c, head))
		return;
	if (str_eq(head->method, STR("CONNECT"))) {
		client_reply(c, 405);
		return;
	}
	sid_of_target(head->target, str_of(c->router->conf->sid_param), &sid);
	notice_request(c, head, &sid);
	if (!may_begin(c->router, &sid)) {
		notice(c->router, NOTICE_HANDSHAKES_TOO_FAST, c->addr);
		client_reply(c, 503);
		return;
	}
	w = choose(c, head, &sid);
	if (!w) {
		refuse(c);
		return;
	}
	if (sid.sid.n == 0 && (sid.engine || head->websocket))
		worker_admitted(w);
	client_send_on(c, w, head, &sid);
}

/* Heads */

static size_t head_max(const struct router *r)
{
	return r->conf->max_head_bytes < IO_SIZE ? r->conf->max_head_bytes : IO_SIZE;
}

/* The whole head has to fit into the kernel's buffer, which grows only as it is read from, or for
 * SO_RCVLOWAT (SO_RCVBUF would fix its size for good); no window is offered for less than a
 * segment, so that there is one more. */
static void make_room(const struct client *c)
{
	int wanted = (int)head_max(c->router) + SEGMENT_MAX, one = 1;

	(void)setsockopt(c->sock.fd, SOL_SOCKET, SO_RCVLOWAT, &wanted, sizeof(wanted));
	(void)setsockopt(c->sock.fd, SOL_SOCKET, SO_RCVLOWAT, &one, sizeof(one));
}

/* @n bytes of an incomplete head are in the kernel. */
static void client_await_more(struct client *c, size_t n)
{
	if (c->sock.ended) {
		client_close(c, "half a request");
		return;
	}
	if (c->peeked == 0)
		deadline_set(&c->deadline, &c->router->header);
	if (c->peeked <= ROOM_WITHOUT_ASKING && n > ROOM_WITHOUT_ASKING)
		make_room(c);
	c->peeked = n;
	if (sock_want(&c->sock, UV_READABLE | UV_DISCONNECT) < 0)
		client_close(c, "poll failed");
}

static void client_head_is(struct client *c, enum http_parse_result result, size_t n)
{
	if (result == HTTP_HEAD_PARTIAL) {
		client_await_more(c, n);
		return;
	}
	c->peeked = 0;
	if (result == HTTP_HEAD_TOO_LARGE || result == HTTP_HEAD_URI_TOO_LONG)
		notice(c->router, NOTICE_HEAD_TOO_LARGE, c->addr);
	if (result == HTTP_HEAD_COMPLETE)
		client_route(c, &c->router->head);
	else
		client_reply(c, (unsigned)-result);
}

static void client_await_first(struct client *c)
{
	struct router *r = c->router;

	if (c->deadline.list == &r->body) /* the last answer has just gone out */
		deadline_set(&c->deadline, &r->keepalive);
	else if (!c->deadline.list)
		deadline_set(&c->deadline, &r->header);
	if (sock_want(&c->sock, UV_READABLE) < 0)
		client_close(c, "poll failed");
}

/* PROXY headers */

static void client_without_proxy_header(struct client *c)
{
	notice(c->router, NOTICE_NO_PROXY_HEADER, c->addr);
	client_close(c, "no PROXY header");
}

/* True: the header is read; the client's own bytes follow. */
static bool client_take_proxy_header(struct client *c, const struct proxy_header *h)
{
	if (recv(c->sock.fd, c->router->io, h->size, MSG_DONTWAIT) != (ssize_t)h->size) {
		client_close(c, "PROXY header lost");
		return false;
	}
	c->awaits_proxy = false;
	c->peeked = 0;
	if (h->has_client)
		identify(c, &h->client);
	c->tls = h->tls;
	return c->trusted || is_unix(c) || client_admit(c, &c->ip);
}

/* True: done with it. */
static bool client_read_proxy_header(struct client *c)
{
	struct router *r = c->router;
	ssize_t n = recv(c->sock.fd, r->io, PROXY_HEADER_MAX, MSG_PEEK | MSG_DONTWAIT);
	enum proxy_parse_result result;
	struct proxy_header h;

	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		client_await_first(c);
		return false;
	}
	if (n <= 0) {
		client_close(c, n == 0 ? "client closed" : strerror(errno));
		return false;
	}
	result = proxy_header_parse((struct str){ r->io, (size_t)n }, &h);
	if (result == PROXY_COMPLETE)
		return client_take_proxy_header(c, &h);
	if (result == PROXY_PARTIAL)
		client_await_more(c, (size_t)n);
	else
		client_without_proxy_header(c);
	return false;
}

static void client_read_head(struct client *c)
{
	struct router *r = c->router;
	size_t max = head_max(r);
	ssize_t n;

	if (c->state == CLIENT_LINGER) {
		if (c->deadline.list == &r->linger)
			client_drain_input(c);
		else
			client_linger(c);
		return;
	}
	if (sock_blocked(&c->sock)) {
		deadline_set(&c->deadline, &r->body);
		return;
	}
	if (c->awaits_proxy && !client_read_proxy_header(c))
		return;
	n = recv(c->sock.fd, r->io, max, MSG_PEEK | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		client_await_first(c);
	else if (n <= 0)
		client_close(c, n == 0 ? "client closed" : strerror(errno));
	else
		client_head_is(c,
			       http_parse_request((struct str){ r->io, (size_t)n }, max, &r->head),
			       (size_t)n);
}

/* A connection to the public port. False: it is answered. */
static bool client_welcome(struct client *c)
{
	c->awaits_proxy = c->router->conf->proxy_protocol;
	return c->awaits_proxy || c->trusted || is_unix(c) || client_admit(c, &c->ip);
}

void client_accept(struct router *r, const struct listener *l, int fd,
		   const struct sockaddr_storage *peer)
{
	struct client *c = client_new(r, fd, peer);

	if (!c)
		return;
	c->admin = l->role == ROLE_ADMIN;
	counter_add(&r->board->connections, !c->admin);
	if (l->role == ROLE_RAW)
		client_hand_over_raw(c, l->id);
	else if (l->role == ROLE_HTTP && (r->n_clients > r->max_clients ||
					  router_all_clients(r) > r->conf->max_connections)) {
		notice(r, NOTICE_ROUTER_FULL, c->addr);
		client_reply(c, 503);
	} else if (c->admin || client_welcome(c))
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
	c = client_new(r, fd, &peer);
	if (!c)
		return;
	counter_add(&r->board->handbacks, 1);
	c->sock.lent = true; /* the worker may have kept it */
	c->handoff_tries = (unsigned)m->token + 1;
	c->refused_by = m->worker;
	if (m->kind == HANDOFF_RAW)
		client_hand_over_raw(c, m->listener);
	else if (c->handoff_tries >= HANDOFF_TRIES_MAX)
		client_reply(c, 503);
	else
		client_read_head(c);
}

/* What is there counts, whatever the limit. Which client a proxy speaks for is not known of a
 * request that was read by another router. */
static void client_count_adopted(struct client *c)
{
	struct router *r = c->router;

	if (r->conf->max_connections_per_address && !r->conf->proxy_protocol && !c->trusted &&
	    !is_unix(c))
		c->visitor = visitor_enter(&r->visitors, &c->ip, UINT32_MAX);
}

void client_adopt(struct router *r, const struct control_msg *m, struct worker *w, int fd,
		  int upstream)
{
	struct sockaddr_storage peer = { 0 };
	socklen_t len = sizeof(peer);
	struct client *c = NULL;
	struct upstream *u;

	if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0)
		c = client_new(r, fd, &peer);
	else
		fd_close(&fd);
	if (c) {
		c->sock.lent = true;
		client_count_adopted(c);
	}
	u = c ? upstream_adopt(w, c, upstream) : NULL;
	if (u)
		exchange_adopt(c, u, m->state, m->style);
	else if (c)
		client_close(c, "no memory");
	else
		fd_close(&upstream);
}

void client_exchange_done(struct client *c, bool reusable)
{
	bool blocked;

	access_end(&c->router->access_log, &c->access);
	if (c->trusted)
		visitor_leave(&c->router->visitors, &c->visitor);
	assert(c->state == CLIENT_EXCHANGE);
	c->state = CLIENT_IDLE;
	c->exchange.no_body = false;
	c->exchange.id[0] = '\0';
	if (!reusable) {
		client_linger(c);
		return;
	}
	blocked = sock_blocked(&c->sock);
	deadline_set(&c->deadline, blocked ? &c->router->body : &c->router->keepalive);
	if (sock_want(&c->sock, blocked ? UV_WRITABLE : UV_READABLE) < 0)
		client_close(c, "poll failed");
}

void client_on_deadline(struct deadline *d)
{
	struct client *c = container_of(d, struct client, deadline);

	if (c->state == CLIENT_EXCHANGE)
		exchange_on_timeout(c);
	else if (c->state == CLIENT_IDLE && c->peeked && !c->awaits_proxy) {
		notice(c->router, NOTICE_HEAD_TOO_SLOW, c->addr);
		client_reply(c, 408);
	} else
		client_close(c, "timeout");
}

void client_close_idle(struct router *r)
{
	struct client *c, *next;

	DL_FOREACH_SAFE(r->clients, c, next)
	if (c->state == CLIENT_IDLE && c->peeked == 0)
		client_close(c, "draining");
}
