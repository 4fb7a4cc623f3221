/* The frame with which cluster-adapter 0.3.0 tells the other workers of io.emit("all", number,
 * payload), advanced serialization: byte for byte what a Node worker writes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct broadcast {
	struct buf frame; /* with its length prefix */
	size_t number_at;
	bool has_indices;
};

enum { BROADCAST_UID = 16 };

/* How member @pid calls itself in adapter frames. */
void broadcast_uid(int pid, char uid[static BROADCAST_UID + 1]);

/* @payload: "100" (bytes of text), "text" (one string of 10 KB), "json" (10 KB of small objects),
 * "binary" (a Buffer of 10 KB). @reencoded: as a Node primary passes it on, which writes the index
 * before each element of an array that it has read. Frees what @b held, which is zeros at first. 0,
 * or -EINVAL for any other @payload. */
int broadcast_build(struct broadcast *b, const char *payload, int sender, bool reencoded);

void broadcast_set_number(struct broadcast *b, uint32_t number);

/* Is this frame a broadcast, whatever it holds? */
bool broadcast_is(const char *frame, size_t len);
