/* The session table. All of it is in the memfd: an array of fixed slots, touched lowest first, so
 * that its cost grows with the sessions that there are; hash chains, one list in order of use, one
 * counter per worker. One mutex guards it: it is held for a fraction of a microsecond, and its
 * robustness (pthread_mutexattr_setrobust(3)) tells the next holder that the last one was killed
 * with it. Then all but the slots is made again from what is committed in them; a death in the
 * middle of that is the same case once more.
 *
 * A killed process has executed its stores in program order up to some point, so only the compiler
 * has to be kept from moving them. The clock is CLOCK_MONOTONIC of one boot (uv_hrtime), which all
 * routers share. */
#include "router/sessions.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "router/sid.h"

#include "base/ban.h"

/* Slot 0 is never used, so that 0 means none and fresh zero pages are empty tables. */
enum {
	NONE = 0,
	COMMITTED = 0x73696f31,
	SET_UP = 0x73696f32,
	WORKER_BUCKETS = 65536,
	EXPIRE_BATCH = 256,
	PAGE = 4096,
};

struct slot {
	_Atomic uint32_t committed; /* COMMITTED or 0: free */
	uint32_t worker;
	uint32_t idle_ms;
	uint32_t len;
	uint64_t expires_ms;
	char sid[SID_MAX];
};

/* Bookkeeping of a slot. */
struct link {
	uint32_t chain;        /* next with the same hash bucket, or next free */
	uint32_t newer, older; /* order of use */
};

struct table {
	uint32_t set_up; /* SET_UP, written last */
	uint32_t n_slots, n_buckets;
	pthread_mutex_t lock;
	uint32_t n_touched, newest, oldest, free_head;
	/* read without the lock */
	_Atomic uint32_t n_used;
	_Atomic uint32_t per_worker[WORKER_BUCKETS]; /* by id modulo: live workers would share one
							only if 65536 starts lay between theirs */
};

struct sessions {
	struct table *table;
	struct slot *slots;
	struct link *links;
	uint32_t *buckets;
	size_t size; /* of the mapping */
};

/* FNV-1a with a final mix. The table is bounded and sids are the server's, so no keyed hash is
 * needed. */
static uint32_t hash(struct str sid)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < sid.n; i++)
		h = (h ^ (unsigned char)sid.p[i]) * 16777619u;
	return h ^ (h >> 15);
}

static uint32_t *bucket_of(struct sessions *s, struct str sid)
{
	return &s->buckets[hash(sid) & (s->table->n_buckets - 1)];
}

/* By the holder of the lock, so no read-modify-write is needed. */
static void count(_Atomic uint32_t *n, uint32_t by)
{
	atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + by,
			      memory_order_relaxed);
}

static _Atomic uint32_t *of_worker(struct sessions *s, uint32_t worker)
{
	return &s->table->per_worker[worker % WORKER_BUCKETS];
}

static struct str slot_sid(const struct slot *sl)
{
	return (struct str){ sl->sid, sl->len };
}

static void unlink_use(struct sessions *s, uint32_t i)
{
	struct link *l = &s->links[i];

	if (l->newer == NONE)
		s->table->newest = l->older;
	else
		s->links[l->newer].older = l->older;
	if (l->older == NONE)
		s->table->oldest = l->newer;
	else
		s->links[l->older].newer = l->newer;
}

static void link_newest(struct sessions *s, uint32_t i)
{
	s->links[i].newer = NONE;
	s->links[i].older = s->table->newest;
	if (s->table->newest != NONE)
		s->links[s->table->newest].newer = i;
	else
		s->table->oldest = i;
	s->table->newest = i;
}

static void index_slot(struct sessions *s, uint32_t i)
{
	uint32_t *bucket = bucket_of(s, slot_sid(&s->slots[i]));

	s->links[i].chain = *bucket;
	*bucket = i;
	link_newest(s, i);
	count(&s->table->n_used, 1);
	count(of_worker(s, s->slots[i].worker), 1);
}

static void release_slot(struct sessions *s, uint32_t i)
{
	s->links[i].chain = s->table->free_head;
	s->table->free_head = i;
}

