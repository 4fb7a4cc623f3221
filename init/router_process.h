/* The router as init sees it: a process that is replaced at once when it ends and is then told
 * everything again, and the channel to it. */
#pragma once

#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "ipc/control.h"

struct init;
struct place;
struct worker;

struct router_process {
	pid_t pid;               /* 0: none */
	struct control *channel; /* NULL: none; what is said then is said again later */
	char *name;              /* argv[0], borrowed */
	uint64_t started_ms;
	uv_timer_t retry;
};

/* @name is main's argv[0], borrowed. */
void router_init(struct init *in, char *name);
void router_start(struct init *in);

/* The process has ended; another is started unless nobody needs it any more. */
void router_ended(struct init *in, int status);

/* Telling. @fd is consumed, -1 for none. */
void router_tell(struct init *in, const struct control_msg *m, int fd);
void router_tell_worker(struct init *in, const struct worker *w);
void router_tell_phase(struct init *in);
/* The router accepts at @pl from now on; @http: requests for the app's first server. */
void router_tell_place(struct init *in, struct place *pl, bool http);
