/* SIOINIT_ADMIN_TOKEN: who has it may act by HTTP and sees settings and last words. It is in the
 * memory of init alone. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "base/str.h"
#include "init/supervisor/file_reader.h"
#include "ipc/control.h"

struct config;

enum admin_verdict {
	ADMIN_NO_TOKEN,  /* none is set */
	ADMIN_UNKNOWN,   /* none was sent */
	ADMIN_WRONG,     /* another one was */
	ADMIN_IMPATIENT, /* there were ADMIN_WRONG_MAX of these within a second: not looked at */
	ADMIN_KNOWN,
};

enum { ADMIN_WRONG_MAX = 5, ADMIN_TOKEN_FILE_MAX = 1024 };

struct admin_token {
	char text[ADMIN_TOKEN_MAX + 1]; /* zeros behind it; all zeros: none is set */
	const char *path;               /* of the file that it is in, or NULL; borrowed */
	struct file_reader reader;
	bool again; /* to be read again, as the file may have changed since the reader began */
	uint64_t since_ms, said_ms;
	unsigned n_wrong, n_unsaid; /* since .since_ms; not in the log yet */
};

/* Takes it from @c or from its file, which may wait. Dies where that has none. */
void admin_token_init(struct admin_token *t, uv_loop_t *loop, const struct config *c);

/* Begins to read the file again. */
void admin_token_reload(struct admin_token *t);
/* A child has ended. False: not the reader of the file. */
bool admin_token_ended(struct admin_token *t, pid_t pid, int status);

/* Judges what somebody has sent at @now_ms (it rises); empty: nothing. Takes the same time for each
 * wrong one, which is counted and told in the log, once a minute at most. */
enum admin_verdict admin_token_judge(struct admin_token *t, struct str sent, uint64_t now_ms);
