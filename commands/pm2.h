/* pm2's words about what runs already, and those that there is nothing to do for. */
#pragma once

#include <stddef.h>

struct config;

/* The exit code; 0 where there is nothing to do, 2 where something else does it: one line says so.
 */
int pm2_run(const struct config *c, char *const *words, size_t n);
