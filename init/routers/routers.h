/* The routers as init sees them: processes that are replaced at once when they end, and the
 * channels to them. Each is told the same and can serve any client; the first one alone answers
 * health checks and probes workers. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "init/system/role.h"
#include "ipc/control.h"
#include "ipc/scoreboard.h"
#include "settings/config.h"

struct credentials;
struct router_process;

struct routers_ops {
	/* A message that makes sense from this router now; @fd is the callee's, or -1. CONTROL_UP:
	 * it is to be told everything. */
	void (*on_message)(struct router_process *r, const struct control_msg *m, int fd);
	/* The id of the last worker there has been: no message is about a later one. */
	uint32_t (*last_worker)(const struct router_process *r);
	/* It has ended, having said why the settings cannot be: no other one is started. */
	void (*on_misconfigured)(struct router_process *r);
};

struct router_process {
	struct routers *routers;
	unsigned index;
	pid_t pid;               /* 0: none */
	struct control *channel; /* NULL: none */
	bool up; /* it has asked for everything; what is said before, it is told then */
	uint64_t started_ms;
	uv_timer_t retry;
};

/* What is not filled in by the caller of routers_init() is ours. */
struct routers {
	unsigned n; /* the caller's, as are all down to .owner */
	struct role role;
	uv_loop_t *loop; /* borrowed, as what follows */
	const struct config *config;
	const struct credentials *credentials; /* whom they run as */
	struct scoreboard *board;
	const struct routers_ops *ops;
	void *owner;
	struct router_process list[ROUTERS_MAX];
	bool is_closed;
};

void routers_init(struct routers *rs);
void routers_start(struct routers *rs);
/* None is started any more. */
void routers_close(struct routers *rs);

/* A process has ended; if it was a router's, another is started unless they are closed. False: it
 * was none. */
bool routers_ended(struct routers *rs, pid_t pid, int status);

/* Telling: a router that is not up is told nothing, one that does not take it is killed. */
void routers_tell(struct routers *rs, const struct control_msg *m);
/* What they were told goes now, not at the end of the turn: for what others are told next. */
void routers_flush(struct routers *rs);
/* Any one that is up. */
void routers_tell_one(struct routers *rs, const struct control_msg *m);
void router_tell(struct router_process *r, const struct control_msg *m);
/* @fd stays the caller's. */
void router_lend(struct router_process *r, const struct control_msg *m, int fd);
/* Also one that is not up yet. @fd is -1 or consumed; the router may be gone afterwards. */
void router_send(struct router_process *r, const struct control_msg *m, int fd);

/* A socket that a worker did not take, @fd consumed, goes to the router that gave it (m->router),
 * or a client's to another one if that is gone. */
void routers_hand_back(struct routers *rs, const struct control_msg *m, int fd);
