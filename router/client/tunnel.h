/* A pump between two sockets, for a client's connection after it has changed protocols (a
 * WebSocket): what comes from one side goes to the other, with back-pressure and half-closes both
 * ways. A side that is not read, as the other one takes nothing, still hears its end. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pipe;
struct sock;

enum tunnel_end { TUNNEL_CLIENT, TUNNEL_WORKER, TUNNEL_ENDS };

struct tunnel {
	struct sock *side[TUNNEL_ENDS]; /* borrowed */
	bool ended[TUNNEL_ENDS];        /* all of it is read, and passed on or waiting to be */
	bool leaving[TUNNEL_ENDS];      /* its end is heard; there may be more to read */
};

/* What a piece goes through; borrowed for the call. */
struct tunnel_means {
	struct pipe *pipe;
	char *io;
	size_t io_size;
	uint64_t now_ms;
};

/* @events on one of its sockets. 0, or -errno of either: the tunnel is cut. */
int tunnel_on_event(struct tunnel *t, enum tunnel_end at, int events, const struct tunnel_means *m);

/* Passes on ends and waits for what can come next. 0: it goes on, 1: both sides have ended and
 * everything is sent, -errno: it is cut. */
int tunnel_rearm(struct tunnel *t);

/* One of the two has ended or is about to. */
bool tunnel_is_half_closed(const struct tunnel *t);
