/* Servers of one worker. See servers.h. */
#include "init/worker/servers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "init/listen/places.h"

#include "base/ban.h"

struct server *servers_add(struct server **list, enum serialization mode, struct place *pl,
			   const struct node_msg *q)
{
	struct server *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->place = pl;
	s->port = q->port;
	s->v6only = q->flags & 1; /* UV_TCP_IPV6ONLY */
	s->v4only = !pl && *q->address && !strchr(q->address, ':');
	(void)snprintf(s->host, sizeof(s->host), "%.*s", SERVER_HOST_MAX - 1, q->address);
	(void)snprintf(s->key, sizeof(s->key), "k%lld", (long long)q->seq);
	node_newconn_begin(&s->newconn, mode, s->key);
	DL_PREPEND(*list, s);
	return s;
}

struct server *servers_with_key(struct server *list, const char *key)
{
	struct server *s;

	DL_FOREACH(list, s)
	if (strcmp(s->key, key) == 0)
		break;
	return s;
}

struct server *servers_at(struct server *list, const struct place *pl)
{
	struct server *s;

	DL_SEARCH_SCALAR(list, s, place, pl);
	return s;
}

struct server *servers_of_listener(struct server *list, uint32_t listener)
{
	struct server *s;

	DL_FOREACH(list, s)
	if (s->place && s->place->id == listener)
		break;
	return s;
}

struct server *servers_at_public_port(struct server *list)
{
	struct server *s, *oldest = NULL;

	DL_FOREACH(list, s)
	if (!s->place && s->listening)
		oldest = s;
	return oldest;
}

enum { NEVER, AT_ANY_PORT, AT_LOOPBACK, WELL };

/* An app that was told no PORT has its server where it likes. */
static int suits(const struct server *s, bool port_is_untold)
{
	const struct place *pl = s->place;

	if (!pl || !s->listening || (pl->type != NODE_ADDR_TCP4 && pl->type != NODE_ADDR_TCP6))
		return NEVER;
	if (pl->port > 0 && !pl->is_loopback)
		return WELL;
	if (!port_is_untold)
		return NEVER;
	return pl->port > 0 ? AT_LOOPBACK : AT_ANY_PORT;
}

struct server *servers_substitute(struct server *list, const struct places *places, bool any)
{
	struct server *s, *found = NULL;
	int most = NEVER;

	if (places->port_was_asked)
		return NULL;
	DL_FOREACH(list, s)
	{
		int how = suits(s, places->port_is_untold);

		if (how == NEVER)
			continue;
		if (places_is_substitute(places, s->place))
			return s;
		if (how < most)
			continue;
		most = how;
		found = s;
	}
	return any ? found : NULL;
}

/* Node says the port that the server has got (lib/internal/cluster/child.js: _getServer()). */
static bool is_said_by(const struct server *s, const struct node_msg *m)
{
	const struct place *pl = s->place;

	if (!pl)
		return s->port == m->port && strcmp(s->host, m->address) == 0;
	return pl->type == m->address_type && strcmp(pl->address, m->address) == 0 &&
	       (pl->type == NODE_ADDR_UNIX || pl->actual_port == m->port);
}

struct server *servers_that_says(struct server *list, const struct node_msg *m)
{
	struct server *s;

	DL_FOREACH(list, s)
	if (is_said_by(s, m))
		break;
	return s;
}

/* Of which families, and whether at any address of them. */
struct families {
	bool v4, v6, any;
};

static struct families families_of(const char *host, bool v6only)
{
	bool is_v6 = strchr(host, ':'), any_v6 = strcmp(host, "::") == 0;

	if (*host == '\0' || any_v6)
		return (struct families){ .v4 = !v6only, .v6 = true, .any = true };
	return (struct families){ .v4 = !is_v6, .v6 = is_v6, .any = strcmp(host, "0.0.0.0") == 0 };
}

bool servers_clash(struct server *list, const struct node_msg *q)
{
	struct families a = families_of(q->address, q->flags & 1), b;
	struct server *s;

	DL_FOREACH(list, s)
	{
		if (s->place || s->port != q->port)
			continue;
		b = families_of(s->host, s->v6only);
		if (((a.v4 && b.v4) || (a.v6 && b.v6)) &&
		    (a.any || b.any || strcmp(s->host, q->address) == 0))
			return true;
	}
	return false;
}

void servers_drop(struct server **list, struct server *s)
{
	DL_DELETE(*list, s);
	wire_drop(&s->newconn);
	free(s);
}
