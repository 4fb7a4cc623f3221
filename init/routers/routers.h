/* The routers as init sees them: processes that are replaced at once when they end and are then
 * told everything again, and the channels to them. Each is told the same and can serve any client;
 * the first one alone answers health checks and probes workers. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "ipc/control.h"
#include "ipc/scoreboard.h"

struct init;
struct place;
struct worker;

struct router_process {
	struct init *init;
	unsigned index;
	pid_t pid;               /* 0: none */
	struct control *channel; /* NULL: none */
	bool up; /* it has asked for everything; what is said before, it is told then */
	uint64_t started_ms;
	uv_timer_t retry;
};

struct routers {
	struct router_process list[ROUTERS_MAX];
	unsigned n;
	char *name; /* argv[0], borrowed */
};

/* @n processes; @name is main's argv[0], borrowed. */
void routers_init(struct init *in, unsigned n, char *name);
void routers_start(struct init *in);

/* A process has ended; if it was a router's, another is started unless nobody needs it any more.
 * False: it was none. */
bool routers_ended(struct init *in, pid_t pid, int status);

/* Telling all. */
void routers_tell_worker(struct init *in, const struct worker *w);
void routers_tell_phase(struct init *in);
/* The file of the access log, which has changed. */
void routers_tell_access_log(struct init *in);
/* They accept at @pl from now on, or as what. */
void routers_tell_place(struct init *in, struct place *pl);
/* @w has opened or closed a server at @pl; with the first one they accept there, after the last
 * they do not any more. */
void routers_tell_server(struct init *in, const struct worker *w, struct place *pl, bool opened);

/* Telling one. A session that a worker has announced: their table is one. A socket that a worker
 * did not take, @fd consumed, goes to the router that gave it, or a client's to another one if that
 * is gone. */
void routers_tell_session(struct init *in, const struct control_msg *m);
void routers_hand_back(struct init *in, const struct control_msg *m, int fd);
/* @fd is -1 or consumed. A router that does not take it is killed; it may be gone afterwards. */
void router_send(struct router_process *r, const struct control_msg *m, int fd);
/* What was collected for the router of this number; @fd is consumed, -1: nothing. */
void routers_tell_app_metrics(struct init *in, unsigned router, const struct control_msg *m,
			      int fd);
