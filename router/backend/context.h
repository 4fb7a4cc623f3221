/* What the files of this folder share: the workers and all that leads to them. */
#pragma once

#include <netinet/in.h>
#include <stdint.h>

#include "ipc/control.h"
#include "ipc/scoreboard.h"
#include "router/backend/balance.h"
#include "router/conf.h"
#include "router/net/loop.h"
#include "router/net/own_network.h"

struct sessions;
struct upstream_ops;
struct worker;

struct backend {
	struct loop *loop;
	const struct router_conf *conf;
	struct control *init; /* the channel */
	struct sessions *sessions;
	unsigned index; /* of this router among all */
	struct scoreboard *shared;
	struct scoreboard_router *board; /* our part of it */
	struct worker *workers;          /* by id */
	uint32_t n_ready;
	struct worker *news;   /* of whom the scoreboard is to be told: workers.h */
	uint32_t told_changes; /* of the sessions, see sessions_changes() */
	struct balance balance;
	const struct upstream_ops *upstream_ops;
	uint64_t last_token; /* of what was handed over */
	uint64_t seed;       /* of hashes of what clients send: random */
	/* a private listener: both ends of the loopback pairs to the workers are ours */
	int pair_listener;
	struct sockaddr_in pair_addr;
	struct own_network own_network; /* where pairs have the ends of clients' connections */
	int not_native;                 /* why there is none: -errno; 0: nobody wants one */
	bool said_not_native;           /* of a pair */
	uv_timer_t sample;              /* the next count of the workers' sockets: load.c */
	uint64_t sampled_ms;
	uv_timer_t idle_sweep; /* the next look at idle connections: upstream.c */
};

static inline uint64_t backend_now(const struct backend *b)
{
	return uv_now(b->loop->uv);
}
