/* What init writes into the scoreboard once a second, with the heartbeat: how the container's
 * memory is, whether all workers are ready, and a step of the history (ipc/history.h). */
#pragma once

#include <stdint.h>

struct init;

struct standing {
	unsigned beats;
};

/* Once, before any router runs: what does not change, and the begin of the history. */
void standing_init(struct init *in);
/* At @now_ms of the loop's clock. */
void standing_look(struct init *in, uint64_t now_ms);
