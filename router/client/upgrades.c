/* Paths that take WebSockets. See upgrades.h. */
#include "router/client/upgrades.h"

#include "router/backend/choose.h"

#include "base/ban.h"

uint64_t upgrades_path(struct str target)
{
	const char *query = target.n ? memchr(target.p, '?', target.n) : NULL;
	uint64_t key;

	if (query)
		target.n = (size_t)(query - target.p);
	key = sticky_key(target);
	return key ? key : 1;
}

bool upgrades_has(const struct upgrades *u, uint64_t path)
{
	for (unsigned i = 0; i < u->n; i++)
		if (u->path[i] == path)
			return true;
	return false;
}

void upgrades_learn(struct upgrades *u, uint64_t path)
{
	if (upgrades_has(u, path))
		return;
	u->path[u->next] = path;
	u->next = (u->next + 1) % UPGRADES_MAX;
	if (u->n < UPGRADES_MAX)
		u->n++;
}
