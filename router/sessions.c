/* The session table. Memory: an array of fixed slots in the shared memfd, touched lowest first, so
 * that its cost grows with the sessions that there are. In private memory: hash chains, one list in
 * order of use, one counter per worker. The clock is CLOCK_MONOTONIC of one boot (uv_hrtime), which
 * both routers share. */
#include "router/sessions.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "router/sid.h"

#include "base/ban.h"

/* Slot 0 is never used, so that 0 means none and fresh zero pages are empty tables. */
enum { NONE = 0, COMMITTED = 0x73696f31, WORKER_BUCKETS = 256, EXPIRE_BATCH = 256 };

struct slot {
	_Atomic uint32_t committed; /* COMMITTED or 0: free */
	uint32_t worker;
	uint32_t idle_ms;
	uint32_t len;
	uint64_t expires_ms;
	char sid[SID_MAX];
};

/* Private bookkeeping of a slot. */
struct link {
	uint32_t chain;        /* next with the same hash bucket, or next free */
	uint32_t newer, older; /* order of use */
};

struct sessions {
	struct slot *slots;
	struct link *links;
	uint32_t *buckets, n_buckets;
	uint32_t n_slots, n_touched, n_used;
	uint32_t newest, oldest, free_head;
	uint32_t per_worker[WORKER_BUCKETS]; /* by id modulo: ids grow by one, so live ones do not
						share */
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
	return &s->buckets[hash(sid) & (s->n_buckets - 1)];
}

static struct str slot_sid(const struct slot *sl)
{
	return (struct str){ sl->sid, sl->len };
}

static void unlink_use(struct sessions *s, uint32_t i)
{
	struct link *l = &s->links[i];

	if (l->newer == NONE)
		s->newest = l->older;
	else
		s->links[l->newer].older = l->older;
	if (l->older == NONE)
		s->oldest = l->newer;
	else
		s->links[l->older].newer = l->newer;
}

static void link_newest(struct sessions *s, uint32_t i)
{
	s->links[i].newer = NONE;
	s->links[i].older = s->newest;
	if (s->newest != NONE)
		s->links[s->newest].newer = i;
	else
		s->oldest = i;
	s->newest = i;
}

static void index_slot(struct sessions *s, uint32_t i)
{
	uint32_t *bucket = bucket_of(s, slot_sid(&s->slots[i]));

	s->links[i].chain = *bucket;
	*bucket = i;
	link_newest(s, i);
	s->n_used++;
	s->per_worker[s->slots[i].worker % WORKER_BUCKETS]++;
}

static void release_slot(struct sessions *s, uint32_t i)
{
	s->links[i].chain = s->free_head;
	s->free_head = i;
}

static void remove_slot(struct sessions *s, uint32_t i)
{
	uint32_t *at = bucket_of(s, slot_sid(&s->slots[i]));

	while (*at != i)
		at = &s->links[*at].chain;
	*at = s->links[i].chain;
	unlink_use(s, i);
	s->n_used--;
	s->per_worker[s->slots[i].worker % WORKER_BUCKETS]--;
	atomic_store_explicit(&s->slots[i].committed, 0, memory_order_release);
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

/* Slots are touched lowest first and a slot once used stays non-zero, so the first all-zero one
 * ends the search. */
static void recover(struct sessions *s, uint64_t now_ms)
{
	assert(s->slots);
	for (uint32_t i = 1; i < s->n_slots && s->slots[i].idle_ms != 0; i++) {
		s->n_touched = i;
		if (slot_is_sound(&s->slots[i]) && s->slots[i].expires_ms > now_ms)
			index_slot(s, i);
		else
			release_slot(s, i);
	}
}

static int map_slots(struct sessions *s, int fd)
{
	size_t size = (size_t)s->n_slots * sizeof(struct slot);
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0 || ((size_t)st.st_size < size && ftruncate(fd, (off_t)size) < 0))
		return -errno;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	s->slots = p;
	return 0;
}

/* Fresh anonymous pages are zero, and those never touched cost nothing. */
static void *map_private(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static uint32_t power_of_two(uint32_t at_least)
{
	uint32_t n = 1024;

	while (n < at_least && n < 1u << 30)
		n *= 2;
	return n;
}

int sessions_open(int fd, uint32_t max, uint64_t now_ms, struct sessions **ret)
{
	auto_fd int owned = fd;
	struct sessions *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->n_slots = max + 1;
	s->n_buckets = power_of_two(max);
	r = map_slots(s, owned);
	s->links = map_private((size_t)s->n_slots * sizeof(struct link));
	s->buckets = map_private((size_t)s->n_buckets * sizeof(uint32_t));
	if (r == 0 && (!s->links || !s->buckets))
		r = -ENOMEM;
	if (r < 0) {
		sessions_close(s);
		return r;
	}
	recover(s, now_ms);
	*ret = s;
	return 0;
}

void sessions_close(struct sessions *s)
{
	if (!s)
		return;
	if (s->slots)
		(void)munmap(s->slots, (size_t)s->n_slots * sizeof(struct slot));
	if (s->links)
		(void)munmap(s->links, (size_t)s->n_slots * sizeof(struct link));
	if (s->buckets)
		(void)munmap(s->buckets, (size_t)s->n_buckets * sizeof(uint32_t));
	free(s);
}

uint32_t sessions_find(struct sessions *s, struct str sid, uint64_t now_ms)
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
	uint32_t i = s->free_head;

	if (i == NONE && s->n_touched + 1 < s->n_slots)
		return ++s->n_touched;
	if (i == NONE) {
		remove_slot(s, s->oldest);
		i = s->free_head;
	}
	s->free_head = s->links[i].chain;
	return i;
}

void sessions_put(struct sessions *s, struct str sid, uint32_t worker, uint32_t idle_ms,
		  uint64_t now_ms)
{
	uint32_t i = find_slot(s, sid);
	struct slot *sl;

	assert(sid.n > 0 && sid.n <= SID_MAX && worker != 0 && idle_ms != 0);
	if (i != NONE)
		remove_slot(s, i);
	i = take_slot(s);
	sl = &s->slots[i];
	sl->worker = worker;
	sl->idle_ms = idle_ms;
	sl->len = (uint32_t)sid.n;
	sl->expires_ms = now_ms + idle_ms;
	memcpy(sl->sid, sid.p, sid.n);
	atomic_store_explicit(&sl->committed, COMMITTED, memory_order_release);
	index_slot(s, i);
}

void sessions_remove(struct sessions *s, struct str sid)
{
	uint32_t i = find_slot(s, sid);

	if (i != NONE)
		remove_slot(s, i);
}

void sessions_remove_worker(struct sessions *s, uint32_t worker)
{
	for (uint32_t i = s->newest, older; i != NONE; i = older) {
		older = s->links[i].older;
		if (s->slots[i].worker == worker)
			remove_slot(s, i);
	}
}

uint32_t sessions_count(const struct sessions *s)
{
	return s->n_used;
}

uint32_t sessions_count_worker(const struct sessions *s, uint32_t worker)
{
	return s->per_worker[worker % WORKER_BUCKETS];
}

/* The list is in order of use, not of expiry, but idle times rarely differ within one app: the
 * oldest goes first. */
void sessions_expire(struct sessions *s, uint64_t now_ms)
{
	for (int n = 0; n < EXPIRE_BATCH && s->oldest != NONE; n++) {
		if (s->slots[s->oldest].expires_ms > now_ms)
			return;
		remove_slot(s, s->oldest);
	}
}
