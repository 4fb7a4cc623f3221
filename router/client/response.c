/* Answers. See response.h. */
#include "router/client/response.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>

#include "router/backend/choose.h"
#include "router/backend/upstream.h"
#include "router/backend/workers.h"
#include "router/client/context.h"
#include "router/client/naming.h"
#include "router/client/parking.h"
#include "router/http/rewrite.h"
#include "router/session/sid.h"
#include "router/session/table.h"

#include "base/ban.h"

enum { IDLE_MS_DEFAULT = 4000 /* Node's keepAliveTimeout is 5 s */ };

static const struct step more = { .kind = STEP_MORE };

static struct step failed(const char *why)
{
	return (struct step){ STEP_FAILED, .why = why };
}

static struct step no_answer(struct exchange *x, enum notice kind, const char *why)
{
	notice_worker(&x->side.frontend->notices, kind, x->upstream->worker);
	return failed(why);
}

static struct step not_sent(void)
{
	return (struct step){ STEP_CUT, .why = "send failed" };
}

static void learn(struct exchange *x, const struct sid_handshake *h)
{
	struct backend *b = x->side.frontend->backend;

	sessions_put(b->sessions, h->sid, x->worker_id,
		     h->idle_ms ? h->idle_ms + SESSION_SLACK_MS : SESSION_IDLE_DEFAULT,
		     backend_now(b));
	counter_add(&b->board->handshakes, 1);
}

