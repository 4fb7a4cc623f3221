/* What clients and workers send to the router: heads, bodies, sids, and that a rewritten head is
 * one head again. */
#include <stdint.h>
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

static void request(struct str in)
{
	static struct http_head head, again;
	struct http_forward fw = { .peer = { .addr = STR("10.0.0.1") } };
	struct buf out = BUF_INIT(256 << 10);
	struct sid_request sid;
	char made[TRACEPARENT_SIZE];
	struct str trace_id;

	if (http_parse_request(in, 16384, &head) != HTTP_HEAD_COMPLETE)
		return;
	sid_of_target(head.target, STR("sid"), &sid);
	(void)cookie_of(&head, STR("sioinit"));
	(void)forwarded_is_tls(&head, &fw.peer);
	fw.n_added = trace_fields(&head, TRACE_MAKE, 1, 2, made, fw.added, &trace_id);
	if (!request_id_is_sound(trace_id))
		abort();
	if (http_forward_request(&head, &fw, &out) == 0 && head.n_fields + 5 < HTTP_FIELDS_MAX)
		if (http_parse_request(buf_str(&out), 256 << 10, &again) != HTTP_HEAD_COMPLETE ||
		    again.size != out.len || again.body.kind != head.body.kind)
			abort(); /* the worker would read another request */
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
