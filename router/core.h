/* What the parts of the router share. Included by router/ only. */
#pragma once

#include <netinet/in.h>
#include <uv.h>

#include "base/buf.h"
#include "ipc/control.h"
#include "ipc/scoreboard.h"
#include "router/admin/scrape.h"
#include "router/backend/workers.h"
#include "router/client/access_log.h"
#include "router/client/limits.h"
#include "router/client/notices.h"
#include "router/http/chunks.h"
#include "router/http/head.h"
#include "router/net/deadline.h"
#include "router/net/loop.h"
#include "router/net/sock.h"
#include "router/net/splice_pipe.h"
#include "router/router.h"

struct client;
struct listener;
struct sessions;

enum {
	IO_SIZE = SOCK_BITE_MAX, /* the most of one read */
	REPORT_MAX = SOCK_OUT_MAX - 1024,
	LINGER_MS = 2000,
	PARK_AFTER_MS = 200,
	ACCEPT_PAUSE_MS = 100,
	FDS_RESERVED = 32,       /* for ourselves and the admin address */
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
	uint32_t max_clients, max_accepted; /* served; with those that are being turned away */
	/* a private listener: both ends of the loopback pairs to the workers are ours */
	int pair_listener;
	struct sockaddr_in pair_addr;
	uint64_t last_token;
	struct visitors visitors;
	struct access_log access_log;
	struct scrape scrape;
	struct pipe pipe;            /* for tunnels */
	uint64_t id_prefix, last_id; /* of requests that we name */
	struct notices notices;
	bool out_of_resources; /* said once, until there is room again */
	struct deadline_list header, keepalive, body, linger, park;
	int adopted; /* the client's side of a poll whose other side init sends next, or -1 */
	/* scratch, valid within one callback */
	struct http_head head;
	struct buf out, report;
	char io[CHUNKS_BEFORE + IO_SIZE + CHUNKS_AFTER]; /* bodies are read behind CHUNKS_BEFORE */
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
