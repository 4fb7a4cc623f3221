/* Membership. Failure: without memory, or with more than its share of it, a member is told
 * everything, as Node's own primary would. */
#include "relay/membership.h"

#include <stdlib.h>
#include <utlist.h>

#include "base/log.h"

#include "base/ban.h"

/* Groups */

/* FNV-1a (draft-eastlake-fnv), begun at a secret. */
static uint64_t hash(uint64_t h, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3;
	return h;
}

void group_key(const struct hub *h, enum family family, struct str name, struct key *ret)
{
	uint64_t hashed[2];

	ret->bytes[0] = (char)family;
	ret->is_hashed = name.n > HUB_NAME_MAX;
	if (ret->is_hashed) {
		hashed[0] = hash(h->seed, name);
		hashed[1] = name.n;
		name = (struct str){ (const char *)hashed, sizeof(hashed) };
		ret->bytes[0] = (char)(family - 'a' + 'A');
	}
	if (name.n)
		memcpy(ret->bytes + 1, name.p, name.n);
	ret->len = 1 + name.n;
}

struct hub_group *group_find(const struct hub *h, const struct key *key)
{
	struct hub_group *g;

	HASH_FIND(hh, h->groups, key->bytes, key->len, g);
	return g;
}

/* NULL: no memory. */
static struct hub_group *group_new(struct hub *h, const struct key *key)
{
	struct hub_group *g = malloc(sizeof(*g) + key->len);

	if (!g)
		return NULL;
	*g = (struct hub_group){ .is_hashed = key->is_hashed, .key_len = key->len };
	memcpy(g->key, key->bytes, key->len);
	HASH_ADD_KEYPTR(hh, h->groups, g->key, g->key_len, g);
	if (g->hh.tbl)
		return g;
	free(g);
	return NULL;
}

bool group_has(const struct hub_group *g, const struct hub_member *m)
{
	const struct hub_adapter *a;

	DL_FOREACH(g->adapters, a)
	if (a->member == m)
		return true;
	return false;
}

void group_free_if_empty(struct hub *h, struct hub_group *g)
{
	struct hub_adapter *a, *next;

	if (g->adapters)
		return;
	DL_FOREACH_SAFE(g->unannounced, a, next)
	free(a);
	HASH_DEL(h->groups, g);
	free(g);
}

/* Adapters */

static size_t group_bytes(size_t key_len)
{
	return sizeof(struct hub_group) + key_len;
}

static size_t adapter_bytes(size_t uid_len)
{
	return sizeof(struct hub_adapter) + uid_len;
}

struct hub_adapter *adapter_find(const struct hub *h, struct str uid)
{
	struct hub_adapter *a;

	HASH_FIND(hh, h->adapters, uid.p, uid.n, a);
	return a;
}

static void adapter_leave_group(struct hub_adapter *a)
{
	struct hub_group *g = a->group;

	if (!g)
		return;
	a->group = NULL;
	a->member->membership_bytes -= group_bytes(g->key_len);
	DL_DELETE(g->adapters, a);
	group_free_if_empty(a->member->hub, g);
}

/* It is in no list of its member's any more. */
static void adapter_free(struct hub_adapter *a)
{
	struct hub_member *m = a->member;

	adapter_leave_group(a);
	if (a->hh.tbl)
		HASH_DEL(m->hub->adapters, a);
	m->membership_bytes -= adapter_bytes(a->uid_len);
	free(a);
}

void adapter_close(struct hub_adapter *a)
{
	struct hub_member *m = a->member;

	a->is_closed = true;
	adapter_leave_group(a);
	DL_DELETE2(m->adapters, a, prev_own, next_own);
	DL_APPEND2(m->closed, a, prev_own, next_own);
}

void adapter_still_speaks(struct hub_adapter *a)
{
	struct hub_member *m = a->member;

	DL_DELETE2(m->closed, a, prev_own, next_own);
	DL_APPEND2(m->closed, a, prev_own, next_own);
}

static bool has_room_for(struct hub_member *m, size_t n)
{
	struct hub_adapter *oldest;

	while (m->membership_bytes + n > HUB_MEMBERSHIP_BYTES_MAX && (oldest = m->closed)) {
		DL_DELETE2(m->closed, oldest, prev_own, next_own);
		adapter_free(oldest);
	}
	return m->membership_bytes + n <= HUB_MEMBERSHIP_BYTES_MAX;
}

static void tell_all(struct hub_member *m)
{
	if (m->is_told_all)
		return;
	m->is_told_all = true;
	m->hub->n_told_all++;
	log_warn(SIO_302,
		 "relay: cluster.worker.id %lld has too many namespaces, or there is no memory to "
		 "remember them: it is sent the messages of all",
		 (long long)m->worker_id);
}

static struct hub_adapter *adapter_alloc(struct hub_member *m, enum family family, struct str uid)
{
	struct hub_adapter *a = malloc(adapter_bytes(uid.n));

	if (!a)
		return NULL;
	*a = (struct hub_adapter){ .member = m, .family = family, .uid_len = uid.n };
	if (!uid.n)
		return a;
	memcpy(a->uid, uid.p, uid.n);
	HASH_ADD_KEYPTR(hh, m->hub->adapters, a->uid, a->uid_len, a);
	if (a->hh.tbl)
		return a;
	free(a);
	return NULL;
}

struct hub_adapter *adapter_new(struct hub_member *m, enum family family, struct str uid,
				size_t key_len)
{
	struct hub_adapter *a = NULL;

	if (has_room_for(m, adapter_bytes(uid.n) + group_bytes(key_len)))
		a = adapter_alloc(m, family, uid);
	if (!a) {
		tell_all(m);
		return NULL;
	}
	DL_APPEND2(m->adapters, a, prev_own, next_own);
	m->membership_bytes += adapter_bytes(uid.n);
	return a;
}

void adapter_enter(struct hub_member *m, enum family family, struct str uid, const struct key *key)
{
	struct hub_group *g = group_find(m->hub, key);
	struct hub_adapter *a;

	if (!g)
		g = group_new(m->hub, key);
	if (!g) {
		tell_all(m);
		return;
	}
	a = adapter_new(m, family, uid, key->len);
	if (!a) {
		group_free_if_empty(m->hub, g);
		return;
	}
	a->group = g;
	m->membership_bytes += group_bytes(key->len);
	DL_APPEND(g->adapters, a);
}