static void commit(struct slot *sl)
{
	atomic_signal_fence(memory_order_seq_cst);
	atomic_store_explicit(&sl->committed, COMMITTED, memory_order_relaxed);
}

static void uncommit(struct slot *sl)
{
	atomic_store_explicit(&sl->committed, 0, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
}

static void remove_slot(struct sessions *s, uint32_t i)
{
	uint32_t *at = bucket_of(s, slot_sid(&s->slots[i]));

	while (*at != i)
		at = &s->links[*at].chain;
	*at = s->links[i].chain;
	unlink_use(s, i);
	count(&s->table->n_used, -1u);
	count(of_worker(s, s->slots[i].worker), -1u);
	uncommit(&s->slots[i]);
	release_slot(s, i);
}

static uint32_t find_slot(struct sessions *s, struct str sid)
{
	uint32_t i = *bucket_of(s, sid);

	while (i != NONE && !str_eq(slot_sid(&s->slots[i]), sid))
		i = s->links[i].chain;
	return i;
}

static bool slot_is_sound(const struct slot *sl)
{
	return sl->committed == COMMITTED && sl->len > 0 && sl->len <= SID_MAX && sl->worker != 0;
}

/* Makes everything but the slots again. The order of use is lost. */
static void rebuild(struct sessions *s)
{
	struct table *t = s->table;

	memset(s->buckets, 0, t->n_buckets * sizeof(*s->buckets));
	memset((void *)t->per_worker, 0, sizeof(t->per_worker));
	t->n_used = t->newest = t->oldest = t->free_head = NONE;
	for (uint32_t i = 1; i <= t->n_touched && i < t->n_slots; i++) {
		if (slot_is_sound(&s->slots[i])) {
			index_slot(s, i);
		} else {
			uncommit(&s->slots[i]);
			release_slot(s, i);
		}
	}
}

static void lock(struct sessions *s)
{
	int e = pthread_mutex_lock(&s->table->lock);

	if (e == EOWNERDEAD) {
		rebuild(s);
		e = pthread_mutex_consistent(&s->table->lock);
	}
	assert(e == 0);
}

static void unlock(struct sessions *s)
{
	(void)pthread_mutex_unlock(&s->table->lock);
}

/* Opening */

static uint32_t power_of_two(uint32_t at_least)
{
	uint32_t n = 1024;

	while (n < at_least && n < 1u << 30)
		n *= 2;
	return n;
}

static size_t pages(size_t bytes)
{
	return (bytes + PAGE - 1) / PAGE * PAGE;
}

/* The memory is sparse: what is not touched costs nothing. */
static int map(struct sessions *s, int fd, uint32_t n_slots, uint32_t n_buckets)
{
	size_t slots = pages(sizeof(struct table));
	size_t links = slots + pages(n_slots * sizeof(struct slot));
	size_t buckets = links + pages(n_slots * sizeof(struct link));
	struct stat st;
	char *p;

	s->size = buckets + pages(n_buckets * sizeof(uint32_t));
	if (fstat(fd, &st) < 0 || (st.st_size == 0 && ftruncate(fd, (off_t)s->size) < 0))
		return -errno;
	if (st.st_size != 0 && (size_t)st.st_size != s->size)
		return -EINVAL;
	p = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	s->table = (void *)p;
	s->slots = (void *)(p + slots);
	s->links = (void *)(p + links);
	s->buckets = (void *)(p + buckets);
	return 0;
}

static int set_up(struct table *t, uint32_t n_slots, uint32_t n_buckets)
{
	pthread_mutexattr_t a;
	int e = pthread_mutexattr_init(&a);

	if (e)
		return -e;
	e = pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	e = e ? e : pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	e = e ? e : pthread_mutex_init(&t->lock, &a);
	(void)pthread_mutexattr_destroy(&a);
	if (e)
		return -e;
	t->n_slots = n_slots;
	t->n_buckets = n_buckets;
	atomic_signal_fence(memory_order_seq_cst);
	t->set_up = SET_UP;
	return 0;
}

/* One process at a time sets it up: a lock of the process (F_SETLK), as the routers' descriptors
 * are copies of one; the kernel drops it when the process dies. */
static int open_table(struct sessions *s, int fd, uint32_t n_slots)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	uint32_t n_buckets = power_of_two(n_slots - 1);
	int r;

	if (fcntl(fd, F_SETLKW, &whole) < 0)
		return -errno;
	r = map(s, fd, n_slots, n_buckets);
	assert(r < 0 || s->table);
	if (r == 0 && s->table->set_up != SET_UP)
		r = set_up(s->table, n_slots, n_buckets);
	whole.l_type = F_UNLCK;
	(void)fcntl(fd, F_SETLK, &whole);
	return r;
}

