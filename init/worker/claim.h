/* A worker whose app asks for the channel (claim_script.h): it has none until then, and again when
 * the process that had it has ended while what we have started lives on. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct worker;

/* How long a worker that has served waits for its app to be started again, as by a watcher, before
 * it is replaced. */
enum { CLAIM_AGAIN_MS = 10000 };

/* Nobody has its channel, and it is not on its way out. */
bool worker_is_claimable(const struct worker *w);

/* The process @pid has asked by the non-blocking connection @fd, consumed; it is told so. */
void worker_claimed(struct worker *w, int fd, pid_t pid);

/* Its channel has ended. */
void worker_unclaimed(struct worker *w);

/* Whether the worker, which has ended with @code, most likely did not understand NODE_OPTIONS: then
 * it is said once, and the next ones are to inherit their channels instead. */
bool worker_refused_claim(const struct worker *w, int code);
