/* What all workers have in common, for the life of init. Set once, before the first
 * worker; but .wanted, .dialect.bound_unread, which may be lifted, and .reach.claimed, which Node
 * may be too old for. */
#pragma once

#include <uv.h>

#include "init/worker/command.h"
#include "init/worker/dialect.h"
#include "init/worker/reach.h"
#include "ipc/scoreboard.h"
#include "settings/config.h"

struct credentials;
struct frontend;
struct groups;
struct hub;
struct logs;
struct memory;
struct places;
struct terminal;

struct worker_context {
	uv_loop_t *loop;
	const struct config *config;
	const struct command *command;
	struct dialect dialect;
	struct reach reach;
	const struct credentials *credentials; /* whom they run as */
	const struct frontend *frontend;
	const struct memory *memory;
	struct places *places;
	struct groups *groups;
	struct hub *hub;
	struct logs *logs;
	struct terminal *terminal;
	struct scoreboard *board;
	unsigned claimed_from; /* the oldest Node that may ask for a channel (claim.h) */
	unsigned wanted;       /* how many there are to be; the pool's to change */
	unsigned at_start;     /* how many there were to be then */
};
