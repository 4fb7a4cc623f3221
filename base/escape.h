/* Text for the inside of quotes. Pure; any bytes are safe. */
#pragma once

#include "base/str.h"

enum { ESCAPE_GROWTH = 6 }; /* bytes that one byte may become */

/* Writes @s as the inside of a JSON string: valid UTF-8 whatever @s is, U+FFFD for what is not.
 * Ends with the last character that fits into @size bytes; no NUL. The number of bytes written. */
size_t escape_json(struct str s, char *dst, size_t size);

/* As the inside of a logfmt value: quotes and backslashes with a backslash, control characters as
 * \xHH, all else unchanged. Otherwise as escape_json(). */
size_t escape_logfmt(struct str s, char *dst, size_t size);

/* For a terminal, without quotes around it: backslashes with a backslash, control characters (C1,
 * too) as \xHH, those that turn the direction of text round as \uHHHH, U+FFFD for what is not
 * UTF-8. Otherwise as escape_json(). */
size_t escape_terminal(struct str s, char *dst, size_t size);
