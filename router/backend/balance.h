/* Who gets the next session: one function per method, over plain numbers. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum balance_method {
	BALANCE_LEAST_SESSIONS, /* least load; ties go round */
	BALANCE_LEAST_LAG,      /* least event-loop lag, in steps that double; then least load */
	BALANCE_TWO_CHOICES,    /* the less loaded of two random ones */
	BALANCE_ROUND_ROBIN,
	BALANCE_RANDOM,
	BALANCE_N_METHODS,
};

enum { BALANCE_FULL_SHARE = 1024 };

struct balance_candidate {
	uint32_t slot;
	uint32_t load;   /* sessions, requests in flight, open sockets */
	uint32_t lag_ms; /* of its event loop */
	uint32_t share;  /* 1 to BALANCE_FULL_SHARE: less while it is new */
};

struct balance {
	enum balance_method method;
	uint32_t last_slot; /* of the last choice */
	uint32_t (*random)(void);
};

/* The index of the chosen one of @n > 0. A candidate with half a share is chosen as if it had twice
 * its load, or, where load does not count, half as often. */
size_t balance_choose(struct balance *b, const struct balance_candidate *c, size_t n);

/* The share of a worker that became ready @age_ms ago: grows linearly over @slow_start_ms. */
uint32_t balance_share(uint64_t age_ms, uint32_t slow_start_ms);
