/* How the last workers ended, and what they had last written to stderr. */
#pragma once

#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "base/str.h"
#include "init/logs/log_tail.h"

struct buf;

enum { EXIT_HISTORY_MAX = 32, EXIT_LINE_MAX = 192 };

struct exit_record {
	pid_t pid;                /* of a worker, else 0 */
	char line[EXIT_LINE_MAX]; /* its time and what the log says of it */
	char last_words[LOG_TAIL_MAX];
	size_t n_last_words;
};

struct exit_history {
	struct exit_record *records; /* a ring; NULL: nothing is kept */
	unsigned n;                  /* records ever */
};

/* Makes room for all records, so that nothing is allocated later. 0 or -ENOMEM. */
int exit_history_init(struct exit_history *h);
void exit_history_free(struct exit_history *h);

/* @last_words beyond LOG_TAIL_MAX bytes are cut off. Both are copied. @pid: 0 of what is no worker.
 */
void exit_history_add(struct exit_history *h, time_t now, pid_t pid, const char *line,
		      struct str last_words);

/* The last record of that worker, or NULL; until the next is added. */
const struct exit_record *exit_history_of(const struct exit_history *h, pid_t pid);

/* The last one, or NULL; until the next is added. */
const struct exit_record *exit_history_last(const struct exit_history *h);

/* All, oldest first, with the lines of stderr indented below. 0, -EMSGSIZE or -ENOMEM. */
int exit_history_write(const struct exit_history *h, struct buf *out);
