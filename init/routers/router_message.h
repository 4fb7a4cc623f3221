/* What a router may say, judged before anything is done: it reads the network, so it may be in
 * somebody else's hands. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ipc/control.h"

/* Who speaks. */
struct router_standing {
	bool up;              /* it has said CONTROL_UP */
	bool first;           /* it probes workers and asks after their health */
	uint32_t last_worker; /* the highest id that a worker has had */
};

/* NULL: @m makes sense, and @fd (borrowed, -1 = none) is what belongs to it, or nothing where
 * m->fd_lost. Else what the router has done, as a predicate for the log: it is not to be trusted
 * any more. Workers that have ended may be named. */
const char *router_message_fault(const struct control_msg *m, int fd,
				 const struct router_standing *s);
