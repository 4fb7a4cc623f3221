/* Paths of which it is known that the app takes WebSockets there: an upgrade was answered 101, or
 * an Engine.IO session was opened. Only these are handed over; where nobody listens for upgrades a
 * Node server takes the request for an ordinary one, and the connection with all that follows on it
 * would be out of the router's sight. What several routers learn each learns for itself. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum { UPGRADES_MAX = 64 };

/* Zero-initialised: none. When it is full the oldest is forgotten. */
struct upgrades {
	uint64_t path[UPGRADES_MAX]; /* hashes */
	unsigned n, next;
};

/* The hash of a request target's path; never 0. */
uint64_t upgrades_path(struct str target);

bool upgrades_has(const struct upgrades *u, uint64_t path);
void upgrades_learn(struct upgrades *u, uint64_t path);
