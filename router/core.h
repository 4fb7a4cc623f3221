/* What the parts of the router share. Included by router/ only. */
#pragma once

#include <netinet/in.h>
#include <uv.h>

#include "base/buf.h"
#include "ipc/control.h"
#include "ipc/scoreboard.h"
#include "router/deadline.h"
#include "router/http.h"
#include "router/poller.h"
#include "router/router.h"
#include "router/sock.h"
#include "router/workers.h"

struct client;
struct listener;
struct sessions;

enum {
	IO_SIZE = 64 << 10, /* one read or write of a body */
	REPORT_MAX = SOCK_OUT_MAX - 1024,
	LINGER_MS = 2000,
	REPEEK_MS = 5,
	ACCEPT_PAUSE_MS = 100,
	SESSION_IDLE_MS = 60000, /* for sessions whose handshake did not say */
};

struct router {
	uv_loop_t loop;
	struct poller poller;
	const struct router_conf *conf;
	struct control link;
	struct sessions *sessions;
	unsigned index; /* among the routers */
	struct scoreboard *shared;
	struct scoreboard_router *board; /* our part of it */
	struct workers workers;
	enum phase phase;
	struct listener *listeners;
	uv_timer_t accept_pause;
	struct client *clients;
	uint32_t n_clients;
	/* a private listener: both ends of the loopback pairs to the workers are ours */
	int pair_listener;
	struct sockaddr_in pair_addr;
	uint64_t last_token;
	struct deadline_list header, keepalive, body, linger, repeek;
	/* scratch, valid within one callback */
	struct http_head head;
	struct buf out, report;
	char io[IO_SIZE];
};

/* Clients at all routers; at the others, when they last went to sleep. */
static inline uint64_t router_all_clients(const struct router *r)
{
	return r->n_clients +
	       scoreboard_total(r->shared, offsetof(struct scoreboard_router, clients)) -
	       counter_get(&r->board->clients);
}

/* What the scoreboard says from now on is true. */
void router_publish(struct router *r);

static inline uint64_t router_now(struct router *r)
{
	return uv_now(&r->loop);
}
