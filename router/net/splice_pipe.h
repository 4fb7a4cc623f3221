/* What large pieces go through from one socket to another without being copied (splice(2)). It is
 * empty whenever nobody is using it, so a router needs one, however many tunnels it has. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct pipe {
	int in, out; /* owned; -1: not made yet, or none to be had */
	uint64_t retry_ms;
};

#define PIPE_INIT ((struct pipe){ .in = -1, .out = -1 })

/* Makes the pipe where there is none. False: no descriptor is left for it (RLIMIT_NOFILE), or no
 * pages (fs.pipe-user-pages-soft); tried again a second later. */
bool pipe_open(struct pipe *p, uint64_t now_ms);

/* Idempotent; what is in it is lost. */
void pipe_close(struct pipe *p);
