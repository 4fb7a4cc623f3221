/* Who may have a worker's channel (init/worker/claim.h): a process below the one that we have
 * started for it, one at a time. Others who connect are closed without a word. */
#pragma once

#include <sys/types.h>
#include <uv.h>

struct pool;

enum { CLAIM_NAMES = 2 };

struct claims {
	struct pool *pool;
	struct {
		uv_poll_t poll;
		int fd;
	} listeners[CLAIM_NAMES];
};

/* Listens, for the life of the process. Where somebody else has a name, nobody asks there: then the
 * channel is inherited, or Node 18 reached by its port. */
void claims_open(struct claims *cs, struct pool *p);