int sessions_open(int fd, uint32_t max, struct sessions **ret)
{
	auto_fd int owned = fd;
	struct sessions *s = calloc(1, sizeof(*s));
	int r = s ? open_table(s, owned, max + 1) : -ENOMEM;

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
		(void)munmap(s->table, s->size);
	free(s);
}

/* Using: the functions called with the lock held come first. */

static uint32_t renew(struct sessions *s, struct str sid, uint64_t now_ms)
{
	uint32_t i = find_slot(s, sid);

	if (i == NONE)
		return 0;
	if (s->slots[i].expires_ms <= now_ms) {
		remove_slot(s, i);
		return 0;
	}
	s->slots[i].expires_ms = now_ms + s->slots[i].idle_ms;
	unlink_use(s, i);
	link_newest(s, i);
	return s->slots[i].worker;
}

static uint32_t take_slot(struct sessions *s)
{
	uint32_t i = s->table->free_head;

	if (i == NONE && s->table->n_touched + 1 < s->table->n_slots)
		return ++s->table->n_touched;
	if (i == NONE) {
		remove_slot(s, s->table->oldest);
		i = s->table->free_head;
	}
	s->table->free_head = s->links[i].chain;
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

void sessions_put(struct sessions *s, struct str sid, uint32_t worker, uint32_t idle_ms,
		  uint64_t now_ms)
{
	struct slot *sl;
	uint32_t i;

	assert(sid.n > 0 && sid.n <= SID_MAX && worker != 0 && idle_ms != 0);
	lock(s);
	forget(s, sid);
	i = take_slot(s);
	sl = &s->slots[i];
	sl->worker = worker;
	sl->idle_ms = idle_ms;
	sl->len = (uint32_t)sid.n;
	sl->expires_ms = now_ms + idle_ms;
	memcpy(sl->sid, sid.p, sid.n);
	commit(sl);
	index_slot(s, i);
	unlock(s);
}

void sessions_remove(struct sessions *s, struct str sid)
{
	lock(s);
	forget(s, sid);
	unlock(s);
}

/* All routers are told of a death: the first one does the work. */
void sessions_remove_worker(struct sessions *s, uint32_t worker)
{
	if (sessions_count_worker(s, worker) == 0)
		return;
	lock(s);
	for (uint32_t i = s->table->newest, older; i != NONE; i = older) {
		older = s->links[i].older;
		if (s->slots[i].worker == worker)
			remove_slot(s, i);
	}
	unlock(s);
}

uint32_t sessions_count(const struct sessions *s)
{
	return atomic_load_explicit(&s->table->n_used, memory_order_relaxed);
}

uint32_t sessions_count_worker(const struct sessions *s, uint32_t worker)
{
	return atomic_load_explicit(&s->table->per_worker[worker % WORKER_BUCKETS],
				    memory_order_relaxed);
}

/* The list is in order of use, not of expiry, but idle times rarely differ within one app: the
 * oldest goes first. */
void sessions_expire(struct sessions *s, uint64_t now_ms)
{
	const struct table *t = s->table;

	lock(s);
	for (int n = 0; n < EXPIRE_BATCH && t->oldest != NONE; n++) {
		if (s->slots[t->oldest].expires_ms > now_ms)
			break;
		remove_slot(s, t->oldest);
	}
	unlock(s);
}
