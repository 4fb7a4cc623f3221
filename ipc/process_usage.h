/* What a process uses, from /proc. */
#pragma once

#include <stdint.h>

struct process_usage {
	uint64_t rss_bytes;
	double cpu_s; /* user and system */
};

/* All zero when there is no such process, or @pid is 0. */
void process_usage_read(uint64_t pid, struct process_usage *ret);
