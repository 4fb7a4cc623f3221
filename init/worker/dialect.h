/* How all workers are spoken to: the serialization of their channels. */
#pragma once

#include <stdbool.h>

#include "init/worker/command.h"
#include "ipc/value.h"
#include "settings/config.h"

struct dialect {
	enum serialization mode;
	bool bound_unread; /* see channel_bound_unread() */
	bool is_open;      /* the version of `node`, once known, may lift .bound_unread */
	const char *why;   /* a static text for the log */
};

/* What the first worker is told, without asking anybody. auto: json for Bun; advanced for all else,
 * which Node knows since 12.16. Until dialect_of_version() says that it need not be, the channel is
 * used as the versions that stall need it. */
struct dialect dialect_choose(const struct config *c, const struct command *cmd);

/* Whether the Node of this version text ("v20.18.1\n") stalls when a read of its channel ends
 * inside a length prefix; also when the text is none that we understand. Pure. */
bool dialect_stalls(const char *version);

/* The program whose version decides, for a dialect that .is_open. */
const char *dialect_program(const struct command *cmd);
