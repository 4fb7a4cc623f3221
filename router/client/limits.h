/* How much one client address, and all of them together, may ask for at a time. Both hold for all
 * routers together. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "base/ip.h"
#include "ipc/scoreboard.h"

/* One client address that is here: an IPv4 address, or an IPv6 network of 64 bits, as that is what
 * one household or host is given. */
struct visitor {
	uint64_t key;
	uint32_t n;
	struct tally_cell *cell; /* where the other routers see it, or NULL: there is no room */
	UT_hash_handle hh;
};

/* Zero-initialised, for a router that is alone. */
struct visitors {
	struct visitor *by_key;
	struct scoreboard *shared; /* borrowed, or NULL: there are no other routers */
	unsigned router;
};

/* From now on those at the other routers of @board count, and ours for them. */
void visitors_share(struct visitors *vs, struct scoreboard *board, unsigned router);

/* One more of @ip, or NULL: there are @max already, or there is no memory. What several routers let
 * in at the same moment may exceed @max. */
struct visitor *visitor_enter(struct visitors *vs, const struct ip *ip, uint32_t max);

/* Takes what visitor_enter() gave back; NULL is fine. *v becomes NULL. */
void visitor_leave(struct visitors *vs, struct visitor **v);

/* Takes one token from a bucket, full when @paid_ns is 0, that holds @burst (0: @rate) and is
 * filled with @rate a second (0: there is no limit). False: it is empty. Any process may. */
bool limits_take_token(counter *paid_ns, uint32_t rate, uint32_t burst, uint64_t now_ms);
