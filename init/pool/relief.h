/* When the container's memory is nearly used up, its largest worker is replaced before the kernel
 * kills one (memory-pressure): without a gap where there is room for one more process, else the old
 * one ends first. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct pool;

struct relief {
	uint64_t relieved_ms;
	bool has_relieved;
};

/* From the monitor, at @now_ms of the loop's clock. */
void relief_look(struct relief *r, struct pool *p, uint64_t now_ms);
