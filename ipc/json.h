/* JSON values as Node's "json" IPC mode writes them, RFC 8259. Reading only: finding and skipping.
 * Any bytes are safe; nothing is allocated, nothing recurses. */
#pragma once

#include <stddef.h>

#include "ipc/value.h"

/* As wire_skim() and wire_skim_object(). Blanks around the text are fine. */
int json_skim(struct str text, const char *const *keys, size_t n, struct value *out,
	      struct value *ret_root);
int json_skim_object(struct str raw, const char *const *keys, size_t n, struct value *out);
