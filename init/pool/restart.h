/* What happens when a worker has ended: start another, when, or give up. Every end is judged here:
 * by exit code or signal, a program that cannot be executed, a worker that has left its cluster, a
 * replacement that failed. Pure: time and chance are arguments. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "settings/config.h"

/* Of one slot. */
struct restart {
	unsigned short_lives;         /* ends in a row before min-uptime, or before it was ready */
	unsigned failed_replacements; /* in a row, while the worker before them served on */
};

/* Of all slots together: the ends within start-limit's time. */
struct start_limit {
	uint64_t begun_ms;
	uint64_t n_ends; /* since then */
};

enum { RESTART_CODE_UNKNOWN = -1 };

struct restart_end {
	int code; /* as a shell says it: the exit code or 128 + signal; RESTART_CODE_UNKNOWN: it
		     has left, and lives on for a while */
	uint64_t now_ms, uptime_ms;
	unsigned n_workers; /* that there are to be */
	bool missed;        /* it had a time to get ready in, and has not been */
	bool was_ready;     /* any worker of this sioinit has been ready */
	uint32_t random;    /* any 32 bits, for the jitter */
};

enum restart_verdict {
	RESTART_AFTER,   /* another after *ret_delay_ms */
	RESTART_NOT,     /* it is done: its exit code says so, or restart=once */
	RESTART_GIVE_UP, /* sioinit ends with the code */
};

/* The worker of a slot has ended, or left. *ret_why, a static text, says why another is not
 * started. */
enum restart_verdict restart_judge(struct restart *r, struct start_limit *l, const struct config *c,
				   const struct restart_end *end, uint64_t *ret_delay_ms,
				   const char **ret_why);

/* A replacement has failed while the worker before it serves on: after how long there may be
 * another that nobody has asked for. */
uint64_t restart_replacement_failed(struct restart *r, const struct config *c, uint32_t random);

/* A replacement has taken over. */
void restart_replaced(struct restart *r);

/* The delay before try @n, 1 for the first: grows by @c's restart-backoff from restart-delay to 15
 * s, +-20 % by @random; where it does not grow it is restart-delay. */
uint64_t restart_backoff_ms(const struct config *c, unsigned n, uint32_t random);
