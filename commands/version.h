/* `sioinit version`: which sioinit this is and what it is made of. */
#pragma once

#include <stddef.h>

/* @n == 0: one line, for --version. Else @words are "version" and perhaps "--json". The exit code.
 */
int version_run(char *const *words, size_t n);
