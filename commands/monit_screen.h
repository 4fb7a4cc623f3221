/* One frame of `sioinit monit`: data to lines. Pure. */
#pragma once

#include "base/buf.h"
#include "commands/monit_data.h"
#include "commands/monit_view.h"

enum { MONIT_FRAME_MAX = 1 << 20 };

/* Appends the frame to @out, each line at its place and all of the screen written over; a scroll
 * beyond the end is brought back. 0, -EMSGSIZE or -ENOMEM. */
int monit_screen_draw(const struct monit_data *d, struct monit_view *v, struct buf *out);
