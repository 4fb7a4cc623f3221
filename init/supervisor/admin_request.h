/* What a client of the admin socket asks for. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ADMIN_REQUEST_MAX = 1024, ADMIN_WORDS_MAX = 8 };

enum admin_command {
	ADMIN_STATUS,
	ADMIN_RELOAD,
	ADMIN_SCALE,
	ADMIN_RESTART,
	ADMIN_SIGNAL,
	ADMIN_DRAIN,
	ADMIN_DEATHS,
	ADMIN_REBALANCE,
	ADMIN_N_COMMANDS,
};

struct admin_request {
	enum admin_command command;
	uint32_t number;   /* scale: 1 to POOL_MAX workers; restart, signal: a slot, perhaps none */
	const char *name;  /* restart: a sidecar instead, borrowed; or NULL */
	int sig;           /* signal: its number, not 0 */
	bool json;         /* status */
	bool off;          /* drain */
	const char *usage; /* of the command, for the client; static text */
};

/* Reads @n bytes of words, each of which ends with NUL; @bytes[n] is NUL, too. 0: *ret is set.
 * -EINVAL: it is misused, ret->usage says how it is used, or is NULL where there is no such
 * command. */
int admin_request_read(const char *bytes, size_t n, struct admin_request *ret);
