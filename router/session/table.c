/* The session table. All of it is in the memfd (ipc/session_memory.h): an array of fixed slots,
 * touched lowest first, so that its cost grows with the sessions that there are; hash chains, one
 * list in order of use, one counter per worker. One lock guards it: it is held for a fraction of a
 * microsecond, and the next holder is told when the last one was killed with it. Then all but the
 * slots is made again from what is committed in them; a death in the middle of that is the same
 * case once more.
 *
 * The kernel orders a dead holder's stores before the lock is released, so only the compiler
 * has to be kept from moving them. The clock is CLOCK_MONOTONIC of one boot (uv_hrtime), which all
 * routers share.
 *
 * Another router may have written anything, at any moment: an index is read once and compared with
 * the number of slots, no walk takes more steps than there are slots, and what does not add up has
 * the index made again. */
#include "router/session/table.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "ipc/sealed.h"
#include "ipc/session_memory.h"

#include "base/ban.h"

enum { NONE = 0, COMMITTED = 0x73696f31, EXPIRE_BATCH = 256, LEAVING_MAX = 16 };

/* A worker that is dead, and the first slot that may still be its. */
struct leaving {
	uint32_t worker, next;
};

struct sessions {
	struct session_table *table;
	struct session_slot *slots;
	struct session_link *links;
	_Atomic uint32_t *buckets;
	struct session_layout layout;
	pid_t self;
	uint32_t changes; /* of the counts, by us */
	bool damaged;     /* found since the lock was taken */
	struct leaving leaving[LEAVING_MAX];
	unsigned n_leaving;
};

static uint32_t get(const _Atomic uint32_t *n)
{
	return atomic_load_explicit((_Atomic uint32_t *)n, memory_order_relaxed);
}

static void set(_Atomic uint32_t *n, uint32_t to)
{
	atomic_store_explicit(n, to, memory_order_relaxed);
}

/* The index of a slot that stands at @at: of one that rebuild() looks at. */
static uint32_t index_at(struct sessions *s, const _Atomic uint32_t *at)
{
	uint32_t i = get(at);

	if (i < s->layout.n_slots && i <= get(&s->table->n_touched))
		return i;
	s->damaged = true;
	return NONE;
}

/* FNV-1a with a final mix. The table is bounded and sids are the server's, so no keyed hash is
 * needed. */
static uint32_t hash(struct str sid)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < sid.n; i++)
		h = (h ^ (unsigned char)sid.p[i]) * 16777619u;
	return h ^ (h >> 15);
}

static _Atomic uint32_t *bucket_of(struct sessions *s, struct str sid)
{
	return &s->buckets[hash(sid) & (s->layout.n_buckets - 1)];
}

/* By the holder of the lock, so no read-modify-write is needed. */
static void count(_Atomic uint32_t *n, uint32_t by)
{
	set(n, get(n) + by);
}

static _Atomic uint32_t *of_worker(const struct sessions *s, uint32_t worker)
{
	return &s->table->per_worker[worker % SESSION_WORKERS];
}

static struct str slot_sid(const struct session_slot *sl)
{
	uint32_t n = get(&sl->len);

	return (struct str){ sl->sid, n <= SID_MAX ? n : 0 };
}

static void unlink_use(struct sessions *s, uint32_t i)
{
	uint32_t newer = index_at(s, &s->links[i].newer), older = index_at(s, &s->links[i].older);

	set(newer == NONE ? &s->table->newest : &s->links[newer].older, older);
	set(older == NONE ? &s->table->oldest : &s->links[older].newer, newer);
}

static void link_newest(struct sessions *s, uint32_t i)
{
	uint32_t next = index_at(s, &s->table->newest);

	set(&s->links[i].newer, NONE);
	set(&s->links[i].older, next);
	set(next == NONE ? &s->table->oldest : &s->links[next].newer, i);
	set(&s->table->newest, i);
}

static void index_slot(struct sessions *s, uint32_t i)
{
	_Atomic uint32_t *bucket = bucket_of(s, slot_sid(&s->slots[i]));

	set(&s->links[i].chain, get(bucket));
	set(bucket, i);
	link_newest(s, i);
	count(&s->table->n_used, 1);
	count(of_worker(s, get(&s->slots[i].worker)), 1);
	s->changes++;
}

static void release_slot(struct sessions *s, uint32_t i)
{
	set(&s->links[i].chain, get(&s->table->free_head));
	set(&s->table->free_head, i);
}

static void commit(struct session_slot *sl)
{
	atomic_signal_fence(memory_order_seq_cst);
	set(&sl->committed, COMMITTED);
}

static void uncommit(struct session_slot *sl)
{
	set(&sl->committed, 0);
	atomic_signal_fence(memory_order_seq_cst);
}

