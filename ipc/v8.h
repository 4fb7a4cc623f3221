/* Values in V8's serialization format, as Node's "advanced" IPC mode writes them (v8
 * src/objects/value-serializer.cc, node lib/internal/child_process/serialization.js). Reading only:
 * finding and skipping. Any bytes are safe: lengths are checked, nothing is allocated, nothing
 * recurses. What Node reads is read, up to VALUE_DEPTH_MAX; Node is stricter in what it does not
 * write itself: counts of members, duplicate keys, back references, the contents of dates, regular
 * expressions and views. */
#pragma once

#include <stddef.h>

#include "ipc/value.h"

/* As wire_skim() and wire_skim_object(), for a payload that starts with its header (FF and a
 * version). */
int v8_skim(struct str payload, const char *const *keys, size_t n, struct value *out,
	    struct value *ret_root);
int v8_skim_object(struct str raw, const char *const *keys, size_t n, struct value *out);
