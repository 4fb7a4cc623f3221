/* Where a worker is known to take WebSockets: an upgrade there was answered 101, in this process.
 * Only these are handed over. A Node server with no listener for upgrades (one with Socket.IO by
 * polling alone, too: `transports: ["polling"]`) takes the request for an ordinary one, and the
 * connection with all that follows on it would be out of the router's sight. So nothing else counts
 * as proof, what one worker takes says nothing of the next, which may run newer code, and what
 * several routers learn each learns for itself. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct backend;
struct http_head;

enum { UPGRADES_MAX = 64 };

/* Zero-initialised: none. When it is full the oldest is forgotten. */
struct upgrades {
	uint64_t place[UPGRADES_MAX];
	unsigned n, next;
	uint64_t trying; /* where the first one has not been answered yet, 0: nowhere */
};

/* A hash of a request's Host and of its target's path, with b->seed: nobody outside can make a
 * path that passes for another. Never 0. */
uint64_t upgrades_place(const struct backend *b, const struct http_head *head);

bool upgrades_has(const struct upgrades *u, uint64_t place);
void upgrades_learn(struct upgrades *u, uint64_t place);
