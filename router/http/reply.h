/* The router's own answers: a JSON body in the form of Engine.IO's errors, Connection: close. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

/* Appends the whole response for @status; an unknown status gives 500. @head_only: the request was
 * HEAD. The bytes of the body, -EMSGSIZE, -ENOMEM. */
int reply_write(unsigned status, bool head_only, struct buf *out);

/* Appends a plain-text response, for the admin endpoints, but for the @rest of its body, which the
 * caller sends behind it. 0, -EMSGSIZE, -ENOMEM. */
int reply_write_text(unsigned status, struct str content_type, struct str body, struct str rest,
		     struct buf *out);
