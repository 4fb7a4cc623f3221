/* What a router asks init for somebody at the admin address (CONTROL_ADMIN_ASK): whether the token
 * is known, settings, how workers ended, actions. Answered at once; ADMIN_ASKED_MAX a second are
 * looked at, since a router that is in somebody else's hands can ask without end. */
#pragma once

#include <stdint.h>

#include "ipc/control.h"

struct init;
struct router_process;

enum { ADMIN_ASKED_MAX = 50 };

struct admin_http {
	uint64_t since_ms;
	unsigned n_asked; /* since then */
};

/* @m is one that router_message_fault() lets pass; @r gets CONTROL_ADMIN_ANSWER. */
void admin_http_ask(struct init *in, struct router_process *r, const struct control_msg *m);
