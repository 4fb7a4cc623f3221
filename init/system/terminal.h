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

struct init;
struct worker;

struct terminal {
	int fd;       /* borrowed; -1: none */
	pid_t holder; /* the worker that is in the foreground, 0: none */
	struct termios settings;
};

/* @fd is borrowed for good. */
void terminal_init(struct terminal *t, int fd);

/* The terminal for a worker that is to start, to be given to spawn(), or -1. */
int terminal_for_worker(const struct init *in);
/* It has started with it; @pid < 0: it could not start. */
void terminal_taken(struct terminal *t, pid_t pid);

/* @w, which is gone, gives it back. True: so it was the user's wish that sioinit ends. */
bool terminal_worker_ended(struct init *in, const struct worker *w, int status);
/* @w takes over from a worker that had it. */
void terminal_pass_on(struct init *in, const struct worker *w);

/* The child @pid was stopped by @sig. True: it is the holder, and that was job control's doing; it
 * goes on already, or will together with us. */
bool terminal_holder_stopped(struct init *in, pid_t pid, int sig);
/* SIGTSTP and SIGCONT for sioinit itself: with the workers. False: there is no terminal. */
bool terminal_suspend(struct init *in);
bool terminal_continue(struct init *in);

/* The user has closed the window. */
bool terminal_is_gone(const struct terminal *t);

/* Makes the process group @group the foreground of @fd, wherever we are. */
void terminal_set_foreground(int fd, pid_t group);
