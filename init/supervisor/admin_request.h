/* What a client of the admin socket asks for. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipc/report.h"

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
	ADMIN_STOP,
	ADMIN_DESCRIBE,
	ADMIN_PID,
	ADMIN_ID,
	ADMIN_FOLLOW,  /* of `sioinit logs` */
	ADMIN_ADDRESS, /* of `sioinit health`: whether the admin address is ours */
	ADMIN_N_COMMANDS,
};

#define ADMIN_LOGS_USAGE                                                                           \
	"usage: sioinit logs [SLOT|NAME|all] [--lines N] [--no-follow], or sioinit logs --death"

struct admin_request {
	enum admin_command command;
	uint32_t number; /* scale: 1 to POOL_MAX workers; follow: lines that are kept */
	int sign;        /* scale: so many more or fewer; 0: so many */
	const char *targets[ADMIN_WORDS_MAX]; /* as admin_target_find() takes them; borrowed */
	size_t n_targets;
	int sig;               /* signal: its number, not 0 */
	bool json;             /* status */
	enum report_sort sort; /* status */
	bool once;             /* follow: what is kept, and no more */
	bool off;              /* drain */
	const char *usage;     /* of the command, for the client; static text */
};

/* Reads @n bytes of words, each of which ends with NUL; @bytes[n] is NUL, too. 0: *ret is set.
 * -EINVAL: it is misused, ret->usage says how it is used, or is NULL where there is no such
 * command. */
int admin_request_read(const char *bytes, size_t n, struct admin_request *ret);
