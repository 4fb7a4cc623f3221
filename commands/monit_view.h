/* What `sioinit monit` is to show, and on what. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

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
