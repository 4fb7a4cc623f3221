/* Processes beside the workers (SIOINIT_SIDECAR_NAME, an ecosystem file's other apps). No request
 * and no message goes to them; each has a group of its own, the workers' user, /dev/null as input,
 * and the environment without what is a worker's own. They are restarted by the pool's policy, but
 * readiness is nobody's to see, so only max-restarts and the like give one up.
 *
 *	WAITING ─► RUNNING ─► STOPPING ─► DONE
 *	   ▲          │           │
 *	   └──────────┴───────────┘ back-off; asked for
 *
 * At the end they stop after the workers, which may still need them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <uv.h>

#include "init/pool/restart.h"
#include "init/worker/command.h"
#include "ipc/scoreboard.h"
#include "settings/config.h"
#include "settings/cron.h"

struct credentials;
struct logs;
struct sidecars;

/* Called from sidecars_ended() and from timers. */
struct sidecars_ops {
	/* One has ended: a line for the log and the record of deaths. */
	void (*died)(void *ctx, const char *line);
	/* The policy says that sioinit ends, with @code. */
	void (*give_up)(void *ctx, int code);
	/* None lives any more after sidecars_close(). @forced: one had to be killed. */
	void (*over)(void *ctx, bool forced);
};

/* What they need; all of it borrowed for good. */
struct sidecars_context {
	uv_loop_t *loop;
	const struct config *config;
	const struct credentials *credentials;
	struct logs *logs;
	struct scoreboard *board;
	const struct sidecars_ops *ops;
	void *ctx; /* of ops */
};

struct sidecar {
	struct sidecars *all;
	const struct config_sidecar *what;
	const struct config *policy;
	struct command command;
	struct scoreboard_sidecar *row;
	enum sidecar_state state;
	pid_t pid;   /* 0: it has ended */
	pid_t group; /* 0: nothing is left of it */
	struct restart restart;
	struct cron_clock cron; /* of its own */
	uint64_t started_ms;
	bool again;       /* it is stopped to be started */
	bool killed;      /* its end is at hand */
	uv_timer_t timer; /* WAITING: its next start; STOPPING: SIGKILL */
};

struct sidecars {
	struct sidecars_context context;
	struct sidecar list[SIDECARS_MAX];
	unsigned n, n_workers;
	bool closed, forced;
	void (*one_less)(struct sidecars *s); /* one lives no more */
	uint64_t deadline_ms;                 /* of the loop, once closed */
	uv_timer_t latest; /* when they are told to stop, whatever the workers do */
};

/* Looks for all programs; leaves the process when there is one that cannot be run. */
void sidecars_init(struct sidecars *s, const struct sidecars_context *context);
/* @n_workers: how many there are at the start. */
void sidecars_start(struct sidecars *s, unsigned n_workers);

/* Stops the one of that name and starts it again. 0, -ENOENT, or -ESHUTDOWN: the end has begun. */
int sidecars_restart(struct sidecars *s, const char *name);

/* Those whose time has come (cron-restart of their own) are stopped and started, or started again.
 * @now is in seconds since 1970; to be called every second. */
void sidecars_look(struct sidecars *s, int64_t now);

/* A child has ended. False: it is none of them. To be asked about every child, since what one
 * leaves in its group while it stops may be the last of it. Allocates nothing. */
bool sidecars_ended(struct sidecars *s, pid_t pid, int status, const struct rusage *usage);

/* The end begins: none is started any more, and all are over in @within_ms. They run on until
 * sidecars_stop(), or until a tenth of that time is left. Called again it does nothing. */
void sidecars_close(struct sidecars *s, uint64_t within_ms);
/* After sidecars_close(): the stop signal now, or SIGKILL. ops->over() follows, at once when none
 * lives. */
void sidecars_stop(struct sidecars *s);
void sidecars_kill(struct sidecars *s);
bool sidecars_are_over(const struct sidecars *s);
