/* Servers of one worker. See servers.h. */
#include "init/worker/servers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/ban.h"

struct server *servers_find(struct server *list, uint32_t listener)
{
	struct server *s;

	DL_SEARCH_SCALAR(list, s, listener, listener);
	return s;
}

bool servers_have(struct server *list, const struct place *pl)
{
	struct server *s;

	DL_SEARCH_SCALAR(list, s, place, pl);
	return s;
}

struct server *servers_add(struct server **list, enum serialization mode, struct place *pl,
			   bool first, int64_t seq)
{
	struct server *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->listener = first || !pl ? 0 : pl->id;
	s->place = pl;
	(void)snprintf(s->key, sizeof(s->key), "k%lld", (long long)seq);
	node_newconn_begin(&s->newconn, mode, s->key);
	DL_PREPEND(*list, s);
	return s;
}

static void drop(struct server **list, struct server *s)
{
	DL_DELETE(*list, s);
	wire_drop(&s->newconn);
	free(s);
}

void servers_drop(struct server **list, const char *key)
{
	struct server *s, *next;

	DL_FOREACH_SAFE(*list, s, next)
	if (strcmp(s->key, key) == 0)
		drop(list, s);
}

void servers_drop_all(struct server **list)
{
	while (*list)
		drop(list, *list);
}
