/* How long the body of a message is, and where it ends (RFC 9112, 6): its bytes are counted and,
 * when they are chunked, framed anew. Pure functions over bytes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "router/http/chunks.h"

enum http_body_kind {
	HTTP_BODY_NONE,
	HTTP_BODY_LENGTH,
	HTTP_BODY_CHUNKED,
	HTTP_BODY_UNTIL_CLOSE, /* responses only */
};

/* Follows a body to its end. */
struct http_body {
	enum http_body_kind kind;
	bool done;
	uint64_t left;        /* HTTP_BODY_LENGTH */
	bool bare;            /* HTTP_BODY_CHUNKED: passed on without chunks */
	struct chunks chunks; /* ditto */
};

/* The body of an answer to a client of HTTP/1.@minor: 1.0 knows no chunks (RFC 9112, 7.1) and gets
 * what they carry. */
void http_body_for(struct http_body *body, unsigned minor);

/* Whether the connection that the body is passed on to has to end with it. */
bool http_body_ends_connection(const struct http_body *body);

/* How many of the @n bytes belong to the body; body->done is set when it ends there. Chunks are
 * framed anew in place, see chunks_feed(); of other bodies both parts of *ret are the bytes.
 * -EBADMSG: broken framing. */
ssize_t http_body_feed(struct http_body *body, char *bytes, size_t n, struct chunks_piece *ret);

/* The most bytes of the body that may be read blindly, without reading past its end: SIZE_MAX where
 * it ends with the connection. Of chunks these are few between two of them: such reads peek. */
size_t http_body_room(const struct http_body *body);
