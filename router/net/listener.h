/* Listening sockets: from init, or from init on an app's behalf. Accepting is paused for a moment
 * when descriptors or memory run out, and stops for good when the router drains. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "router/net/sock.h"

struct router;

enum listener_role {
	ROLE_HTTP,  /* requests, routed */
	ROLE_RAW,   /* whole connections, to the server with the same id */
	ROLE_ADMIN, /* health, for the platform */
};

struct listener {
	struct sock sock;
	struct router *router;
	struct listener *prev, *next;
	enum listener_role role;
	uint32_t id;
	bool accepting;
};

/* Starts to accept on @fd (consumed always); @shared: so do other routers, of which one is woken
 * for each connection. 0 or -errno. */
int listener_add(struct router *r, enum listener_role role, uint32_t id, bool shared, int fd);

/* Stops accepting for ACCEPT_PAUSE_MS (out of descriptors), on @all listeners or on those of
 * clients. */
void listeners_pause(struct router *r, bool all);

/* Closes all but the admin ones; with @all these too. */
void listeners_close(struct router *r, bool all);
