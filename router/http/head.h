/* HTTP/1.1 messages as the router needs them: one head parsed at a time, bodies measured and, when
 * they are chunked, framed anew, heads rewritten for the other side. Pure functions over bytes;
 * llhttp decides what is well-formed, and what it lets through although two readers could disagree
 * about it (obs-fold, a blank before the colon, two Hosts, a Host that is not the target's) is
 * refused here. RFC 9110, 9112. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/str.h"
#include "router/http/chunks.h"
#include "router/http/forwarded.h"

enum { HTTP_FIELDS_MAX = 128 };

struct http_field {
	struct str name, value;
};

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
	struct chunks chunks; /* HTTP_BODY_CHUNKED */
};

/* A parsed head. All slices borrow the bytes given to http_parse_head(). */
struct http_head {
	size_t size; /* bytes, with the empty line and any empty lines in front */
	struct str method,
	    target;            /* requests; of a target in absolute form, what follows authority */
	struct str authority;  /* of a target in absolute form, else empty */
	struct str start_line; /* without CRLF */
	unsigned status;       /* responses */
	unsigned minor;        /* HTTP/1.minor */
	bool keep_alive;       /* the sender wants the connection to persist */
	bool websocket;        /* request: GET with Upgrade: websocket and without a body */
	bool names_fields;     /* Connection names fields that end here */
	size_t n_fields;
	struct http_field fields[HTTP_FIELDS_MAX];
	struct http_body body; /* how to follow this message's body */
};

enum http_parse_result {
	HTTP_HEAD_COMPLETE = 1,
	HTTP_HEAD_PARTIAL = 0,
	HTTP_HEAD_BAD = -400,
	HTTP_HEAD_URI_TOO_LONG = -414,
	HTTP_HEAD_TOO_LARGE = -431,
	HTTP_HEAD_VERSION = -505,
};

/* Parses a head at the start of @in; @max bounds its size. @ret is set when HTTP_HEAD_COMPLETE is
 * returned. */
enum http_parse_result http_parse_request(struct str in, size_t max, struct http_head *ret);
/* @no_body: the request was HEAD, whose answer has none. */
enum http_parse_result http_parse_response(struct str in, size_t max, bool no_body,
					   struct http_head *ret);

/* How many of the @n bytes belong to the body; body->done is set when it ends there. Chunks are
 * framed anew in place, see chunks_feed(); of other bodies both parts of *ret are the bytes.
 * -EBADMSG: broken framing. */
ssize_t http_body_feed(struct http_body *body, char *bytes, size_t n, struct chunks_piece *ret);

/* The most bytes of the body that may be read blindly, without reading past its end: SIZE_MAX where
 * it ends with the connection. Of chunks these are few between two of them: such reads peek. */
size_t http_body_room(const struct http_body *body);

/* The value of the first field with that name, or an empty slice. */
struct str http_field_get(const struct http_head *head, struct str name);

/* What the next hop is told. */
struct http_forward {
	struct forwarded_peer peer; /* requests */
	struct http_field added;    /* requests: one more field, none when the name is empty */
	bool close;                 /* responses: the connection ends after this message */
	struct str upgrade;         /* the protocols to change to, or empty */
	struct str set_cookie;      /* responses, or empty */
};

/* Appends the head as the worker should see it: the target in origin form, end-to-end fields
 * unchanged and in order, hop-by-hop fields dropped, forwarding fields as forwarded_put() has them.
 * 0, -EMSGSIZE, -ENOMEM. */
int http_forward_request(const struct http_head *head, const struct http_forward *fw,
			 struct buf *out);
/* The same for the way back: hop-by-hop fields dropped, Connection: close added when fw->close, and
 * keep-alive for HTTP/1.0 clients that asked for it (@client_minor). */
int http_forward_response(const struct http_head *head, const struct http_forward *fw,
			  unsigned client_minor, struct buf *out);
