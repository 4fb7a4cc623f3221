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
	uint64_t key; /* visitor_key() */
	uint32_t n;
	uint32_t handed_over;    /* on their way to init, which has not counted them yet */
	struct tally_cell *cell; /* where the other routers see it, or NULL: there is no room */
	UT_hash_handle hh;
};

struct handed_over;

/* Zero-initialised, for a router that is alone. */
struct visitors {
	struct visitor *by_key;
	struct scoreboard *board; /* borrowed, or NULL: there is nobody else yet */
	bool shared;              /* there are other routers */
	unsigned router;
	struct handed_over *handed_over; /* in the order in which init gets them */
	uint64_t n_handed_over;          /* ever, by this router and those before it */
	bool told_rate;                  /* said once */
};

/* From now on those at the other routers of @board count, and ours for them, and so do WebSockets
 * that workers have (init/supervisor/websockets.h). */
void visitors_share(struct visitors *vs, struct scoreboard *board, unsigned router);

/* Forgets those that are on their way. */
void visitors_close(struct visitors *vs);

/* Whom @ip counts for; never 0. */
uint64_t visitor_key(const struct ip *ip);

/* One more of @ip, or NULL: there are @max already, or there is no memory. What several routers let
 * in at the same moment may exceed @max. */
struct visitor *visitor_enter(struct visitors *vs, const struct ip *ip, uint32_t max);

/* One more of @key, which had been let in before. NULL: @key is 0, or there is no memory. */
struct visitor *visitor_return(struct visitors *vs, uint64_t key);

/* Takes what visitor_enter() gave back; NULL is fine. *v becomes NULL. */
void visitor_leave(struct visitors *vs, struct visitor **v);

/* The same for a client that init has just been sent with a CONTROL_HANDOFF. It counts here until
 * init counts it. */
void visitor_hand_over(struct visitors *vs, struct visitor **v);

/* Whether @ip may begin a session, of which it may begin @rate a second (0: there is no limit) and
 * @burst (0: @rate) at once. Holds for all routers; an address that has not begun any for longer
 * than others may be forgotten for them, and then has a full bucket again. The first refusal is
 * said. */
bool visitor_may_begin(struct visitors *vs, const struct ip *ip, uint32_t rate, uint32_t burst,
		       uint64_t now_ms);

/* Takes one token from a bucket, full when @paid_ns is 0, that holds @burst (0: @rate) and is
 * filled with @rate a second (0: there is no limit). False: it is empty. Any process may. */
bool limits_take_token(counter *paid_ns, uint32_t rate, uint32_t burst, uint64_t now_ms);
