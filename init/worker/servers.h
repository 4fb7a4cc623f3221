/* What the app of one worker listens on: one entry for each of its servers, the newest first. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ipc/node.h"

struct place;
struct places;

enum { SERVER_HOST_MAX = 64 };

struct server {
	struct server *prev, *next;
	struct place *place;        /* NULL: at the public port, which is not the app's to open */
	char host[SERVER_HOST_MAX]; /* as asked, "" is any; of the public port only */
	int64_t port;               /* ditto */
	bool v6only;                /* ditto */
	bool v4only;                /* ditto: its clients have addresses of IPv4, not mapped ones */
	bool listening;             /* the worker knows that it may, and has said so */
	char key[NODE_KEY_MAX];
	struct wire_writer newconn; /* what its connections' messages begin with */
};

/* The server that the query @q asks for, at @pl or, if that is NULL, the public port, of a worker
 * whose channel speaks @mode. Its key follows from @q->seq. The list's memory, or NULL. */
struct server *servers_add(struct server **list, enum serialization mode, struct place *pl,
			   const struct node_msg *q);

/* Each NULL: there is none. */
struct server *servers_with_key(struct server *list, const char *key);
struct server *servers_at(struct server *list, const struct place *pl);
/* By the id that the routers know its place by. */
struct server *servers_of_listener(struct server *list, uint32_t listener);
/* The one that has been listening at the public port for longest. */
struct server *servers_at_public_port(struct server *list);
/* The one that says to be listening by @m. */
struct server *servers_that_says(struct server *list, const struct node_msg *m);

/* The one that may stand in for one at the public port, see listening.h: the one that is known from
 * other workers, or if @any the oldest that could be. */
struct server *servers_substitute(struct server *list, const struct places *places, bool any);

/* Whether the kernel would refuse the query @q for a public port, where @list has one at the same
 * address or at any: EADDRINUSE. */
bool servers_clash(struct server *list, const struct node_msg *q);

void servers_drop(struct server **list, struct server *s);
