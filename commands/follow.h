/* `sioinit logs`: what the workers write, as it comes. */
#pragma once

#include <stddef.h>

#include "settings/config.h"

/* @words are the command's @n: logs [SLOT|NAME|all] [--lines N] [--no-follow]. First the last lines
 * that are kept: the ends of the files where there are such (SIOINIT_LOG_ALL, SIOINIT_LOG_OUT and
 * SIOINIT_LOG_ERR) and we can read them, else of stderr. stdout's lines go to stdout, stderr's to
 * stderr. The exit code: 0 sioinit has ended, or that was all; 1 it was lost, or has nothing to
 * follow; 2 misused. */
int follow_run(const struct config *c, const char *const *words, size_t n);
