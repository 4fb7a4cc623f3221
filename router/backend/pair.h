/* Connections to workers as bare descriptors: pairs (loopback TCP or unix) whose far end is handed
 * to the worker like a client's socket, so that no app needs a port; or a connect() for workers
 * that listen by themselves. All descriptors are non-blocking and owned by the caller. */
#pragma once

#include <stdint.h>

#include "ipc/control.h"

struct backend;
struct ends;
struct worker;

/* The private listener behind the pairs of loopback TCP. 0 or -errno. */
int pair_listen(struct backend *b);

/* Our end of a new pair whose other end is on its way to @w as @kind with @token, or -errno. The
 * app sees @ends, NULL: loopback's; where that cannot be, their family becomes AF_UNSPEC. */
int pair_hand_over(const struct worker *w, enum handoff_kind kind, uint64_t token,
		   struct ends *ends);

/* A new connection to where @w listens by itself, perhaps not established yet, or -errno. */
int pair_dial(const struct worker *w);
