/* HTTP/1.1 heads, parsed one at a time, with what they say of the body. Pure functions over bytes;
 * llhttp decides what is well-formed, and what it lets through although two readers could disagree
 * about it (obs-fold, a blank before the colon, two Hosts, a Host that is not the target's) is
 * refused here. RFC 9110, 9112. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "router/http/body.h"

enum { HTTP_FIELDS_MAX = 128 };

struct http_field {
	struct str name, value;
};

/* A parsed head. All slices borrow the bytes given to http_parse_request() or _response(). */
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

/* The value of the first field with that name, or an empty slice. */
struct str http_field_get(const struct http_head *head, struct str name);

/* Whether a field called @name has the list member @token. */
bool http_has_member(const struct http_head *head, struct str name, struct str token);
