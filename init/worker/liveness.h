/* What worker.h has of pings and health checks is in liveness.c; and: */
#pragma once

#include "init/worker/worker.h"

/* The event loop has answered the ping. */
void liveness_ponged(struct worker *w);