/* Where in the chains @i stands, or NULL. */
static _Atomic uint32_t *find_in_chain(struct sessions *s, uint32_t i)
{
	_Atomic uint32_t *at = bucket_of(s, slot_sid(&s->slots[i]));

	for (uint32_t n = 0; n < s->layout.n_slots; n++) {
		uint32_t here = index_at(s, at);

		if (here == i)
			return at;
		if (here == NONE)
			break;
		at = &s->links[here].chain;
	}
	s->damaged = true;
	return NULL;
}

static void remove_slot(struct sessions *s, uint32_t i)
{
	_Atomic uint32_t *at = find_in_chain(s, i);

	if (at)
		set(at, get(&s->links[i].chain));
	unlink_use(s, i);
	count(&s->table->n_used, -1u);
	count(of_worker(s, get(&s->slots[i].worker)), -1u);
	s->changes++;
	uncommit(&s->slots[i]);
	release_slot(s, i);
}

static uint32_t find_slot(struct sessions *s, struct str sid)
{
	uint32_t i = index_at(s, bucket_of(s, sid));

	for (uint32_t n = 0; n < s->layout.n_slots; n++) {
		if (i == NONE || str_eq(slot_sid(&s->slots[i]), sid))
			return i;
		i = index_at(s, &s->links[i].chain);
	}
	s->damaged = true;
	return NONE;
}

static bool slot_is_sound(const struct session_slot *sl)
{
	return get(&sl->committed) == COMMITTED && slot_sid(sl).n > 0 && get(&sl->worker) != 0;
}

/* Makes everything but the slots again. The order of use is lost. */
static void rebuild(struct sessions *s)
{
	struct session_table *t = s->table;
	uint32_t n_touched = get(&t->n_touched);

	memset((void *)s->buckets, 0, s->layout.n_buckets * sizeof(*s->buckets));
	memset((void *)t->per_worker, 0, sizeof(t->per_worker));
	set(&t->n_used, 0);
	set(&t->newest, NONE);
	set(&t->oldest, NONE);
	set(&t->free_head, NONE);
	for (uint32_t i = 1; i <= n_touched && i < s->layout.n_slots; i++) {
		if (slot_is_sound(&s->slots[i])) {
			index_slot(s, i);
		} else {
			uncommit(&s->slots[i]);
			release_slot(s, i);
		}
	}
	s->changes++;
	s->damaged = false;
}

static void lock(struct sessions *s)
{
	s->damaged = false;
	if (shared_lock_take(&s->table->lock, s->self) == SHARED_LOCK_INHERITED)
		rebuild(s);
}

static void unlock(struct sessions *s)
{
	if (s->damaged) {
		log_warn(SIO_222, "router: the session table was damaged, its index is made again");
		rebuild(s);
	}
	shared_lock_release(&s->table->lock, s->self);
}

/* Opening */

static int map(struct sessions *s, int fd)
{
	const struct session_layout *at = &s->layout;
	char *p = sealed_map(fd, at->size);

	if (!p)
		return -errno;
	s->table = (void *)p;
	s->slots = (void *)(p + at->slots);
	s->links = (void *)(p + at->links);
	s->buckets = (void *)(p + at->buckets);
	return 0;
}

int sessions_open(int fd, uint32_t max, struct sessions **ret)
{
	auto_fd int owned = fd;
	struct sessions *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->layout = session_layout(max);
	s->self = getpid();
	r = map(s, owned);
	if (r < 0)
		sessions_close(s);
	else
		*ret = s;
	return r;
}

void sessions_close(struct sessions *s)
{
	if (!s)
		return;
	if (s->table)
		(void)munmap(s->table, s->layout.size);
	free(s);
}

/* Using: the functions called with the lock held come first. */

static _Atomic uint32_t *lost_place(const struct sessions *s, uint32_t h)
{
	return &s->table->lost[h % SESSION_LOST];
}

/* Its worker is dead. */
static void lose_slot(struct sessions *s, uint32_t i)
{
	uint32_t h = hash(slot_sid(&s->slots[i]));

	set(lost_place(s, h), h);
	remove_slot(s, i);
}

static bool is_leaving(const struct sessions *s, uint32_t worker)
{
	for (unsigned i = 0; i < s->n_leaving; i++)
		if (s->leaving[i].worker == worker)
			return true;
	return false;
}

static uint32_t renew(struct sessions *s, struct str sid, uint64_t now_ms)
{
	uint32_t i = find_slot(s, sid);

	if (i == NONE)
		return 0;
	if (is_leaving(s, get(&s->slots[i].worker))) {
		lose_slot(s, i);
		return 0;
	}
	if (s->slots[i].expires_ms <= now_ms) {
		remove_slot(s, i);
		return 0;
	}
	s->slots[i].expires_ms = now_ms + s->slots[i].idle_ms;
	unlink_use(s, i);
	link_newest(s, i);
	return get(&s->slots[i].worker);
}

