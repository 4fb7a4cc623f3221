/* Sizes of the session table's parts. It is sparse: what is not touched costs nothing. */
#include "ipc/session_memory.h"

#include "ipc/sealed.h"

#include "base/ban.h"

enum { PAGE = 4096, BUCKETS_MIN = 1024 };

static uint32_t power_of_two(uint32_t at_least)
{
	uint32_t n = BUCKETS_MIN;

	while (n < at_least && n < 1u << 30)
		n *= 2;
	return n;
}

static size_t pages(size_t bytes)
{
	return (bytes + PAGE - 1) / PAGE * PAGE;
}

struct session_layout session_layout(uint32_t max)
{
	struct session_layout at = { .n_slots = max + 1, .n_buckets = power_of_two(max) };

	at.slots = pages(sizeof(struct session_table));
	at.links = at.slots + pages(at.n_slots * sizeof(struct session_slot));
	at.buckets = at.links + pages(at.n_slots * sizeof(struct session_link));
	at.size = at.buckets + pages(at.n_buckets * sizeof(uint32_t));
	return at;
}

int session_memory_create(uint32_t max)
{
	return sealed_create("sioinit-sessions", session_layout(max).size);
}
