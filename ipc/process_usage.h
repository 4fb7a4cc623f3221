/* What a process uses, from /proc. */
#pragma once

#include <stdint.h>

struct process_usage {
	uint64_t rss_bytes;
	uint64_t virtual_bytes;
	double cpu_s; /* user and system */
};

/* All zero when there is no such process, or @pid is 0. */
void process_usage_read(uint64_t pid, struct process_usage *ret);

/* How many files it has open, or -1: we may not know. */
long process_fds(uint64_t pid);
