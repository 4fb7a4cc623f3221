/* For development: a change in a watched folder replaces the workers, as a reload does. */
#pragma once

#include <uv.h>

struct init;
struct watched_folder;

struct file_watch {
	struct watched_folder *folders;
	unsigned n;
	uv_timer_t settle; /* editors write several files, and some of them twice */
};

/* Watches what SIOINIT_WATCH names, if anything. A folder that cannot be watched is logged. */
void file_watch_start(struct init *in);
/* Nothing is watched any more. Idempotent. */
void file_watch_stop(struct init *in);
