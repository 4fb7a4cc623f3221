/* How requests reach the workers: decided once, before the first of them. */
#pragma once

#include <stdbool.h>

#include "init/worker/command.h"
#include "ipc/control.h"
#include "settings/config.h"

/* How requests will reach the workers. */
struct reach {
	enum worker_style style; /* UNKNOWN: by the first sign of life */
	bool channel;            /* each has an IPC channel, */
	bool claimed;            /* which is not inherited but asked for (claim.h) */
	bool cluster;            /* each is a node:cluster worker */
	bool port;               /* each gets a port of its own */
	bool pings;              /* an fd-less NODE_HANDLE is answered and harmless */
	const char *why;         /* a static text for the log */
};

/* By setting; else by the placeholders among the arguments ({port}, {socket}), else by runtime. */
struct reach command_reach(const struct config *c, const struct command *cmd);

/* Whether the program is known to read its channel when it has one. */
bool command_reads_channel(const struct command *cmd);