/* One that is free or has never been in use, or NONE. */
static uint32_t take_free(struct sessions *s)
{
	struct session_table *t = s->table;
	uint32_t i = index_at(s, &t->free_head), n_touched = get(&t->n_touched);

	if (i != NONE && get(&s->slots[i].committed)) {
		s->damaged = true;
		return NONE;
	}
	if (i != NONE) {
		set(&t->free_head, get(&s->links[i].chain));
		return i;
	}
	if (n_touched >= s->layout.n_slots - 1)
		return NONE;
	set(&t->n_touched, n_touched + 1);
	return n_touched + 1;
}

/* NONE: what is in the memory does not add up, not even made again. */
static uint32_t take_slot(struct sessions *s)
{
	uint32_t i = take_free(s), oldest;

	for (int tries = 0; i == NONE && tries < 2; tries++) {
		if (s->damaged)
			rebuild(s);
		oldest = index_at(s, &s->table->oldest);
		if (oldest != NONE)
			remove_slot(s, oldest);
		else
			s->damaged = true;
		i = take_free(s);
	}
	return i;
}

static void forget(struct sessions *s, struct str sid)
{
	uint32_t i = find_slot(s, sid);

	if (i != NONE)
		remove_slot(s, i);
}

uint32_t sessions_find(struct sessions *s, struct str sid, uint64_t now_ms)
{
	uint32_t worker;

	lock(s);
	worker = renew(s, sid, now_ms);
	unlock(s);
	return worker;
}

static void fill(struct session_slot *sl, struct str sid, uint32_t worker, uint32_t idle_ms,
		 uint64_t now_ms)
{
	set(&sl->worker, worker);
	sl->idle_ms = idle_ms;
	set(&sl->len, (uint32_t)sid.n);
	sl->expires_ms = now_ms + idle_ms;
	memcpy(sl->sid, sid.p, sid.n);
	commit(sl);
}

void sessions_put(struct sessions *s, struct str sid, uint32_t worker, uint32_t idle_ms,
		  uint64_t now_ms)
{
	uint32_t i;

	assert(sid.n > 0 && sid.n <= SID_MAX && worker != 0 && idle_ms != 0);
	lock(s);
	forget(s, sid);
	i = take_slot(s);
	if (i != NONE) {
		fill(&s->slots[i], sid, worker, idle_ms, now_ms);
		index_slot(s, i);
	}
	unlock(s);
}

void sessions_remove(struct sessions *s, struct str sid)
{
	lock(s);
	forget(s, sid);
	unlock(s);
}

static uint32_t slots_touched(const struct sessions *s)
{
	uint32_t n = get(&s->table->n_touched);

	return n < s->layout.n_slots ? n : s->layout.n_slots - 1;
}

/* Holds the lock for SESSIONS_SWEEP slots at most. */
static void sweep(struct sessions *s, struct leaving *l)
{
	uint32_t end;

	lock(s);
	end = slots_touched(s);
	for (int n = 0; n < SESSIONS_SWEEP && l->next <= end; n++, l->next++) {
		const struct session_slot *sl = &s->slots[l->next];

		if (get(&sl->committed) == COMMITTED && get(&sl->worker) == l->worker)
			lose_slot(s, l->next);
	}
	unlock(s);
}

bool sessions_was_lost(const struct sessions *s, struct str sid)
{
	uint32_t h = hash(sid);

	return get(lost_place(s, h)) == h;
}

bool sessions_sweep(struct sessions *s)
{
	struct leaving *l = s->leaving;

	if (s->n_leaving == 0)
		return false;
	sweep(s, l);
	if (l->next > slots_touched(s) || sessions_count_worker(s, l->worker) == 0)
		*l = s->leaving[--s->n_leaving];
	return s->n_leaving > 0;
}

/* All routers are told of a death: they share the work. */
void sessions_remove_worker(struct sessions *s, uint32_t worker)
{
	if (sessions_count_worker(s, worker) == 0)
		return;
	while (s->n_leaving == LEAVING_MAX)
		(void)sessions_sweep(s);
	s->leaving[s->n_leaving++] = (struct leaving){ .worker = worker, .next = 1 };
	(void)sessions_sweep(s);
}

uint32_t sessions_count(const struct sessions *s)
{
	return get(&s->table->n_used);
}

uint32_t sessions_count_worker(const struct sessions *s, uint32_t worker)
{
	return get(of_worker(s, worker));
}

uint32_t sessions_changes(const struct sessions *s)
{
	return s->changes;
}

/* The list is in order of use, not of expiry, but idle times rarely differ within one app: the
 * oldest goes first. */
void sessions_expire(struct sessions *s, uint64_t now_ms)
{
	lock(s);
	for (int n = 0; n < EXPIRE_BATCH; n++) {
		uint32_t oldest = index_at(s, &s->table->oldest);

		if (oldest == NONE || s->slots[oldest].expires_ms > now_ms)
			break;
		remove_slot(s, oldest);
	}
	unlock(s);
}
