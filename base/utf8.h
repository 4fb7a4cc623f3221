/* UTF-8, RFC 3629. Any bytes are safe. */
#pragma once

#include "base/str.h"

/* The code point at *at, which is moved behind it: U+FFFD and one byte for what is malformed, -1 at
 * the end. */
int32_t utf8_next(struct str s, size_t *at);

/* Writes the code point @c (0 to 10FFFF). The number of bytes, 1 to 4. */
size_t utf8_write(int32_t c, char dst[static 4]);

bool utf8_is_valid(struct str s);

/* The length of the longest part of @s that does not end inside a character; all of @s when its end
 * is no UTF-8 anyway. */
size_t utf8_whole(struct str s);
