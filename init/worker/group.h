/* The process group of a worker: who of it gets the stop signal, and what is left of it when its
 * leader, the process that we have started, has ended.
 *
 *	led ──leader ended, while the worker stops──► stopping ──empty──► the worker ends
 *	 └────leader ended by itself──► orphaned ──empty, or killed at stop-timeout──► gone
 *
 * Nobody is killed because the leader has ended: a shell, npm or another wrapper is often gone
 * before the app that it has started (systemd.kill(5) knows the same question as KillMode=).
 *
 * kill(2) of a group is safe while the group exists: the kernel gives its number to no new process
 * as long as anybody is in the group (alloc_pid() takes no number that is in use as a process, a
 * group or a session). That it exists is looked at after every child that ended (orphans are our
 * children) and GROUP_LOOK_MS apart, since not all of them are; then its number is forgotten. */
#pragma once

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <uv.h>

struct worker;

enum { GROUP_LOOK_MS = 100 };

enum group_state { GROUP_LED, GROUP_STOPPING, GROUP_ORPHANED };

/* What the stop signal has done to the last worker that had it. */
enum heed { HEED_UNKNOWN, HEED_ACTS, HEED_DIES };

/* Of one worker, in it. */
struct group {
	struct group *prev, *next; /* of those without a leader */
	enum group_state state;
	bool is_told;        /* all of it have had the stop signal */
	int status;          /* of the leader */
	struct rusage usage; /* ditto */
	uint64_t kill_at_ms; /* of an orphaned one */
	int channel_fd;      /* ditto: keeps the other end of its channel open; owned, -1 = none */
};

/* Those of all workers without a leader. */
struct groups {
	uv_timer_t look;
	struct group *list;
	unsigned n_orphaned; /* and those that have left sockets, being closed */
	struct drain *held;  /* such sockets */
	enum heed heed;
	/* An orphaned one has ended; @forced: by SIGKILL at stop-timeout. */
	void (*on_orphan_ended)(void *ctx, bool forced);
	void *ctx;
};

void groups_init(struct groups *gs, uv_loop_t *loop,
		 void (*on_orphan_ended)(void *ctx, bool forced), void *ctx);
/* Children have been reaped: perhaps some groups are empty now. */
void groups_look(struct groups *gs);
/* @w has died, and its sockets are held: they are closed evenly over @ms, then @w is released. */
void groups_close_held(struct groups *gs, struct worker *w, uint32_t ms);
/* Those are closed at once. */
void groups_hurry(struct groups *gs);
/* SIGKILL for the orphaned ones at once. */
void groups_kill(struct groups *gs);

/* The stop signal, by stop-group, and SIGCONT, so that what is stopped can act on it. */
void worker_group_stop(struct worker *w);

/* Whether it, or a process below it, has a handler for the stop signal or blocks it; true also
 * where that cannot be read. Every Node has one: by default it ends the process. */
bool worker_group_takes_signal(const struct worker *w);

/* For worker_leader_ended(): whether @w, which is being stopped, has others in its group. Then they
 * have had the stop signal, unless @w still drains. Allocates nothing. */
bool worker_group_holds(struct worker *w, int status, const struct rusage *usage);

/* The worker has ended; before worker_close(). What is left of its group gets the stop signal, and
 * SIGKILL at stop-timeout. Allocates nothing. */
void worker_group_orphan(struct worker *w);

/* Whether a process with this text as its /proc/PID/status has a way of its own with @sig: a
 * handler, or blocked, as for sigwait(3) and signalfd(2). Pure. */
bool group_leader_takes(const char *status, int sig);
