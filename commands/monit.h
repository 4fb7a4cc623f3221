/* `sioinit monit`: the workers and what they do, on the whole screen, every second. */
#pragma once

#include <stddef.h>

#include "settings/config.h"

/* Until q, ^C or a signal; the terminal is as before then. @words are the command's @n. The exit
 * code: 0; 2: misused, no terminal, or one that can only print lines; 128 and the number of the
 * signal. */
int monit_run(const struct config *c, const char *const *words, size_t n);
