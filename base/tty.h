/* What may be done with a terminal that people read. */
#pragma once

#include <stdbool.h>

/* It is a terminal, and TERM says that lines may be rewritten (not dumb). */
bool tty_rewrites(int fd);

/* The same, for colours: none where NO_COLOR is set (https://no-color.org), in any case where
 * CLICOLOR_FORCE or FORCE_COLOR are, but for "0". */
bool tty_has_colours(int fd);

/* How wide it is; 80 where it does not say. */
unsigned tty_columns(int fd);

/* The SGR code of a worker's slot: neighbours differ. */
const char *tty_slot_colour(unsigned slot);
