/* Between workers and routers: what a router says is done to a worker, what a worker tells is told
 * to the routers; each by a table. */
#pragma once

#include "init/pool/pool.h"
#include "init/routers/routers.h"

struct control_msg;
struct init;
struct place;

/* For pool_init() and routers_init(), whose owner is the struct init. */
extern const struct worker_ops switchboard_worker_ops;
extern const struct pool_ops switchboard_pool_ops;
extern const struct routers_ops switchboard_routers_ops;

/* The access log's file has changed. */
void switchboard_tell_access_log(struct init *in);
/* What was collected for the router of this number; @fd is consumed, -1: nothing. */
void switchboard_deliver_app_metrics(struct init *in, unsigned router, const struct control_msg *m,
				     int fd);
