/* Where workers take WebSockets. See upgrades.h. */
#include "router/backend/upgrades.h"

#include "base/str.h"
#include "router/backend/context.h"
#include "router/http/head.h"

#include "base/ban.h"

static uint64_t add(uint64_t h, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 1099511628211u; /* FNV-1a */
	return h;
}

static struct str path_of(struct str target)
{
	const char *query = target.n ? memchr(target.p, '?', target.n) : NULL;

	return (struct str){ target.p, query ? (size_t)(query - target.p) : target.n };
}

uint64_t upgrades_place(const struct backend *b, const struct http_head *head)
{
	uint64_t h = add(b->seed, http_field_get(head, STR("host")));

	h = add(h, STR(" "));
	h = add(h, path_of(head->target));
	return h ? h : 1;
}

bool upgrades_has(const struct upgrades *u, uint64_t place)
{
	for (unsigned i = 0; i < u->n; i++)
		if (u->place[i] == place)
			return true;
	return false;
}

void upgrades_learn(struct upgrades *u, uint64_t place)
{
	if (upgrades_has(u, place))
		return;
	u->place[u->next] = place;
	u->next = (u->next + 1) % UPGRADES_MAX;
	if (u->n < UPGRADES_MAX)
		u->n++;
}
