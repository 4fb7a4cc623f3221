/* What happens when a worker has ended: start another, when, or give up. Pure: time and chance are
 * arguments. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "settings/config.h"

/* Of one slot. */
struct restart {
	unsigned short_lives; /* ends in a row before min-uptime, or before it was ready */
};

struct restart_end {
	int code; /* as a shell says it: the exit code or 128 + signal */
	uint64_t uptime_ms;
	bool missed;     /* it had a time to get ready in, and has not been */
	bool was_ready;  /* any worker of this sioinit has been ready */
	uint32_t random; /* any 32 bits, for the jitter */
};

enum restart_verdict {
	RESTART_AFTER,   /* another after *ret_delay_ms */
	RESTART_NOT,     /* its exit code says that it is done */
	RESTART_GIVE_UP, /* sioinit ends with the code */
};

enum restart_verdict restart_judge(struct restart *r, const struct config *c,
				   const struct restart_end *end, uint64_t *ret_delay_ms);

/* The delay before try @n, 1 for the first: doubles from @c's restart-delay to 15 s, +-20 % by
 * @random. */
uint64_t restart_backoff_ms(const struct config *c, unsigned n, uint32_t random);
