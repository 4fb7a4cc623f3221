/* The shared memory. It is sparse: rows of slots and routers that do not exist cost no page. */
#include "ipc/scoreboard.h"

#include <sys/mman.h>

#include "base/fd.h"
#include "ipc/sealed.h"

#include "base/ban.h"

enum { INIT_SILENCE_MS = 10000 };

int scoreboard_create(void)
{
	return sealed_create("sioinit-scoreboard", sizeof(struct scoreboard));
}

struct scoreboard *scoreboard_map(int fd)
{
	auto_fd int owned = fd;

	return sealed_map(owned, sizeof(struct scoreboard));
}

struct scoreboard *scoreboard_private(void)
{
	struct scoreboard *b =
	    mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (b == MAP_FAILED)
		return NULL;
	counter_set(&b->n_routers, 1);
	return b;
}

void scoreboard_unmap(struct scoreboard *b)
{
	if (b)
		(void)munmap(b, sizeof(*b));
}

static const counter *at(const void *base, size_t offset)
{
	return (const counter *)(const void *)((const char *)base + offset);
}

uint64_t scoreboard_init_silence(const struct scoreboard *b, uint64_t now_ms)
{
	uint64_t beat_ms = counter_get(&b->beat_ms);
	uint64_t silence_ms = beat_ms && now_ms > beat_ms ? now_ms - beat_ms : 0;

	return silence_ms > INIT_SILENCE_MS ? silence_ms : 0;
}

uint64_t scoreboard_total(const struct scoreboard *b, size_t offset)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < counter_get(&b->n_routers) && i < ROUTERS_MAX; i++)
		sum += counter_get(at(&b->routers[i], offset));
	return sum;
}

uint64_t scoreboard_slot_total(const struct scoreboard *b, unsigned slot, size_t offset)
{
	return scoreboard_total(b, offsetof(struct scoreboard_router, shares) +
				       slot * sizeof(struct scoreboard_share) + offset);
}

/* By other bits than those that a tally chooses its cells by. */
struct tally *scoreboard_websockets(struct scoreboard *b, uint64_t key)
{
	return &b->websockets[(key * 0x9e3779b97f4a7c15u) >> 62 & (WEBSOCKET_TALLIES - 1)];
}

void scoreboard_router_ended(struct scoreboard *b, unsigned router)
{
	struct scoreboard_router *r = &b->routers[router];

	counter_set(&r->clients, 0);
	counter_set(&r->admin_viewers, 0);
	tally_free_all(&r->visitors);
	for (uint64_t slot = 0; slot < counter_get(&b->wanted) && slot < SCOREBOARD_ROWS; slot++) {
		counter_set(&r->shares[slot].in_flight, 0);
		counter_set(&r->shares[slot].upstreams, 0);
		counter_set(&r->shares[slot].tunnels, 0);
	}
}

static uint64_t handoffs(const struct scoreboard *b, unsigned slot)
{
	return scoreboard_slot_total(b, slot, offsetof(struct scoreboard_share, handoffs));
}

bool scoreboard_has_clients(const struct scoreboard *b, unsigned slot, uint32_t pid)
{
	const struct scoreboard_row *row = &b->rows[slot];

	return counter_get(&row->base) >> 32 == pid &&
	       (handoffs(b, slot) != counter_get(&row->before) || counter_get(&row->pending));
}

uint32_t scoreboard_claim_base(struct scoreboard *b, unsigned slot, uint32_t pid, uint32_t fds)
{
	struct scoreboard_row *row = &b->rows[slot];
	uint64_t mine = (uint64_t)pid << 32 | fds, known = counter_get(&row->base);

	if (known >> 32 != pid)
		counter_set(&row->before, handoffs(b, slot));
	else if (scoreboard_has_clients(b, slot, pid))
		return (uint32_t)known;
	if (atomic_compare_exchange_strong(&row->base, &known, mine) || known >> 32 != pid)
		return fds;
	return (uint32_t)known;
}

#define BOUNDS(...)                                                                                \
	{                                                                                          \
		.n = sizeof((uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t), .us = { __VA_ARGS__ } \
	}

const struct histogram_bounds scoreboard_request_bounds =
    BOUNDS(5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000);
const struct histogram_bounds scoreboard_handoff_bounds =
    BOUNDS(100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 1000000, 5000000);
const struct histogram_bounds scoreboard_lag_bounds =
    BOUNDS(500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000,
	   5000000, 10000000);
const struct histogram_bounds scoreboard_ready_bounds =
    BOUNDS(50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 20000000, 30000000,
	   60000000, 120000000);
const struct histogram_bounds scoreboard_drain_bounds =
    BOUNDS(100000, 500000, 1000000, 2500000, 5000000, 10000000, 15000000, 20000000, 25000000,
	   30000000, 60000000, 120000000, 300000000);

void scoreboard_count_request(struct scoreboard_router *b, uint64_t ms)
{
	histogram_observe(&b->requests_took, &scoreboard_request_bounds, ms * 1000);
}

void scoreboard_show_request(struct scoreboard_router *b, const struct exemplar_values *v)
{
	exemplar_set(&b->shown[histogram_bucket(&scoreboard_request_bounds, v->us)], v);
}

bool scoreboard_exemplar(const struct scoreboard *b, unsigned bucket, struct exemplar_values *ret)
{
	struct exemplar_values v;

	*ret = (struct exemplar_values){ 0 };
	for (uint64_t i = 0; i < counter_get(&b->n_routers) && i < ROUTERS_MAX; i++)
		if (exemplar_get(&b->routers[i].shown[bucket], &v) && v.at_ms > ret->at_ms)
			*ret = v;
	return ret->at_ms > 0;
}
