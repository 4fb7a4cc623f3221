/* Lines of a frame as bytes for a terminal.
 *
 * ECMA-48 by hand: an image made from scratch has no terminfo, and what is used here (moving the
 * cursor, erasing, colours) every terminal of today knows. Texts that sioinit was given are written
 * as printable ASCII, all else in them as \xHH, so that a column is a byte. */
#pragma once

#include "base/buf.h"
#include "commands/monit_view.h"

enum style { PLAIN, TITLE, HEAD, CHOSEN, GOOD, WARN, BAD, FAINT, N_STYLES };

struct painter {
	struct buf *out; /* borrowed, and the view, too */
	const struct monit_view *view;
	unsigned row, col;
	enum style style; /* of what comes next */
	int r;            /* 0, or what buf_append() has said first: the frame is cut there */
};

void painter_begin_line(struct painter *p);
/* Nothing of an earlier frame is left in it. */
void painter_end_line(struct painter *p);
/* The same, with blanks in the style of its end. */
void painter_fill_line(struct painter *p);

/* What stands beyond the edge is left out. */
void paint(struct painter *p, enum style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* One character of one column, as it is. */
void painter_glyph(struct painter *p, const char *bytes);
