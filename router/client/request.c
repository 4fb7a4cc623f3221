/* Requests. See request.h. */
#include "router/client/request.h"

#include <errno.h>
#include <sys/socket.h>

#include "router/backend/upstream.h"
#include "router/client/context.h"
#include "router/client/identity.h"
#include "router/client/naming.h"
#include "router/http/rewrite.h"

#include "base/ban.h"

static const struct step more = { .kind = STEP_MORE };

/* What rewriting adds to a head is far less: a blank for each field, and a few fields of ours. */
_Static_assert(SOCK_OUT_MAX - IO_SIZE >= 16 << 10, "a rewritten head and a body that was read fit");

/* Reads the head again, for good this time, and the part of the body that is there, at most one
 * read of the worker's at most: the slices of @head keep pointing at the same bytes. A chunked body
 * is read later, since where it ends is not known yet. */
static ssize_t consume(const struct exchange *x, const struct http_head *head)
{
	size_t room = head->body.kind == HTTP_BODY_CHUNKED ? 0 : http_body_room(&head->body);
	size_t left = IO_SIZE - head->size, read_size = x->upstream->sock.read_size;
	size_t most = left < read_size ? left : read_size;

	return recv(x->side.client->fd, x->side.frontend->io,
		    head->size + (room < most ? room : most), MSG_DONTWAIT);
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

static void send_to_worker(struct exchange *x, struct str head, struct str body)
{
	if (sock_send(&x->upstream->sock, head, body) < 0) {
		/* it may have answered before it closed: what it said is read first */
		x->request.done = true;
		x->request_aborted = true;
	}
}

static void begin_at_worker(struct exchange *x, struct str head, struct str body)
{
	send_to_worker(x, head, body);
	span_mark(*x->side.span, SPAN_GIVEN);
}

/* The head as the worker gets it, in frontend->out. 0 or -errno. */
static int rewrite_head(struct exchange *x, const struct http_head *head)
{
	struct frontend *f = x->side.frontend;
	bool is_seen = x->upstream->ends.family != AF_UNSPEC;
	struct http_forward fw = { .peer = identity_forwarded(x->side.who, is_seen) };
	struct naming made;

	if (head->websocket)
		fw.upgrade = STR("websocket"); /* whatever else it would like */
	naming_apply(x, head, &made, &fw);
	f->out.len = 0;
	return http_forward_request(head, &fw, &f->out);
}

struct step request_begin(struct exchange *x, const struct http_head *head)
{
	struct frontend *f = x->side.frontend;
	struct chunks_piece piece;
	ssize_t n = consume(x, head);
	struct str body;

	if (n < (ssize_t)head->size || rewrite_head(x, head) < 0)
		return (struct step){ STEP_CUT, .why = "request lost" };
	body = (struct str){ f->io + head->size, (size_t)n - head->size };
	(void)http_body_feed(&x->request, f->io + head->size, body.n, &piece);
	retain(x, buf_str(&f->out), body);
	begin_at_worker(x, buf_str(&f->out), body);
	return more;
}

void request_send_again(struct exchange *x)
{
	x->request_aborted = false;
	begin_at_worker(x, buf_str(&x->retained), (struct str){ 0 });
}

/* Drops @n bytes that were peeked at: tcp(7), MSG_TRUNC; other sockets have to copy them. */
static void skip_input(const struct exchange *x, size_t n)
{
	while (n > 0) {
		ssize_t k = recv(x->side.client->fd, x->side.frontend->io, n, MSG_DONTWAIT);

		if (k <= 0)
			return;
		n -= (size_t)k;
	}
}

/* @peeked: where the body ends is not known, so the bytes stay in the kernel. */
static ssize_t read_body(const struct exchange *x, bool *peeked)
{
	const struct http_body *b = &x->request;
	size_t room = http_body_room(b), read_size = x->upstream->sock.read_size;
	ssize_t n;

	*peeked = b->kind == HTTP_BODY_CHUNKED && room < read_size;
	n = recv(x->side.client->fd, x->side.frontend->io + CHUNKS_BEFORE,
		 *peeked || read_size < room ? read_size : room,
		 MSG_DONTWAIT | (*peeked ? MSG_PEEK : 0));
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? -EAGAIN : -errno;
	return n == 0 ? -EPIPE : n;
}

static struct step malformed(const struct exchange *x)
{
	if (exchange_has_answered(x))
		return (struct step){ STEP_CUT, .why = "bad chunk" };
	return (struct step){ STEP_REFUSED, .status = 400, .why = "bad chunk" };
}

static struct step body_more(struct exchange *x)
{
	char *in = x->side.frontend->io + CHUNKS_BEFORE;
	struct chunks_piece piece;
	bool peeked;
	ssize_t n = read_body(x, &peeked), used;

	if (n == -EAGAIN)
		return more;
	if (n < 0)
		return (struct step){ STEP_CUT, .why = "client left in the middle of a request" };
	used = http_body_feed(&x->request, in, (size_t)n, &piece);
	if (used < 0)
		return malformed(x);
	if (piece.framed.n)
		send_to_worker(x, piece.framed, (struct str){ 0 });
	if (peeked)
		skip_input(x, (size_t)used);
	return more;
}

void request_pass_end(const struct exchange *x)
{
	if (x->client_ended && !sock_blocked(&x->upstream->sock))
		(void)shutdown(x->upstream->sock.fd, SHUT_WR);
}

/* The request is complete: the client either waits, sends the next one, or leaves. */
static struct step watch_client(struct exchange *x)
{
	char byte;
	ssize_t n = recv(x->side.client->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return (struct step){ STEP_CUT, .why = "client reset" };
	if (n > 0)
		x->pipelined = true;
	if (n == 0) {
		x->client_ended = true;
		request_pass_end(x);
	}
	return more;
}

struct step request_more(struct exchange *x)
{
	return x->request.done ? watch_client(x) : body_more(x);
}
