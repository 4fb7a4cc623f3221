/* Heads rewritten for the next hop: hop-by-hop fields end here (RFC 9110, 7.6.1), what others may
 * not say of the client is dropped, what we have to say is added. Pure functions over bytes. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"
#include "router/http/cookie.h"
#include "router/http/forwarded.h"
#include "router/http/head.h"

enum { HTTP_ADDED_MAX = 3 };

/* What the next hop is told. */
struct http_forward {
	struct forwarded_peer peer; /* requests */
	/* requests: in place of the client's fields of that name; an empty value is none */
	struct http_field added[HTTP_ADDED_MAX];
	size_t n_added;
	struct http_field offered; /* responses: where the worker has not said it; or no name */
	bool close;                /* responses: the connection ends after this message */
	struct str upgrade;        /* the protocols to change to, or empty */
	struct cookie set_cookie;  /* responses; none when its name is empty */
};

/* Appends the head as the worker should see it: the target in origin form, end-to-end fields
 * unchanged and in order, hop-by-hop fields dropped, forwarding fields as forwarded_put() has them.
 * 0, -EMSGSIZE, -ENOMEM. */
int http_forward_request(const struct http_head *head, const struct http_forward *fw,
			 struct buf *out);
/* The same for the way back: the version is ours, Connection: close is added when fw->close, and
 * keep-alive for HTTP/1.0 clients that asked for it (@client_minor), who are not told of chunks. */
int http_forward_response(const struct http_head *head, const struct http_forward *fw,
			  unsigned client_minor, struct buf *out);
