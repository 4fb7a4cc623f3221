/* What the workers write to stdout and stderr, when it is not theirs untouched (worker-logs).
 *
 * Each worker has a pipe for each. A reader of ours that is slow makes the workers wait; one that
 * takes nothing for STUCK_MS does not: then lines are left out beyond OUTPUT_QUEUE_MAX, and
 * counted. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "base/output.h"
#include "settings/config.h"

struct log_stream;

struct log_sink {
	struct logs *logs; /* NULL: not used */
	struct output own, *output;
	int epoll_fd; /* readable when @output takes more; -1: it always does */
	uv_poll_t poll;
	uv_timer_t stuck_timer;
	bool waits, stuck, congested;
};

struct logs {
	uv_loop_t *loop;
	enum config_worker_logs format;
	struct log_sink out, err;
	struct log_stream *streams; /* all that are open */
	uv_prepare_t turn;
};

/* @own_lines is log_open()'s; from now on the loop writes what is queued there, too. */
void logs_init(struct logs *l, uv_loop_t *loop, enum config_worker_logs format,
	       struct output *own_lines);

/* The pipes of a worker's start. */
struct log_pipes {
	int out, err;                  /* the worker's ends, owned; -1: it inherits ours */
	struct log_stream *streams[2]; /* ours */
};

/* 0 or -ENOMEM: then there is nothing to close. logs_started() must follow in the same turn of the
 * loop. */
int logs_open(struct logs *l, uint32_t slot, struct log_pipes *ret);
/* The same for a process beside the workers, whose @name is borrowed as long as it writes. */
int logs_open_sidecar(struct logs *l, const char *name, struct log_pipes *ret);
/* The worker has its ends, or there is none (@pid < 0): ours are closed. */
void logs_started(struct log_pipes *p, pid_t pid);

/* All that the worker has written is taken, an unfinished line too. If somebody else has its pipe,
 * it is read until they end. */
void logs_worker_ended(struct logs *l, pid_t pid);

/* The end: takes what is left and waits for a reader that is slow, at most a second each. */
void logs_finish(struct logs *l);
