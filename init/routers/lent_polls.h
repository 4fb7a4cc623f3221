/* Polls that wait. A long poll is two connections of the router's, the client's and the one to the
 * worker; were they closed with a router that is killed, Engine.IO would end the session on both
 * sides. So the router lends init a copy of both when a poll has waited for a moment, and a router
 * that follows it is given them and waits on. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ipc/control.h"

struct router_process;
struct lent_poll;
struct scoreboard;

struct lent_polls {
	struct lent_poll *by_key;
	unsigned n, max;
	struct scoreboard *board; /* borrowed */
};

/* At most as many as take a quarter of the descriptors that we may have. */
void lent_polls_init(struct lent_polls *lp, struct scoreboard *board);

/* CONTROL_PARK: one of the two, @fd consumed. */
void lent_polls_take(struct lent_polls *lp, unsigned router, const struct control_msg *m, int fd);
/* CONTROL_UNPARK: the poll is answered, or over. */
void lent_polls_drop(struct lent_polls *lp, unsigned router, uint64_t token);
/* Tells the router, by CONTROL_ADOPT; @fd is consumed. False: it is gone. */
typedef bool lent_polls_give_fn(struct router_process *r, const struct control_msg *m, int fd);
/* Gives a new router, that of the number @router, what the one before it had. */
void lent_polls_give(struct lent_polls *lp, unsigned router, struct router_process *r,
		     lent_polls_give_fn *give);
