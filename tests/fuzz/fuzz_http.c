/* What clients and workers send to the router: heads, bodies, sids, and that a rewritten head is
 * one head again. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "router/http/rewrite.h"
#include "router/http/trace.h"
#include "router/session/sid.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void follow_body(struct http_head *head, struct str rest)
{
	char *room = malloc(CHUNKS_BEFORE + rest.n + CHUNKS_AFTER), *at = room + CHUNKS_BEFORE;
	struct chunks_piece piece;

	memcpy(at, rest.p, rest.n);
	(void)http_body_feed(&head->body, at, rest.n, &piece);
	free(room);
}

static const struct trace_rule traced = { TRACE_MAKE, TRACE_ALL / 2 };

/* The worker's request is asked for by our span, whatever the client has said. */
static void must_be_child(const struct http_head *head, const struct trace *of)
{
	struct trace t;
	char span[SPAN_ID_LEN + 1];

	trace_of(head, &traced, 3, 4, &t);
	(void)snprintf(span, sizeof(span), "%016" PRIx64, trace_span_id(1, 2));
	if (t.origin != TRACE_KEPT || strcmp(t.id, of->id) != 0 || strcmp(t.parent, span) != 0 ||
	    t.flags != of->flags)
		abort();
}

static void request(struct str in)
{
	static struct http_head head, again;
	struct http_forward fw = { .peer = { .addr = STR("10.0.0.1") } };
	struct buf out = BUF_INIT(256 << 10);
	struct sid_request sid;
	char text[TRACEPARENT_SIZE];
	struct trace trace;

	if (http_parse_request(in, 16384, &head) != HTTP_HEAD_COMPLETE)
		return;
	sid_of_target(head.target, STR("sid"), &sid);
	(void)cookie_of(&head, STR("sioinit"));
	(void)forwarded_is_tls(&head, &fw.peer);
	trace_of(&head, &traced, 1, 2, &trace);
	fw.n_added = trace_fields(&trace, trace_span_id(1, 2), text, fw.added);
	if (!request_id_is_sound(str_of(trace.id)))
		abort();
	if (http_forward_request(&head, &fw, &out) == 0 && head.n_fields + 5 < HTTP_FIELDS_MAX) {
		if (http_parse_request(buf_str(&out), 256 << 10, &again) != HTTP_HEAD_COMPLETE ||
		    again.size != out.len || again.body.kind != head.body.kind)
			abort(); /* the worker would read another request */
		must_be_child(&again, &trace);
	}
	buf_free(&out);
	follow_body(&head, (struct str){ in.p + head.size, in.n - head.size });
}

/* What is passed on is a head again, with the same status. */
static void response(const struct http_head *head)
{
	static struct http_head again;
	struct http_forward fw = { .offered = { STR("X-Request-ID"), STR("1") } };
	struct buf out = BUF_INIT(256 << 10);

	if (head->n_fields + 2 < HTTP_FIELDS_MAX && http_forward_response(head, &fw, 1, &out) == 0)
		if (http_parse_response(buf_str(&out), 256 << 10, false, &again) !=
			HTTP_HEAD_COMPLETE ||
		    again.size != out.len || again.status != head->status || again.minor != 1)
			abort();
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct str in = { (const char *)bytes, n };
	static struct http_head head;
	struct sid_handshake handshake;

	if (n == 0)
		return 0;
	request(in);
	(void)sid_of_handshake(in, &handshake);
	if (http_parse_response(in, 65536, bytes[0] & 1, &head) != HTTP_HEAD_COMPLETE)
		return 0;
	response(&head);
	http_body_for(&head.body, bytes[0] >> 1 & 1);
	follow_body(&head, (struct str){ in.p + head.size, in.n - head.size });
	return 0;
}
