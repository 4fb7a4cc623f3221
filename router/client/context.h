/* What the files of this folder share: the clients and what they may use. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "router/backend/context.h"
#include "router/client/access_log.h"
#include "router/client/deadlines.h"
#include "router/client/limits.h"
#include "router/client/notices.h"
#include "router/client/span.h"
#include "router/http/head.h"
#include "router/net/deadline.h"
#include "router/net/sock.h"
#include "router/net/splice_pipe.h"

struct client;

enum {
	IO_SIZE = SOCK_READ_MAX,      /* the most of one read */
	SESSION_IDLE_DEFAULT = 60000, /* ms, for sessions whose handshake did not say */
	SESSION_SLACK_MS = 15000,     /* what a session is kept longer than it is heard of */
	RECENTS = 1024,
};

/* The admin endpoints, which lie above. */
struct admin_ops {
	/* A request on the admin address: ends in client_finish_with(), at once or, after
	 * client_wait(), later, or goes on with client_event(). */
	void (*on_request)(void *ctx, struct client *c, const struct http_head *head);
	/* A client that waited, or that events went to, is gone. */
	void (*on_left)(void *ctx, const struct client *c);
};

/* Which worker had the last connection of an address; see whole.c. */
struct recent {
	uint64_t key; /* of the address and the listener */
	uint32_t worker;
	uint64_t until_ms;
};

struct frontend {
	struct backend *backend;
	const struct admin_ops *admin_ops;
	void *admin; /* its context */
	enum phase phase;
	struct client *clients;
	uint32_t n_clients, n_viewers;      /* the latter among them: events go to these */
	uint32_t max_clients, max_accepted; /* served; with those that are being turned away */
	struct visitors visitors;
	struct access_log access_log;
	struct spans spans;
	struct pipe pipe; /* for tunnels */
	struct deadline_list deadlines[N_DEADLINES];
	uv_timer_t wake;             /* of those in CLIENT_UPGRADE, at the end of this turn */
	uint64_t id_prefix, last_id; /* of requests that we name */
	struct notices notices;
	struct recent recents[RECENTS]; /* by hash; one that is hit by another is forgotten */
	int adopted; /* the client's side of a poll whose other side init sends next, or -1 */
	/* scratch, valid within one callback */
	struct http_head head;
	struct buf out;
	char io[CHUNKS_BEFORE + IO_SIZE + CHUNKS_AFTER]; /* bodies are read behind CHUNKS_BEFORE */
};

static inline const struct router_conf *frontend_conf(const struct frontend *f)
{
	return f->backend->conf;
}

static inline uint64_t frontend_now(const struct frontend *f)
{
	return backend_now(f->backend);
}
