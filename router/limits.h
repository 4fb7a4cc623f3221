/* How much one client address, and all of them together, may ask for at a time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "base/ip.h"

/* One client address that is here: an IPv4 address, or an IPv6 network of 64 bits, as that is what
 * one household or host is given. */
struct visitor {
	struct ip key;
	uint32_t n;
	UT_hash_handle hh;
};

/* Zero-initialised. */
struct limits {
	struct visitor *visitors;
	bool filled; /* the bucket was filled once */
	uint64_t filled_at_ms;
	uint64_t millitokens;
};

/* One more of @ip, or NULL: there are @max already, or there is no memory. */
struct visitor *visitor_enter(struct limits *l, const struct ip *ip, uint32_t max);

/* Takes what visitor_enter() gave back; NULL is fine. *v becomes NULL. */
void visitor_leave(struct limits *l, struct visitor **v);

/* Takes one token from a bucket that holds @burst (0: @rate) and is filled with @rate a second (0:
 * there is no limit). False: it is empty. */
bool limits_take_token(struct limits *l, uint32_t rate, uint32_t burst, uint64_t now_ms);
