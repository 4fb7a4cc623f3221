/* What the app of one worker listens on: one entry for each of its servers, the newest first. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "init/listen/places.h"
#include "ipc/node.h"

struct server {
	struct server *prev, *next;
	uint32_t listener;   /* 0: the app's first */
	struct place *place; /* borrowed; NULL: the public port */
	char key[NODE_KEY_MAX];
	struct wire_writer newconn; /* what its connections' messages begin with */
};

/* NULL: there is none. */
struct server *servers_find(struct server *list, uint32_t listener);
bool servers_have(struct server *list, const struct place *pl);

/* A server at @pl, whose key follows from the query's @seq, of a worker whose channel speaks @mode.
 * @first: the app has no other. The list's memory, or NULL. */
struct server *servers_add(struct server **list, enum serialization mode, struct place *pl,
			   bool first, int64_t seq);

void servers_drop(struct server **list, const char *key);
void servers_drop_all(struct server **list);
