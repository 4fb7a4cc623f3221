/* Cookies (RFC 6265): one found in a request, one set in an answer. Pure functions over bytes. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

struct http_head;

/* The value of cookie @name in a Cookie field (RFC 6265, 4.2.1), or an empty slice. */
struct str cookie_get(struct str field, struct str name);

/* The first value that is not empty of cookie @name in the Cookie fields of @head, or an empty
 * slice. */
struct str cookie_of(const struct http_head *head, struct str name);

/* A cookie to be set. Everything is borrowed. */
struct cookie {
	struct str name; /* empty: none is set */
	struct str value;
	struct str attributes; /* "Path=/; HttpOnly" */
	bool secure;           /* Secure, too */
};

/* Appends the Set-Cookie field. 0, -EMSGSIZE, -ENOMEM. */
int cookie_put(const struct cookie *cookie, struct buf *out);
