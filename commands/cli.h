/* The client's side of the admin socket: `sioinit status` and the like. */
#pragma once

#include "settings/config.h"

/* Sends @words (@n of them) to the instance that runs here and prints its answer. Blocking; `status
 * --watch` repeats until interrupted. The exit code: 0 done, 1 failed or nobody there, 2 misused.
 */
int cli_run(const struct config *c, char *const *words, size_t n);

/* Whether the instance that runs here has had to do without an admin address, since somebody else
 * listens there. False also where none is found, or does not answer us. */
bool cli_admin_is_taken(const struct config *c);
