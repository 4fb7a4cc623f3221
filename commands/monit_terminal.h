/* The terminal while `sioinit monit` has it: another screen, no cursor, keys at once and not shown.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

struct monit_terminal {
	struct termios before;
	bool taken;
};

/* Of stdin and stdout. 0 or -errno: nothing has changed. */
int monit_terminal_take(struct monit_terminal *t);
/* As it was. Does nothing where it is not taken. */
void monit_terminal_give_back(struct monit_terminal *t);

/* Its size now; 80 by 24 where it does not say. */
void monit_terminal_size(unsigned *ret_rows, unsigned *ret_cols);

/* One write(2), more only where the terminal takes less. False: it is gone. */
bool monit_terminal_write(const char *bytes, size_t n);
