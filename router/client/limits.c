/* Limits by address and by rate. See limits.h. */
#include "router/client/limits.h"

#include <stdlib.h>
#include <string.h>

#include "base/ban.h"

enum { V4_AT = 12, NETWORK = 8 /* bytes */ };

static const uint64_t CLOCKS_DIFFER_NS = 10000000000;

/* An IPv4 address becomes a network of IPv6's multicast addresses, which no client has. */
static uint64_t key_of(const struct ip *ip)
{
	bool v4 = ip_is_v4(ip);
	uint64_t key = v4 ? UINT32_MAX : 0;

	for (int i = v4 ? V4_AT : 0; i < (v4 ? V4_AT + 4 : NETWORK); i++)
		key = key << 8 | ip->byte[i];
	return key;
}

void visitors_share(struct visitors *vs, struct scoreboard *board, unsigned router)
{
	vs->shared = counter_get(&board->n_routers) > 1 ? board : NULL;
	vs->router = router;
}

static uint64_t elsewhere(const struct visitors *vs, uint64_t key)
{
	const struct scoreboard *b = vs->shared;
	uint64_t n = 0;

	for (unsigned i = 0; b && i < counter_get(&b->n_routers) && i < ROUTERS_MAX; i++)
		if (i != vs->router)
			n += tally_get(&b->routers[i].visitors, key);
	return n;
}

static void publish(const struct visitors *vs, struct visitor *v)
{
	struct tally *ours = vs->shared ? &vs->shared->routers[vs->router].visitors : NULL;

	if (!v->cell && ours)
		v->cell = tally_find_room(ours, v->key);
	if (v->cell)
		tally_set(ours, v->cell, v->n);
}

static struct visitor *visitor_new(struct visitors *vs, uint64_t key)
{
	struct visitor *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->key = key;
	HASH_ADD(hh, vs->by_key, key, sizeof(v->key), v);
	return v;
}

struct visitor *visitor_enter(struct visitors *vs, const struct ip *ip, uint32_t max)
{
	uint64_t key = key_of(ip);
	struct visitor *v;

	HASH_FIND(hh, vs->by_key, &key, sizeof(key), v);
	if ((v ? v->n : 0) + elsewhere(vs, key) >= max)
		return NULL;
	if (!v)
		v = visitor_new(vs, key);
	if (!v)
		return NULL;
	v->n++;
	publish(vs, v);
	return v;
}

void visitor_leave(struct visitors *vs, struct visitor **v)
{
	struct visitor *left = *v;

	*v = NULL;
	if (!left)
		return;
	left->n--;
	publish(vs, left);
	if (left->n > 0)
		return;
	HASH_DEL(vs->by_key, left); /* NOLINT(clang-analyzer-unix.Malloc): takes it out */
	free(left);
}

/* Each token is paid with the time that it takes to be filled in. What is paid for may lie as far
 * ahead of now as a full bucket takes to fill, so one number is all there is of it. Routers' clocks
 * differ by a turn of their loops; what lies much further ahead than that nobody has paid. */
bool limits_take_token(counter *paid_ns, uint32_t rate, uint32_t burst, uint64_t now_ms)
{
	uint64_t price = rate ? 1000000000 / rate : 0, full = price * (burst ? burst : rate);
	uint64_t now_ns = now_ms * 1000000, paid, next;

	if (rate == 0)
		return true;
	paid = counter_get(paid_ns);
	do {
		bool ahead = paid > now_ns && paid - now_ns <= full + CLOCKS_DIFFER_NS;

		next = (ahead ? paid : now_ns) + price;
		if (next - now_ns > full)
			return false;
	} while (!atomic_compare_exchange_weak(paid_ns, &paid, next));
	return true;
}
