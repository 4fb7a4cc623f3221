/* The only place that waits for children: ours, and every orphan that became ours. */
#pragma once

#include <sys/types.h>

/* Collects all children that have ended; @on_exit gets every pid with its wait status. Allocates nothing. */
void reap_all(void (*on_exit)(pid_t pid, int status, void *ctx), void *ctx);

/* True while any child is left. */
int reap_has_children(void);
