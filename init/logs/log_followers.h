/* Those who follow what workers write: `sioinit logs`. Each is a socket that gets lines. One that
 * is slow loses lines and is told how many; nobody waits for it.
 *
 * A line begins with one character: 1 what was written to stdout, 2 to stderr, or sioinit's own
 * word to the follower; 0 alone is the end. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "base/str.h"

enum { LOG_FOLLOWERS_MAX = 8, LOG_FOLLOWER_QUEUE_MAX = 256 << 10 };

/* Whose lines. */
struct log_choice {
	bool workers, sidecars; /* all of them, but for the two below */
	int slot;               /* only this one's; -1: of any */
	const char *sidecar;    /* only this one's, borrowed for good; NULL: of any */
};

/* Of the worker in @slot, or of @sidecar (NULL: none). Pure. */
bool log_choice_has(const struct log_choice *c, uint32_t slot, const char *sidecar);

struct log_follower;

struct log_followers {
	uv_loop_t *loop;
	struct log_follower *list;
	unsigned n;
};

void log_followers_init(struct log_followers *f, uv_loop_t *loop);

/* Owns @fd from now on, whatever comes of it. @first is what it gets before all else. 0, -EUSERS
 * (there are LOG_FOLLOWERS_MAX), -ENOMEM or another -errno. */
int log_followers_add(struct log_followers *f, int fd, const struct log_choice *choice,
		      struct str first);

/* @line ends with '\n'. It is sent by log_followers_flush(). */
void log_followers_put(struct log_followers *f, uint32_t slot, const char *sidecar, bool is_stderr,
		       struct str line);

/* Once in a turn of the loop. */
void log_followers_flush(struct log_followers *f);

/* The end of all: what a follower takes at once, it gets. */
void log_followers_end(struct log_followers *f);
