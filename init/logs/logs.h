/* What the workers write to stdout and stderr.
 *
 * With worker-logs=prefix and json each worker has a pipe for each. With raw it has sioinit's own
 * descriptors, but a pipe for stderr, so that its last words are known: what comes out of it is
 * passed on byte for byte. Where stderr is a terminal, which a worker may ask for its size, or the
 * same file as stdout, where the order of both would be lost, raw has no pipe at all.
 * Where files are wanted, dates before the lines, or none of either (off), raw has pipes for both.
 * A reader of ours that is slow makes the workers wait; one that
 * takes nothing for STUCK_MS does not: then lines are left out beyond OUTPUT_QUEUE_MAX, and
 * counted. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "base/output.h"
#include "init/logs/log_followers.h"
#include "init/logs/log_tail.h"
#include "settings/config.h"

struct credentials;
struct log_stream;

struct log_sink {
	struct logs *logs; /* NULL: not used */
	const char *name;
	struct output own, *output;
	int epoll_fd; /* readable when @output takes more; -1: it always does */
	uv_poll_t poll;
	uv_timer_t stuck_timer;
	bool waits, stuck, congested;
};

struct logs {
	uv_loop_t *loop;
	enum config_worker_logs format;
	const struct config *config;
	const struct credentials *credentials; /* whom the writer of files runs as */
	struct log_sink out, err;
	struct log_sink files;
	pid_t writer; /* of files, 0: there is none */
	uv_timer_t next_writer;
	struct log_stream *streams; /* all that are open */
	struct log_stream *ended;   /* of workers whose end is not told yet */
	bool takes_stdout, takes_stderr;
	struct log_followers followers;
	char last_words[LOG_TAIL_MAX];
	uv_prepare_t turn;
};

/* Everything is borrowed for good. Leaves the process when a file cannot be written (log-out, ...).
 * @own_lines is log_open()'s; from now on the loop writes what is queued there, too. */
void logs_init(struct logs *l, uv_loop_t *loop, const struct config *c,
	       const struct credentials *credentials, struct output *own_lines);

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
 * it is read until they end. Returns the last lines of its stderr (log_tail_text()), borrowed until
 * the next call; empty where there are none. */
struct str logs_worker_ended(struct logs *l, pid_t pid);

/* Whether the workers' stderr is known. */
bool logs_keep_stderr(const struct logs *l);

/* Whether that of stdout is. */
bool logs_have_stdout(const struct logs *l);

/* Appends what is kept of those that are chosen, for a follower (log_followers.h): of each the last
 * lines of stderr, at most @lines, as far as a follower's queue has room for them. 0, -EMSGSIZE or
 * -ENOMEM. */
int logs_kept(struct logs *l, const struct log_choice *choice, size_t lines, struct buf *out);

/* The files have been moved away. */
void logs_reopen_files(struct logs *l);
/* A child has ended. False: it does not write files. */
bool logs_writer_ended(struct logs *l, pid_t pid);
/* Of those files, before all children are killed: what is left is written within a second. */
void logs_finish_files(struct logs *l);

/* The end: takes what is left and waits for a reader that is slow, at most a second each. */
void logs_finish(struct logs *l);
