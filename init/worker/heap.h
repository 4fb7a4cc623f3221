/* How large the V8 heap of a worker may become (heap). Pure. */
#pragma once

#include <stdint.h>

#include "settings/config.h"

/* Megabytes for each of @workers in a container with @limit bytes of memory (0 = none): three
 * quarters of it are shared out, the rest is for buffers, code and sioinit. 0: Node decides. */
uint32_t heap_megabytes(const struct config *c, uint64_t limit, unsigned workers);

/* "NODE_OPTIONS=..." with the heap added to @now, the value there is or NULL: for free(3). NULL:
 * nothing to set, as @now says it already, or @megabytes is 0; or no memory. */
char *heap_node_options(const char *now, uint32_t megabytes);
