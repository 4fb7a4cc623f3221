/* One frame of `sioinit monit`: data to lines. Pure.
 *
 * ECMA-48 by hand: an image made from scratch has no terminfo, and what is used here (moving the
 * cursor, erasing, colours) every terminal of today knows. Texts that sioinit was given are written
 * as printable ASCII, all else in them as \xHH, so that a column is a byte. */
#pragma once

#include "base/buf.h"
#include "commands/monit_data.h"

enum monit_sort {
	MONIT_BY_SLOT,
	MONIT_BY_LAG,
	MONIT_BY_MEMORY,
	MONIT_BY_CPU,
	MONIT_BY_SESSIONS,
};

struct monit_view {
	unsigned rows, cols; /* of the terminal */
	enum monit_sort sort;
	bool reversed, help;
	size_t scroll;   /* rows of the list above the first that is shown */
	size_t page;     /* rows of it that were shown, set by monit_screen_draw() */
	bool utf8;       /* block characters may be used */
	bool colour;     /* colours, too */
	const char *sad; /* why there is no answer, or NULL; borrowed */
};

enum { MONIT_FRAME_MAX = 1 << 20 };

/* Appends the frame to @out, each line at its place and all of the screen written over; a scroll
 * beyond the end is brought back. 0, -EMSGSIZE or -ENOMEM. */
int monit_screen_draw(const struct monit_data *d, struct monit_view *v, struct buf *out);
