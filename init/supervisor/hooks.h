/* Commands that /bin/sh runs beside everything else when a worker has become ready (on-ready) or
 * has ended (on-end). They have the workers' user, their environment but for what is a worker's
 * own, sioinit's stdout and stderr, and about the event:
 *
 *	SIOINIT_EVENT      ready or end
 *	SIOINIT_SLOT, SIOINIT_PID, SIOINIT_UPTIME (seconds)
 *	SIOINIT_EXIT_CODE  end: 0 to 255; empty when a signal ended it
 *	SIOINIT_SIGNAL     end: such as KILL; else empty
 *	SIOINIT_READY, SIOINIT_WORKERS  how many workers are ready, and wanted
 *
 * Nothing waits for them. At most HOOKS_MAX run at a time and HOOKS_QUEUED wait; events beyond are
 * left out, and counted in the log. One that takes longer than HOOK_LIMIT_MS is killed; at the end
 * of sioinit all have HOOK_GRACE_MS. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

struct config;
struct credentials;

enum { HOOKS_MAX = 4, HOOKS_QUEUED = 32, HOOK_LIMIT_MS = 30000, HOOK_GRACE_MS = 5000 };

struct hook_event {
	enum { HOOK_READY, HOOK_END } kind;
	uint32_t slot;
	pid_t pid;
	uint64_t uptime_ms;
	int status; /* of wait(2), HOOK_END */
	unsigned ready, wanted;
};

struct hooks {
	const struct config *config;
	const struct credentials *as;
	void (*on_done)(void *ctx);
	void *ctx;
	struct hook_event queue[HOOKS_QUEUED]; /* a ring */
	unsigned first, n_queued, left_out;
	struct hook_run {
		pid_t pid; /* 0: free */
		uint64_t kill_at_ms;
	} runs[HOOKS_MAX];
	uv_timer_t timer; /* starts what is queued, kills what takes too long */
	bool finishing, shell_missing;
	uint64_t finish_at_ms; /* when .finishing */
};

/* @on_done: see hooks_finish(). Until this is called, and where no command is set, all else does
 * nothing. */
void hooks_init(struct hooks *h, uv_loop_t *loop, const struct config *c,
		const struct credentials *as, void (*on_done)(void *ctx), void *ctx);

/* Runs the event's command in the next turn of the loop or later. Allocates nothing. */
void hooks_add(struct hooks *h, const struct hook_event *e);

/* A child has ended. False: it was none of these. */
bool hooks_ended(struct hooks *h, pid_t pid, int status);

/* sioinit is about to end. True: nothing runs. False: on_done() follows when nothing does any more,
 * after HOOK_GRACE_MS at the latest. */
bool hooks_finish(struct hooks *h);

/* After hooks_finish(): it waits no longer. */
void hooks_hurry(struct hooks *h);
