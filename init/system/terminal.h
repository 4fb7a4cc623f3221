/* The terminal that sioinit was started at, if it was started in its foreground.
 *
 * A single worker gets it: its process group becomes the foreground, so a shell or a REPL works,
 * and Ctrl-C and Ctrl-Z are its own. Such a worker ends sioinit with it when it ends before it was
 * ready to serve, by Ctrl-C, or cleanly. When it stops (Ctrl-Z), sioinit stops, too, so that the
 * shell has its prompt back; `fg` continues both. Several workers have /dev/null as stdin, and
 * Ctrl-C and Ctrl-Z are sioinit's. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <termios.h>

struct terminal {
	int fd;       /* borrowed; -1: none */
	pid_t holder; /* the worker that is in the foreground, 0: none */
	struct termios settings;
};

/* @fd is borrowed for good. */
void terminal_init(struct terminal *t, int fd);

/* The terminal for a worker that is to start as the only one of @n_workers, to be given to spawn(),
 * or -1. */
int terminal_for_worker(const struct terminal *t, unsigned n_workers);
/* It has started with it; @pid < 0: it could not start. */
void terminal_taken(struct terminal *t, pid_t pid);

/* The child @pid is gone: if it was the holder, the terminal is ours again. False: it was not. */
bool terminal_holder_ended(struct terminal *t, pid_t pid);
/* Whether a holder that ended with the wait status @status was ended by the user: by Ctrl-C,
 * cleanly, or by closing the window. */
bool terminal_is_users_end(const struct terminal *t, int status);
/* The worker @pid takes over from one that had it. */
void terminal_pass_on(struct terminal *t, pid_t pid, unsigned n_workers);

/* The child @pid was stopped by @sig. True: it is the holder, and that was job control's doing; it
 * goes on already, or will together with us. */
bool terminal_holder_stopped(struct terminal *t, pid_t pid, int sig);
/* SIGTSTP for sioinit itself: stops until SIGCONT, not at all where the kernel does not let us. */
void terminal_stop_job(void);
/* SIGCONT: the holder is in the foreground again if we were put there. */
void terminal_continued(const struct terminal *t);

/* The user has closed the window. */
bool terminal_is_gone(const struct terminal *t);

/* Makes the process group @group the foreground of @fd, wherever we are. */
void terminal_set_foreground(int fd, pid_t group);
