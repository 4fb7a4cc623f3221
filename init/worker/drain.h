/* Closing the client sockets of a worker one after another, so that its clients do not reconnect in
 * one storm. The sockets are the worker's; they are reached with pidfd_getfd(2), shut down, and the
 * worker and the client see an ordinary end of the connection.
 *
 * They can be held, too: copies of them keep the connections open should the worker die in the next
 * moment, so that they can be closed at a pace even then.
 *
 * Where the kernel refuses (Docker's default seccomp profile without CAP_SYS_PTRACE does) nothing
 * happens: the sockets end with the worker. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

struct drain {
	struct drain *prev, *next; /* its owner's */
	uv_timer_t timer;
	pid_t pid;
	int pidfd;
	const struct frontend *frontend;
	const struct endpoint *own; /* NULL: only those that came in by the frontend */
	int *fds;                   /* numbers in the worker, in random order */
	bool is_held;               /* they are copies, ours */
	size_t n, at, per_tick;
	void (*on_done)(struct drain *d);
};

void drain_init(struct drain *d, uv_loop_t *loop);

/* Closes the sockets of @pid that came in by @l, @most of them, evenly over at most @ms. @on_done
 * runs once, from the loop or before this returns, when all are closed or none can be reached. */
void drain_start(struct drain *d, pid_t pid, const struct frontend *l, size_t most, uint32_t ms,
		 void (*on_done)(struct drain *d));

/* Holds the sockets of @pid that came in by @l or @own, as many as a quarter of our open files, for
 * @ms. */
void drain_hold(struct drain *d, pid_t pid, const struct frontend *l, const struct endpoint *own,
		uint32_t ms);

/* Closes those that are held evenly over at most @ms. @on_done as above. */
void drain_held(struct drain *d, uint32_t ms, void (*on_done)(struct drain *d));

/* How many sockets of @pid came in by @l, as far as they can be reached. */
size_t drain_count(pid_t pid, const struct frontend *l);

/* Stops in the middle, and lets go of what is held; @on_done is not called any more. Idempotent. */
void drain_stop(struct drain *d);
