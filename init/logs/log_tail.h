/* The last bytes that somebody has written, and what of them people can read. Pure. */
#pragma once

#include <stddef.h>

#include "base/str.h"

enum { LOG_TAIL_MAX = 2048 };

struct log_tail {
	char bytes[LOG_TAIL_MAX]; /* a ring */
	size_t n;                 /* bytes ever */
};

void log_tail_add(struct log_tail *t, struct str bytes);

/* Writes the last lines to @dst, oldest first, without NUL: whole lines if more has been written
 * than is kept, without colours and other control characters. The number of bytes. */
size_t log_tail_text(const struct log_tail *t, char dst[static LOG_TAIL_MAX]);
