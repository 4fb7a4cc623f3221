/* HTTP bodies. See body.h. */
#include "router/http/body.h"

#include "base/ban.h"

void http_body_for(struct http_body *body, unsigned minor)
{
	body->bare = body->kind == HTTP_BODY_CHUNKED && minor == 0;
}

bool http_body_ends_connection(const struct http_body *body)
{
	return body->kind == HTTP_BODY_UNTIL_CLOSE || body->bare;
}

static ssize_t feed_chunked(struct http_body *b, char *bytes, size_t n, struct chunks_piece *ret)
{
	ssize_t used = chunks_feed(&b->chunks, bytes, n, ret);

	b->done = chunks_done(&b->chunks);
	if (b->bare && used >= 0)
		ret->framed = ret->data;
	return used;
}

/* How many of @n bytes belong to a body that is not chunked. */
static size_t take_plain(struct http_body *b, size_t n)
{
	if (b->done || b->kind == HTTP_BODY_UNTIL_CLOSE)
		return b->done ? 0 : n;
	n = n < b->left ? n : (size_t)b->left;
	b->left -= n;
	b->done = b->left == 0;
	return n;
}

ssize_t http_body_feed(struct http_body *body, char *bytes, size_t n, struct chunks_piece *ret)
{
	if (body->kind == HTTP_BODY_CHUNKED && !body->done)
		return feed_chunked(body, bytes, n, ret);
	n = take_plain(body, n);
	ret->data = ret->framed = (struct str){ bytes, n };
	return (ssize_t)n;
}

size_t http_body_room(const struct http_body *body)
{
	uint64_t left = SIZE_MAX;

	if (body->done)
		return 0;
	if (body->kind == HTTP_BODY_LENGTH)
		left = body->left;
	else if (body->kind == HTTP_BODY_CHUNKED)
		left = chunks_least_left(&body->chunks);
	return left < SIZE_MAX ? (size_t)left : SIZE_MAX;
}
