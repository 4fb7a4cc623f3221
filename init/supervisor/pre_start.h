/* The command that runs once before the workers (pre-start), such as a database migration. It has
 * their user, their environment but for what is a worker's own, and sioinit's stdout and stderr.
 *
 *	0 → the workers start       anything else → sioinit ends with it, 128 + n for a signal
 *
 * A signal that stops sioinit goes to the command instead, sioinit then exits with its code, even
 * 0; SIGKILL follows at stop-timeout. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

struct init;

struct pre_start {
	pid_t pid; /* 0: does not run */
	bool stopped;
	uv_timer_t kill_timer;
	void (*on_done)(struct init *in);
};

/* @on_done follows when the command has succeeded; at once when there is none. Leaves the process
 * when it cannot be started. */
void pre_start_run(struct init *in, void (*on_done)(struct init *in));

/* A child has ended. False: it was another. */
bool pre_start_ended(struct init *in, pid_t pid, int status);

/* A signal that sioinit got. False: it is not for the command. True: TERM, INT and QUIT went to it;
 * what would change the workers does nothing yet. */
bool pre_start_signal(struct init *in, int sig);
