/* The hub. Type numbers are those of cluster-adapter 0.2.2 and of socket.io-adapter 2.5.8 (0.3.0),
 * which differ; the uid tells the families apart.
 *
 * Happy path: hub_receive() → who speaks (an adapter, found by its uid) → whom it is for (a target)
 * → held back with its neighbours of the same read → one blob, queued for each receiver. Failure:
 * who cannot be given a frame, or is too far behind, is marked while frames are handed out and
 * leaves when that is done (evict_marked). */
#include "relay/hub.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "base/log.h"
#include "ipc/scoreboard.h"
#include "ipc/wire.h"

#include "base/ban.h"

enum {
	ADAPTER_CLOSE = 13,
	OLD_FETCH_RESPONSE = 9,
	OLD_SERVER_SIDE_EMIT_RESPONSE = 11,
	SAY_EVERY_MS = 60000,
};

enum family { FAMILY_0_2 = 'o', FAMILY_0_3 = 'n', FAMILY_ENGINE = 'e' };

/* Who speaks: an adapter of 0.3 (one for each namespace of a worker) or a cluster-engine, known by
 * its uid, or the adapters that a worker of 0.2 has in a namespace, which have none. A closed one
 * is remembered, so that it stays closed: cluster-adapter 0.3.0 goes on with its heartbeats. */
struct hub_adapter {
	UT_hash_handle hh; /* in hub.adapters, if it has a uid and its member is there */
	struct hub_adapter *prev, *next;         /* in the group */
	struct hub_adapter *prev_own, *next_own; /* of the member: open or closed ones */
	struct hub_member *member;
	struct hub_group *group; /* NULL: closed, or an engine */
	enum family family;
	bool is_closed;
	size_t uid_len;
	char uid[]; /* as it stood in the frame: encoded */
};

/* The adapters of one family in one namespace. */
struct hub_group {
	UT_hash_handle hh;
	struct hub_adapter *adapters;
	/* Of members that have left, while nobody knows the name of the namespace to say so: the
	 * next frame in it has it. */
	struct hub_adapter *unannounced;
	bool is_hashed;
	size_t key_len;
	char key[]; /* the family, then the encoded name or its hash */
};

struct key {
	size_t len;
	bool is_hashed;
	char bytes[1 + HUB_NAME_MAX];
};

void hub_init(struct hub *h, enum serialization mode, size_t quota_bytes, uint64_t timeout_ms)
{
	*h =
	    (struct hub){ .mode = mode, .quota = { .max = quota_bytes }, .timeout_ms = timeout_ms };
	if (getrandom(&h->seed, sizeof(h->seed), GRND_NONBLOCK) < 0)
		h->seed = (uintptr_t)h;
}

void hub_join(struct hub *h, struct hub_member *m, const struct hub_member_ops *ops,
	      int64_t worker_id)
{
	*m = (struct hub_member){ .hub = h, .ops = ops, .worker_id = worker_id };
	DL_APPEND(h->members, m);
}

void hub_ready(struct hub_member *m)
{
	m->is_ready = true;
}

/* Counting */

static void count_relayed(struct hub *h, size_t bytes)
{
	if (!h->board)
		return;
	counter_add(&h->board->relay_messages, 1);
	counter_add(&h->board->relay_bytes, bytes);
}

void hub_passed_over(struct hub_member *from, enum hub_passed_over reason)
{
	struct hub *h = from->hub;

	if (!h)
		return;
	h->passed_over.n[reason]++;
	if (h->board)
		counter_add(&h->board->relay_passed_over[reason], 1);
}

/* Groups */

/* FNV-1a (draft-eastlake-fnv), begun at a secret. */
static uint64_t hash(uint64_t h, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3;
	return h;
}

static void make_key(const struct hub *h, enum family family, struct str name, struct key *ret)
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

static struct hub_group *group_find(const struct hub *h, const struct key *key)
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

static void group_free_if_empty(struct hub *h, struct hub_group *g)
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

static struct hub_adapter *adapter_find(const struct hub *h, struct str uid)
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

static void adapter_close(struct hub_adapter *a)
{
	struct hub_member *m = a->member;

	a->is_closed = true;
	adapter_leave_group(a);
	DL_DELETE2(m->adapters, a, prev_own, next_own);
	DL_APPEND2(m->closed, a, prev_own, next_own);
}

