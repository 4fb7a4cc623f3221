/* The router's own answers, with Connection: close. Their body is JSON in the form of Engine.IO's
 * errors, or for what is none of its requests a line of text. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"
#include "router/http/head.h"

/* The request, as far as the answer depends on it. */
struct reply_to {
	bool head_only; /* it was HEAD */
	bool is_plain;  /* it is none of Engine.IO's */
};

/* Appends the whole response for @status; an unknown status gives 500. @added: one more field, none
 * when its name is empty. The bytes of the body, -EMSGSIZE, -ENOMEM. */
int reply_write(unsigned status, struct reply_to to, struct http_field added, struct buf *out);

/* An answer of the admin endpoints. Borrowed. */
struct reply_text {
	struct str type;   /* Content-Type */
	struct str fields; /* whole lines, instead of those that go with the status; or empty */
	struct str more;   /* whole lines in addition */
	struct str body;
	struct str rest; /* of the body, which the caller sends behind it */
	bool head_only;  /* the request was HEAD: the length is told, and no body follows */
};

/* Appends the response but for its rest. 0, -EMSGSIZE, -ENOMEM. */
int reply_write_text(unsigned status, const struct reply_text *text, struct buf *out);
