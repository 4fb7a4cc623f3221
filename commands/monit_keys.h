/* What keys do to the view. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "commands/monit_screen.h"

/* Of a sequence that has begun: ESC [ 5 ~ and the like. All zero at first. */
struct monit_keys {
	char sequence[8];
	size_t n;
};

/* Takes one byte that was typed; what is no key of ours is passed over. False: it is the one that
 * leaves. */
bool monit_keys_press(struct monit_keys *k, char byte, struct monit_view *v);
