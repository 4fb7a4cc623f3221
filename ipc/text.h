/* The text of string values, in whatever encoding their frame has it. Pure; any bytes are safe. */
#pragma once

#include <stddef.h>

#include "ipc/value.h"

/* The code points of a VALUE_STRING: *at is where to go on, 0 at first. The code point, U+FFFD for
 * what is malformed, -1 at the end. JSON text has been checked by the reader that found the value.
 */
int32_t text_next(const struct value *v, size_t *at);

/* True when @v is a string equal to the ASCII text @s. */
bool text_is(const struct value *v, const char *s);
/* True when it begins with it. */
bool text_begins(const struct value *v, const char *s);

/* The place in @out, same index as in @keys, for an object's key, or NULL when it is none of them.
 */
struct value *text_find(const struct value *key, const char *const *keys, size_t n,
			struct value *out);
