/* Polls that wait. A long poll is two connections of the router's, the client's and the one to the
 * worker; were they closed with a router that is killed, Engine.IO would end the session on both
 * sides. So the router lends init a copy of both when a poll has waited for a moment, and a router
 * that follows it is given them and waits on. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ipc/control.h"

struct init;
struct router_process;
struct parked_poll;

struct parked {
	struct parked_poll *by_key;
	unsigned n, max;
};

/* At most as many as take a quarter of the descriptors that we may have. */
void parked_init(struct init *in);

/* CONTROL_PARK: one of the two, @fd consumed. */
void parked_take(struct init *in, unsigned router, const struct control_msg *m, int fd);
/* CONTROL_UNPARK: the poll is answered, or over. */
void parked_drop(struct init *in, unsigned router, uint64_t token);
/* Tells the router, by CONTROL_ADOPT; @fd is consumed. False: it is gone. */
typedef bool parked_give_fn(struct router_process *r, const struct control_msg *m, int fd);
/* Gives a new router, that of the number @router, what the one before it had. */
void parked_give(struct init *in, unsigned router, struct router_process *r, parked_give_fn *give);