/* It has been heard again: of the closed ones, those that are silent are forgotten first. */
static void adapter_still_speaks(struct hub_adapter *a)
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
	log_warn("relay: cluster.worker.id %lld has too many namespaces, or there is no memory to "
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

/* NULL: @m has too many, or there is no memory; it is told everything then. */
static struct hub_adapter *adapter_new(struct hub_member *m, enum family family, struct str uid,
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

/* A new adapter in the namespace of @key. */
static void enter(struct hub_member *m, enum family family, struct str uid, const struct key *key)
{
	struct hub_adapter *a = adapter_new(m, family, uid, key->len);
	struct hub_group *g;

	if (!a)
		return;
	g = group_find(m->hub, key);
	if (!g)
		g = group_new(m->hub, key);
	if (g) {
		a->group = g;
		m->membership_bytes += group_bytes(key->len);
		DL_APPEND(g->adapters, a);
		return;
	}
	tell_all(m);
	DL_DELETE2(m->adapters, a, prev_own, next_own);
	adapter_free(a);
}

/* Handing out */

static void mark(struct hub_member *m, const char *why)
{
	if (m->evict_why)
		return;
	m->evict_why = why;
	m->hub->n_to_evict++;
}

static void deliver(struct hub_member *to, struct blob *frame)
{
	struct hub *h = to->hub;
	int r;

	if (to->delivery == h->delivery) /* it has two servers in the same namespace */
		return;
	to->delivery = h->delivery;
	r = to->ops->send(to, frame);
	if (r < 0 && r != -EPIPE)
		mark(to, "no memory for a message to it");
}

static void deliver_told_all(struct hub *h, const struct hub_member *from, struct blob *frame)
{
	struct hub_member *m;

	if (h->n_told_all == 0)
		return;
	DL_FOREACH(h->members, m)
	if (m->is_told_all && m != from)
		deliver(m, frame);
}

static void deliver_group(struct hub *h, const struct hub_member *from, const struct hub_group *g,
			  struct blob *frame)
{
	struct hub_adapter *a;

	if (g)
		DL_FOREACH(g->adapters, a)
	if (a->member != from)
		deliver(a->member, frame);
	deliver_told_all(h, from, frame);
}

static void deliver_ready(struct hub *h, const struct hub_member *from, struct blob *frame)
{
	struct hub_member *m;

	DL_FOREACH(h->members, m)
	if (m->is_ready && m != from)
		deliver(m, frame);
}

static void deliver_to(struct hub *h, const struct hub_member *from, const struct hub_target *to,
		       struct blob *frame)
{
	h->delivery++;
	switch (to->kind) {
	case HUB_TO_ONE:
		deliver(to->one, frame);
		break;
	case HUB_TO_GROUP:
		deliver_group(h, from, to->group, frame);
		break;
	case HUB_TO_READY:
		deliver_ready(h, from, frame);
		break;
	case HUB_TO_NOBODY:
		break;
	}
}

static void deliver_copy(struct hub_member *from, const struct hub_target *to, struct str bytes)
{
	struct hub *h = from->hub;
	struct blob *frame = blob_copy(bytes);

	if (!frame) {
		hub_passed_over(from, HUB_NO_ROOM);
		return;
	}
	blob_charge(frame, &h->quota);
	deliver_to(h, from, to, frame);
	blob_unref(frame);
}

/* A large frame, which is received in a blob already. */
static void deliver_blob(struct hub_member *from, const struct hub_target *to, struct blob *frame)
{
	if (!frame->quota)
		blob_charge(frame, &from->hub->quota);
	deliver_to(from->hub, from, to, frame);
}

static bool any_told_all(const struct hub *h, const struct hub_member *from)
{
	return h->n_told_all > (from->is_told_all ? 1U : 0U);
}

static bool any_other(const struct hub_group *g, const struct hub_member *from)
{
	const struct hub_adapter *a;

	DL_FOREACH(g->adapters, a)
	if (a->member != from)
		return true;
	return false;
}

static bool any_ready(const struct hub *h, const struct hub_member *from)
{
	const struct hub_member *m;

	DL_FOREACH(h->members, m)
	if (m->is_ready && m != from)
		return true;
	return false;
}

static bool has_receivers(const struct hub_member *from, const struct hub_target *to)
{
	switch (to->kind) {
	case HUB_TO_ONE:
		return true;
	case HUB_TO_GROUP:
		return (to->group && any_other(to->group, from)) || any_told_all(from->hub, from);
	case HUB_TO_READY:
		return any_ready(from->hub, from);
	case HUB_TO_NOBODY:
		break;
	}
	return false;
}

/* Runs */

static void flush_run(struct hub *h)
{
	struct hub_member *from = h->run.from;

	h->run.from = NULL;
	if (from)
		deliver_copy(from, &h->run.to, h->run.bytes);
}

static bool continues_run(const struct hub *h, const struct hub_member *from,
			  const struct hub_target *to, struct str bytes)
{
	return h->run.from == from && h->run.to.kind == to->kind && h->run.to.one == to->one &&
	       h->run.to.group == to->group && bytes.p == h->run.bytes.p + h->run.bytes.n &&
	       h->run.bytes.n + bytes.n <= CHANNEL_BATCH_MAX;
}

static void hand_out(struct hub_member *from, const struct hub_target *to,
		     const struct channel_frame *f)
{
	struct hub *h = from->hub;

	if (!has_receivers(from, to))
		return;
	count_relayed(h, f->bytes.n);
	if (continues_run(h, from, to, f->bytes)) {
		h->run.bytes.n += f->bytes.n;
		return;
	}
	flush_run(h);
	if (f->blob) {
		deliver_blob(from, to, f->blob);
		return;
	}
	h->run.from = from;
	h->run.to = *to;
	h->run.bytes = f->bytes;
}

/* Announcing the end */

static void announce_to_group(struct hub *h, const struct hub_group *g,
			      const struct hub_member *gone, struct blob *frame)
{
	if (!frame) {
		log_warn("relay: no memory to announce a member's end");
		return;
	}
	h->delivery++;
	deliver_group(h, gone, g, frame);
	blob_unref(frame);
}

static void announce_close(struct hub *h, const struct hub_group *g, const struct hub_adapter *a,
			   struct str name)
{
	struct value uid = { .type = VALUE_STRING, .raw = { a->uid, a->uid_len } };
	struct value nsp = { .type = VALUE_STRING, .raw = name };

	announce_to_group(h, g, a->member, node_adapter_close(h->mode, &uid, &nsp));
}

static void announce_late(struct hub *h, struct hub_group *g, struct str name)
{
	struct hub_adapter *a, *next;

	DL_FOREACH_SAFE(g->unannounced, a, next)
	{
		announce_close(h, g, a, name);
		free(a);
	}
	g->unannounced = NULL;
}

/* With its member; freed, unless it is to be announced later. */
static void adapter_gone(struct hub *h, struct hub_adapter *a)
{
	struct hub_group *g = a->group;

	if (a->hh.tbl)
		HASH_DEL(h->adapters, a);
	if (!g) {
		free(a);
		return;
	}
	DL_DELETE(g->adapters, a);
	if (a->family == FAMILY_0_3 && g->is_hashed) {
		a->member = NULL;
		DL_APPEND(g->unannounced, a);
	} else {
		if (a->family == FAMILY_0_3)
			announce_close(h, g, a, (struct str){ g->key + 1, g->key_len - 1 });
		free(a);
	}
	group_free_if_empty(h, g);
}

static void announce_worker_exit(struct hub *h, int64_t worker_id)
{
	struct blob *frame = node_adapter_worker_exit(h->mode, worker_id);
	struct hub_member *m;

	if (!frame) {
		log_warn("relay: no memory to announce a member's end");
		return;
	}
	h->delivery++;
	DL_FOREACH(h->members, m)
	if (m->has_0_2)
		deliver(m, frame);
	blob_unref(frame);
}

static void leave(struct hub_member *m)
{
	struct hub *h = m->hub;
	struct hub_adapter *a, *next;

	flush_run(h);
	DL_DELETE(h->members, m);
	m->hub = NULL;
	h->n_told_all -= m->is_told_all;
	h->n_to_evict -= m->evict_why != NULL;
	DL_FOREACH_SAFE2(m->adapters, a, next, next_own)
	adapter_gone(h, a);
	DL_FOREACH_SAFE2(m->closed, a, next, next_own)
	adapter_gone(h, a);
	m->adapters = m->closed = NULL;
	if (m->has_0_2)
		announce_worker_exit(h, m->worker_id);
}

/* Evicting */

static void evict(struct hub_member *m, const char *why)
{
	struct hub *h = m->hub;

	if (h->board)
		counter_add(&h->board->relay_evictions, 1);
	leave(m);
	m->ops->on_evicted(m, why);
}

static struct hub_member *first_marked(const struct hub *h)
{
	struct hub_member *m;

	DL_FOREACH(h->members, m)
	if (m->evict_why)
		return m;
	return NULL;
}

static void evict_marked(struct hub *h)
{
	if (h->is_evicting)
		return;
	h->is_evicting = true;
	while (h->n_to_evict) {
		struct hub_member *m = first_marked(h);

		evict(m, m->evict_why);
	}
	h->is_evicting = false;
}

void hub_leave(struct hub_member *m)
{
	struct hub *h = m->hub;

	if (!h)
		return;
	leave(m);
	evict_marked(h);
}

/* Room */

/* Who has most waiting of those where the first has waited for @age_ms. */
static struct hub_member *furthest_behind(const struct hub *h, uint64_t age_ms)
{
	struct hub_member *m, *found = NULL;
	size_t most = 0;

	DL_FOREACH(h->members, m)
	{
		struct hub_backlog b = m->ops->backlog(m);

		if (b.age_ms < age_ms || b.bytes <= most)
			continue;
		most = b.bytes;
		found = m;
	}
	return found;
}

/* Passes over the largest frame that has begun, not by @from, and not gone on for @age_ms, if it
 * takes more than @least. False: there is none. */
static bool drop_begun(const struct hub *h, const struct hub_member *from, uint64_t age_ms,
		       size_t least)
{
	struct hub_member *m, *found = NULL;
	size_t most = least;

	DL_FOREACH(h->members, m)
	{
		struct hub_backlog b = m->ops->incoming(m);

		if (m == from || b.age_ms < age_ms || b.bytes <= most)
			continue;
		most = b.bytes;
		found = m;
	}
	if (found)
		found->ops->drop_incoming(found);
	return found;
}

static struct hub_member *loudest(const struct hub *h)
{
	struct hub_member *m, *found = NULL;
	uint64_t most = 0;

	DL_FOREACH(h->members, m)
	{
		if (m->epoch != h->epoch || m->sent_bytes <= most)
			continue;
		most = m->sent_bytes;
		found = m;
	}
	return found;
}

/* The one that is further behind than another, @loud aside, which does not hear itself. NULL: all
 * are alike. */
static struct hub_member *behind_the_others(const struct hub *h, const struct hub_member *loud)
{
	struct hub_member *m, *last = furthest_behind(h, 0);
	size_t most = last ? last->ops->backlog(last).bytes : 0;

	DL_FOREACH(h->members, m)
	if (m != loud && m->adapters && m->ops->backlog(m).bytes < most / 2)
		return last;
	return NULL;
}

static void note_sent(struct hub_member *from, size_t n)
{
	struct hub *h = from->hub;

	h->epoch += h->quota.used < h->quota.max / 4;
	if (from->epoch != h->epoch)
		from->sent_bytes = 0;
	from->epoch = h->epoch;
	from->sent_bytes += n;
}

/* Nobody is slow: who has taken most pays, if that is more than @least. */
static bool evict_largest(struct hub *h, size_t least)
{
	struct hub_member *loud = loudest(h), *behind = behind_the_others(h, loud);

	if (behind && behind->ops->backlog(behind).bytes <= least)
		behind = NULL;
	if (loud && loud->sent_bytes <= least)
		loud = NULL;
	if (behind)
		evict(behind, "it is behind the others and what waits has reached "
			      "SIOINIT_RELAY_MEMORY");
	else if (loud)
		evict(loud, "it sends more than the others can read and what waits has reached "
			    "SIOINIT_RELAY_MEMORY");
	return behind || loud;
}

static bool evict_slow(struct hub *h)
{
	struct hub_member *m = furthest_behind(h, HUB_SLOW_MS);

	if (m)
		evict(m, "it is slow to read and what waits has reached SIOINIT_RELAY_MEMORY");
	return m;
}

/* Evicts and passes over while that can help. What wants room takes @size in all: nobody pays for
 * it who has taken less, but for those who stand still. False: there is no room for @n bytes more.
 * Nothing of the hub may be on the stack; any member may be gone. */
static bool make_room(struct hub *h, const struct hub_member *from, size_t n, size_t size)
{
	if (size > h->quota.max)
		return false;
	while (!quota_has_room(&h->quota, n)) {
		flush_run(h);
		if (!drop_begun(h, from, HUB_SLOW_MS, 0) && !evict_slow(h) &&
		    !drop_begun(h, from, 0, size) && !evict_largest(h, size))
			return false;
	}
	return true;
}

void hub_make_room(struct hub_member *from, size_t n)
{
	if (from->hub)
		(void)make_room(from->hub, from, n, from->ops->incoming(from).bytes + n);
}

/* Whom it is for */

static struct hub_target to_one(struct hub_member *from, struct hub_member *to)
{
	struct hub_target none = { .kind = HUB_TO_NOBODY };

	return to && to != from ? (struct hub_target){ .kind = HUB_TO_ONE, .one = to } : none;
}

static struct hub_target answer_to(struct hub_member *from, struct str requester)
{
	struct hub_adapter *a = adapter_find(from->hub, requester);

	if (!a && from->hub->n_told_all) /* perhaps it is one of those */
		return (struct hub_target){ .kind = HUB_TO_GROUP };
	return to_one(from, a && a->group ? a->member : NULL);
}

static struct str name_of(const struct node_msg *msg)
{
	return msg->nsp.type == VALUE_STRING ? msg->nsp.raw : (struct str){ "", 0 };
}

static struct hub_group *enter_0_3(struct hub_member *from, const struct node_msg *msg)
{
	struct key key;

	make_key(from->hub, FAMILY_0_3, name_of(msg), &key);
	enter(from, FAMILY_0_3, msg->uid.raw, &key);
	return group_find(from->hub, &key);
}

static void close_0_3(struct hub_member *from, struct str uid)
{
	struct hub_adapter *a = adapter_find(from->hub, uid);

	flush_run(from->hub);
	if (a && a->member == from && a->group)
		adapter_close(a);
}

static void route_0_3(struct hub_member *from, const struct node_msg *msg,
		      const struct channel_frame *f)
{
	struct hub *h = from->hub;
	struct hub_adapter *a = adapter_find(h, msg->uid.raw);
	struct hub_target to = { .kind = HUB_TO_GROUP };

	if (a && a->is_closed) {
		adapter_still_speaks(a);
		return;
	}
	to.group = a ? a->group : enter_0_3(from, msg);
	if (to.group && to.group->unannounced) {
		flush_run(h);
		announce_late(h, to.group, name_of(msg));
	}
	if (msg->requester_uid.type == VALUE_STRING)
		to = answer_to(from, msg->requester_uid.raw);
	hand_out(from, &to, f);
	if (msg->adapter_type == ADAPTER_CLOSE)
		close_0_3(from, msg->uid.raw);
}

static bool is_in(const struct hub_group *g, const struct hub_member *m)
{
	const struct hub_adapter *a;

	DL_FOREACH(g->adapters, a)
	if (a->member == m)
		return true;
	return false;
}

static struct hub_group *enter_0_2(struct hub_member *from, const struct node_msg *msg)
{
	struct hub *h = from->hub;
	struct hub_group *g;
	struct key key;

	from->has_0_2 = true;
	make_key(h, FAMILY_0_2, name_of(msg), &key);
	g = group_find(h, &key);
	if (g && is_in(g, from))
		return g;
	enter(from, FAMILY_0_2, (struct str){ "", 0 }, &key);
	return group_find(h, &key);
}

static bool is_answer_0_2(const struct node_msg *msg)
{
	return msg->adapter_type == OLD_FETCH_RESPONSE ||
	       msg->adapter_type == OLD_SERVER_SIDE_EMIT_RESPONSE;
}

static struct hub_member *member_find(const struct hub *h, const struct value *worker_id)
{
	struct hub_member *m;
	int64_t id;

	if (wire_int(worker_id, 0, INT32_MAX, &id) < 0)
		return NULL;
	DL_SEARCH_SCALAR(h->members, m, worker_id, id);
	return m;
}

static void route_0_2(struct hub_member *from, const struct node_msg *msg,
		      const struct channel_frame *f)
{
	struct hub_target to = { .kind = HUB_TO_GROUP, .group = enter_0_2(from, msg) };

	if (is_answer_0_2(msg))
		to = to_one(from, member_find(from->hub, &msg->worker_id));
	hand_out(from, &to, f);
}

/* The first name of a worker is its name (cluster-engine: setupPrimary()). */
static void route_engine(struct hub_member *from, const struct node_msg *msg,
			 const struct channel_frame *f)
{
	struct hub *h = from->hub;
	struct hub_adapter *a = NULL;
	struct hub_target to;

	if (!from->has_engine && msg->uid.type == VALUE_STRING && !adapter_find(h, msg->uid.raw)) {
		from->has_engine = true;
		(void)adapter_new(from, FAMILY_ENGINE, msg->uid.raw, 0);
	}
	if (msg->requester_uid.type == VALUE_STRING)
		a = adapter_find(h, msg->requester_uid.raw);
	to = a && a->family == FAMILY_ENGINE ? to_one(from, a->member)
					     : (struct hub_target){ .kind = HUB_TO_READY };
	hand_out(from, &to, f);
}

static void route(struct hub_member *from, const struct node_msg *msg,
		  const struct channel_frame *f)
{
	if (msg->kind == NODE_ENGINE)
		route_engine(from, msg, f);
	else if (msg->uid.type == VALUE_STRING)
		route_0_3(from, msg, f);
	else if (msg->uid.type == VALUE_ABSENT)
		route_0_2(from, msg, f);
	else
		hub_passed_over(from, HUB_UNREADABLE);
}

/* False: it is passed over, or @from is gone. */
static bool admit(struct hub_member *from, const struct channel_frame *f)
{
	struct hub *h = from->hub;
	size_t n = f->blob && f->blob->quota ? 0 : f->bytes.n;

	note_sent(from, f->bytes.n);
	if (make_room(h, from, n, n))
		return from->hub != NULL;
	hub_passed_over(from, HUB_NO_ROOM);
	return false;
}

void hub_receive(struct hub_member *from, const struct node_msg *msg, const struct channel_frame *f)
{
	struct hub *h = from->hub;

	if (!h || !admit(from, f))
		return;
	route(from, msg, f);
	evict_marked(h);
}

void hub_relay_app(struct hub_member *from, const struct channel_frame *f)
{
	struct hub *h = from->hub;

	if (!h || !admit(from, f))
		return;
	hand_out(from, &(struct hub_target){ .kind = HUB_TO_READY }, f);
	evict_marked(h);
}

void hub_flush(struct hub_member *from)
{
	struct hub *h = from->hub;

	if (!h || !h->run.from)
		return;
	flush_run(h);
	evict_marked(h);
}

static void say_passed_over(struct hub *h, uint64_t now_ms)
{
	uint64_t unreadable = h->passed_over.n[HUB_UNREADABLE],
		 no_room = h->passed_over.n[HUB_NO_ROOM], all = unreadable + no_room;

	if (all == h->passed_over.said ||
	    (h->passed_over.said_ms && now_ms - h->passed_over.said_ms < SAY_EVERY_MS))
		return;
	h->passed_over.said = all;
	h->passed_over.said_ms = now_ms;
	log_warn("relay: messages of workers passed over since the start: %llu that cannot be "
		 "read, %llu without room (SIOINIT_RELAY_MEMORY)",
		 (unsigned long long)unreadable, (unsigned long long)no_room);
}

void hub_look(struct hub *h, uint64_t now_ms)
{
	struct hub_member *m;

	DL_FOREACH(h->members, m)
	if (h->timeout_ms && m->ops->backlog(m).age_ms >= h->timeout_ms)
		mark(m, "a message has waited for it for SIOINIT_RELAY_TIMEOUT");
	if (h->board) {
		counter_set(&h->board->relay_used, h->quota.used);
		counter_set(&h->board->relay_max, h->quota.max);
	}
	say_passed_over(h, now_ms);
	evict_marked(h);
}
