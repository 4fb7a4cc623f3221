/* What the commands of the admin socket do, those too that come by HTTP. */
#pragma once

#include <stdbool.h>

#include "init/logs/log_followers.h"

struct admin_request;
struct buf;
struct init;

/* Of the first three, the client's exit code. */
enum admin_outcome {
	ADMIN_DONE = 0,
	ADMIN_FAILED = 1, /* not now */
	ADMIN_MISUSED = 2,
	ADMIN_LATER = -1,   /* a reload has begun: admin_socket_reload_over() tells its end */
	ADMIN_FOLLOWS = -2, /* who has asked gets lines of workers from now on */
};

struct admin_errand {
	struct init *init;
	struct buf *answer; /* lines of text; borrowed */
	bool *waits;        /* set with ADMIN_LATER, before the reload, which may be over at once */
	struct log_choice choice; /* set with ADMIN_FOLLOWS: whose lines */
};

/* Does it and appends what there is to say. An enum admin_outcome. */
int admin_command_obey(struct admin_errand *e, const struct admin_request *rq);

/* For what admin_request_read() refuses. */
int admin_command_misused(struct admin_errand *e, const struct admin_request *rq);