/* The first bytes of a handshake's answer name the session. */
static void read_opening(struct exchange *x, struct str body)
{
	size_t room = LEARN_MAX - x->handshake_prefix.len;
	struct sid_handshake h;

	if (!x->learn ||
	    buf_append(&x->handshake_prefix, body.p, body.n < room ? body.n : room) < 0)
		return;
	if (sid_of_handshake(buf_str(&x->handshake_prefix), &h)) {
		learn(x, &h);
		x->learn = false;
	}
	if (!x->learn || x->handshake_prefix.len == LEARN_MAX) {
		x->learn = false;
		buf_free(&x->handshake_prefix);
	}
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

/* The bytes where they may be framed anew: what came behind a head in pieces lies elsewhere. */
static char *in_io(struct frontend *f, struct str bytes)
{
	char *at = f->io + CHUNKS_BEFORE;

	if (bytes.p >= at && bytes.p <= at + IO_SIZE)
		return at + (bytes.p - at);
	assert(bytes.n <= IO_SIZE);
	return memcpy(at, bytes.p, bytes.n);
}

/* Passes body bytes on, behind @head if there is one. */
static struct step pass_body(struct exchange *x, struct str head, struct str bytes)
{
	struct upstream *u = x->upstream;
	struct chunks_piece piece;
	ssize_t used = http_body_feed(&u->body, in_io(x->side.frontend, bytes), bytes.n, &piece);

	if (used < 0)
		return failed("bad chunk from the worker");
	if ((size_t)used < bytes.n)
		x->idle_ms = 0; /* it says more than it was asked: no connection to keep */
	read_opening(x, piece.data);
	if (head.n)
		exchange_set_state(x, EXCHANGE_BODY);
	if (*x->side.access)
		(*x->side.access)->bytes += piece.data.n;
	if (head.n + piece.framed.n && sock_send(x->side.client, head, piece.framed) < 0)
		return not_sent();
	return u->body.done ? (struct step){ .kind = STEP_DONE } : more;
}

static struct step pass_interim(struct exchange *x, const struct http_head *head)
{
	struct buf *out = &x->side.frontend->out;
	struct http_forward fw = { 0 };

	span_mark(*x->side.span, SPAN_ANSWERED);
	if (x->minor == 0) /* RFC 9110, 15.2 */
		return more;
	parking_end(x);
	out->len = 0;
	exchange_set_state(x, EXCHANGE_INTERIM);
	if (http_forward_response(head, &fw, 1, out) < 0 ||
	    sock_send(x->side.client, buf_str(out), (struct str){ 0 }) < 0)
		return not_sent();
	return more;
}

static void count_head(struct exchange *x, const struct http_head *head)
{
	if (x->upstream->worker)
		protocol_learn(x->upstream->worker, head->status);
	span_mark(*x->side.span, SPAN_ANSWERED);
	span_status(*x->side.span, head->status);
	scoreboard_count_response(x->side.frontend->backend->board, head->status);
	if (*x->side.access)
		(*x->side.access)->status = head->status;
}

static bool will_keep_alive(const struct exchange *x, const struct http_head *head)
{
	return x->keep_alive && !x->request_aborted && (x->request.done || head->keep_alive) &&
	       x->side.frontend->phase <= PHASE_SERVING &&
	       !http_body_ends_connection(&x->upstream->body);
}

static struct step pass_head(struct exchange *x, const struct http_head *head, struct str rest)
{
	struct frontend *f = x->side.frontend;
	struct http_forward fw;
	char cookie[STICKY_VALUE_SIZE];

	parking_end(x);
	count_head(x, head);
	x->idle_ms = x->minor ? idle_allowance(head) : 0; /* the worker was told HTTP/1.0 */
	x->learn = x->learn && head->status == 200;
	x->upstream->body = head->body;
	http_body_for(&x->upstream->body, x->minor);
	x->keep_alive = will_keep_alive(x, head);
	fw = (struct http_forward){
		.close = !x->keep_alive,
		.offered = naming_of(x),
		.set_cookie = sticky_cookie(f->backend, x->worker_id, str_of(x->cookie), cookie),
	};
	fw.set_cookie.secure = x->secure_cookie;
	f->out.len = 0;
	if (http_forward_response(head, &fw, x->minor, &f->out) < 0)
		return failed("no memory");
	x->retained.len = 0;
	return pass_body(x, buf_str(&f->out), rest);
}

/* One to another protocol shows nothing of WebSockets. */
static void learn_upgrade(struct exchange *x, const struct http_head *head)
{
	struct worker *w = x->upstream->worker;

	if (w && http_has_member(head, STR("upgrade"), STR("websocket")))
		upgrades_learn(&w->upgrades, x->place);
}

/* The worker has changed protocols. */
static struct step pass_switch(struct exchange *x, const struct http_head *head, struct str rest)
{
	struct frontend *f = x->side.frontend;
	struct http_forward fw = { .upgrade = http_field_get(head, STR("upgrade")) };

	if (!x->upgrade)
		return no_answer(x, NOTICE_ANSWER_NO_HTTP, "protocols changed unasked");
	exchange_set_state(x, EXCHANGE_TUNNEL);
	x->tunnel = (struct tunnel){ .side = { x->side.client, &x->upstream->sock } };
	upstream_becomes_tunnel(x->upstream);
	learn_upgrade(x, head);
	counter_add(&f->backend->board->upgrades, 1);
	count_head(x, head);
	f->out.len = 0;
	if (http_forward_response(head, &fw, x->minor, &f->out) < 0 ||
	    sock_send(x->side.client, buf_str(&f->out), rest) < 0)
		return not_sent();
	span_end(x->side.span, "upgraded");
	return more;
}

/* What is left of @in is kept until there is more of it. */
static struct step keep_part(struct exchange *x, struct str in)
{
	struct upstream *u = x->upstream;

	if (in.p == u->in.p || buf_append(&u->in, in.p, in.n) == 0)
		return more;
	return failed("no memory");
}

/* Where an app's handler has thrown and the app goes on, Node's parser takes nothing more on that
 * connection: it answers 400 by itself, without a date, to whoever is next. */
static bool is_parser_broken(const struct exchange *x, const struct http_head *head)
{
	return x->upstream->reused && head->status == 400 && !head->keep_alive &&
	       http_field_get(head, STR("date")).n == 0 && x->retained.len > 0 &&
	       !exchange_has_answered(x);
}

/* One head after the other, as 1xx may come before the final one. */
static struct step response_heads(struct exchange *x, struct str in)
{
	struct http_head *head = &x->side.frontend->head;
	struct step s = more;

	while (in.n > 0 && s.kind == STEP_MORE) {
		enum http_parse_result e =
		    http_parse_response(in, RESPONSE_HEAD_MAX, x->no_body, head);

		if (e == HTTP_HEAD_PARTIAL)
			return keep_part(x, in);
		if (e == HTTP_HEAD_TOO_LARGE)
			return no_answer(x, NOTICE_ANSWER_TOO_LARGE, "too large a head");
		if (e != HTTP_HEAD_COMPLETE)
			return no_answer(x, NOTICE_ANSWER_NO_HTTP, "no HTTP");
		in.p += head->size;
		in.n -= head->size;
		if (head->status == 101)
			return pass_switch(x, head, in);
		if (is_parser_broken(x, head)) {
			x->upstream->unread = true;
			return failed("its parser is broken");
		}
		if (head->status >= 200)
			return pass_head(x, head, in);
		s = pass_interim(x, head);
	}
	return s;
}

static struct step response_bytes(struct exchange *x, struct str in)
{
	struct upstream *u = x->upstream;
	struct buf whole;
	struct step s;

	if (x->state == EXCHANGE_BODY)
		return pass_body(x, (struct str){ 0 }, in);
	if (u->in.len == 0)
		return response_heads(x, in);
	/* a head that came in pieces: parsed from a buffer of its own, since what is left goes back
	 * to u->in */
	if (buf_append(&u->in, in.p, in.n) < 0)
		return failed("no memory");
	whole = u->in;
	u->in = BUF_INIT(whole.max);
	s = response_heads(x, buf_str(&whole));
	buf_free(&whole);
	return s;
}

static bool is_end_of_response(const struct exchange *x)
{
	return x->state == EXCHANGE_BODY && x->upstream->body.kind == HTTP_BODY_UNTIL_CLOSE;
}

bool response_was_not_read(const struct upstream *u, int err)
{
	socklen_t len = sizeof(err);

	if (err == 0)
		(void)getsockopt(u->sock.fd, SOL_SOCKET, SO_ERROR, &err, &len);
	return err == ECONNRESET || err == EPIPE;
}

struct step response_more(struct exchange *x)
{
	struct upstream *u = x->upstream;
	char *in = x->side.frontend->io + CHUNKS_BEFORE;
	size_t read_size = u->in.len ? SOCK_READ_MIN : x->side.client->read_size;
	ssize_t n = recv(u->sock.fd, in, read_size, MSG_DONTWAIT);

	if (n > 0)
		return response_bytes(x, (struct str){ in, (size_t)n });
	if (n < 0 && (errno == EAGAIN || errno == EINTR) && !u->sock.failed)
		return more;
	if (n == 0 && is_end_of_response(x))
		return (struct step){ .kind = STEP_DONE };
	u->unread = u->unread || response_was_not_read(u, n < 0 ? errno : 0);
	return failed(n == 0 ? "worker closed" : "worker reset");
}
