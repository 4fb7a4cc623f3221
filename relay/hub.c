/* The hub. Type numbers are those of cluster-adapter 0.2.2 and of socket.io-adapter 2.5.8 (0.3.0),
 * which differ; the uid tells the families apart.
 *
 * Happy path: hub_receive() → who speaks (an adapter, found by its uid) → whom it is for (a target)
 * → held back with its neighbours of the same read → one blob, queued for each receiver. Failure:
 * who cannot be given a frame, or is too far behind, is marked while frames are handed out and
 * leaves when that is done (evict_marked). */
#include "relay/hub.h"

#include <stdlib.h>
#include <sys/random.h>
#include <utlist.h>

#include "base/log.h"
#include "ipc/scoreboard.h"
#include "ipc/wire.h"
#include "relay/fan_out.h"

#include "base/ban.h"

enum {
	ADAPTER_CLOSE = 13,
	OLD_FETCH_RESPONSE = 9,
	OLD_SERVER_SIDE_EMIT_RESPONSE = 11,
	SAY_EVERY_MS = 60000,
};

void hub_init(struct hub *h, enum serialization mode, size_t quota_bytes, uint64_t timeout_ms)
{
	*h = (struct hub){ .mode = mode,
			   .quota = { .max = quota_bytes },
			   .limit = quota_bytes,
			   .timeout_ms = timeout_ms,
			   .run_max = CHANNEL_BATCH_MAX };
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

/* Announcing the end */

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

static void leave(struct hub_member *m)
{
	struct hub *h = m->hub;
	struct hub_adapter *a, *next;

	run_flush(h);
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
		announce_to_0_2(h, node_adapter_worker_exit(h->mode, m->worker_id));
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

static void note_sent(struct hub_member *from, size_t n)
{
	struct hub *h = from->hub;

	if (h->quota.used < h->limit / 2)
		h->quota.max = h->limit;
	h->epoch += h->quota.used < h->limit / 4;
	if (from->epoch != h->epoch)
		from->sent_bytes = 0;
	from->epoch = h->epoch;
	from->sent_bytes += n;
}

/* What it has sent still waits for the others, who are well: until they have read that, half as
 * much again is allowed, once. */
static void evict_loud(struct hub *h, struct hub_member *loud)
{
	h->quota.max = h->limit + h->limit / 2;
	evict(loud, "it sends more than the others can read and what waits has reached "
		    "SIOINIT_RELAY_MEMORY");
}

/* False: the others have the same waiting, so that it does not help. */
static bool evict_behind(struct hub *h, struct hub_member *behind)
{
	size_t before = h->quota.used;

	evict(behind, "it is behind and what waits has reached SIOINIT_RELAY_MEMORY");
	return before - h->quota.used >= h->limit / 8;
}

/* Nobody is slow: the sender of most of what waits pays, or else the one it waits for, if that is
 * more than @least. *behind_helps: see evict_behind(). */
static bool evict_largest(struct hub *h, size_t least, bool *behind_helps)
{
	struct hub_member *behind = furthest_behind(h, 0), *loud = loudest(h);
	size_t waits = behind ? behind->ops->backlog(behind).bytes : 0;
	bool floods = loud && loud->sent_bytes > least && h->quota.max == h->limit;

	if (floods && (loud->sent_bytes > waits / 2 || !*behind_helps))
		evict_loud(h, loud);
	else if (waits > least && *behind_helps)
		*behind_helps = evict_behind(h, behind);
	else
		return false;
	return true;
}

static bool evict_slow(struct hub *h)
{
	struct hub_member *m = furthest_behind(h, HUB_SLOW_MS);

	if (m)
		evict(m, "it is slow to read and what waits has reached SIOINIT_RELAY_MEMORY");
	return m;
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* Evicts and passes over while that can help. What wants room takes @size in all: nobody pays for
 * it who has taken less, but for those who stand still; and a frame that has begun is not passed
 * over for being like others. False: there is no room for @n bytes more.
 * Nothing of the hub may be on the stack; any member may be gone. */
static bool make_room(struct hub *h, const struct hub_member *from, size_t n, size_t size)
{
	bool behind_helps = true;

	if (size > h->limit)
		return false;
	while (!quota_has_room(&h->quota, n)) {
		run_flush(h);
		if (!drop_begun(h, from, HUB_SLOW_MS, h->limit / 16) && !evict_slow(h) &&
		    !drop_begun(h, from, 0, larger(size, h->limit / 4)) &&
		    !evict_largest(h, size, &behind_helps))
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

	group_key(from->hub, FAMILY_0_3, name_of(msg), &key);
	adapter_enter(from, FAMILY_0_3, msg->uid.raw, &key);
	return group_find(from->hub, &key);
}

static void close_0_3(struct hub_member *from, struct str uid)
{
	struct hub_adapter *a = adapter_find(from->hub, uid);

	run_flush(from->hub);
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
		run_flush(h);
		announce_late(h, to.group, name_of(msg));
	}
	if (msg->requester_uid.type == VALUE_STRING)
		to = answer_to(from, msg->requester_uid.raw);
	hand_out(from, &to, f);
	if (msg->adapter_type == ADAPTER_CLOSE)
		close_0_3(from, msg->uid.raw);
}

static struct hub_group *enter_0_2(struct hub_member *from, const struct node_msg *msg)
{
	struct hub *h = from->hub;
	struct hub_group *g;
	struct key key;

	from->has_0_2 = true;
	group_key(h, FAMILY_0_2, name_of(msg), &key);
	g = group_find(h, &key);
	if (g && group_has(g, from))
		return g;
	adapter_enter(from, FAMILY_0_2, (struct str){ "", 0 }, &key);
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

/* @f NULL: it is passed over, but what it says of its sender holds: who has said the first word, or
 * the last one, does not know that nobody heard it. */
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

	if (!h)
		return;
	if (!admit(from, f))
		f = NULL;
	if (!from->hub)
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
	run_flush(h);
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
	log_warn(SIO_301,
		 "relay: messages of workers passed over since the start: %llu that cannot be "
		 "read, %llu without room (SIOINIT_RELAY_MEMORY)",
		 (unsigned long long)unreadable, (unsigned long long)no_room);
}

void hub_look(struct hub *h, uint64_t now_ms)
{
	struct hub_member *m;

	DL_FOREACH(h->members, m)
	if (h->timeout_ms && m->ops->backlog(m).age_ms >= h->timeout_ms)
		member_mark(m, "a message has waited for it for SIOINIT_RELAY_TIMEOUT");
	if (h->board) {
		counter_set(&h->board->relay_used, h->quota.used);
		counter_set(&h->board->relay_max, h->quota.max);
	}
	say_passed_over(h, now_ms);
	evict_marked(h);
}
