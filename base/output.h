/* Lines to a descriptor that others hold, too, such as stderr: whole lines in order, and never
 * waiting for a reader. What it does not take now is queued, at most OUTPUT_QUEUE_MAX bytes; then
 * lines are left out and counted. What fails (a closed pipe) is ignored. errno is preserved.
 *
 * The flags of the open file description are shared with the workers and the shell, so O_NONBLOCK
 * is set on a description of our own where there can be one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"

enum { OUTPUT_QUEUE_MAX = 1 << 20 };

struct output {
	int fd; /* a description of our own, or the one given */
	bool owns_fd;
	ssize_t (*write_some)(int fd, const void *bytes, size_t n);
	struct buf queue;
	unsigned left_out; /* lines, since output_take_left_out() */
};

/* Borrows @fd for as long as @o is used. Never fails. */
void output_open(struct output *o, int fd);
void output_close(struct output *o);

/* @line ends with '\n'. False: it was left out. */
bool output_line(struct output *o, struct str line);

/* Writes what is queued, as far as it is taken; what is left, in bytes. */
size_t output_flush(struct output *o);
/* The same, waiting at most @ms. */
void output_flush_within(struct output *o, int ms);

/* How many lines were left out since it was last asked. */
unsigned output_take_left_out(struct output *o);
