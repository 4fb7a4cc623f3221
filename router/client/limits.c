/* Limits by address and by rate. See limits.h. */
#include "router/client/limits.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"

#include "base/ban.h"

enum { V4_AT = 12, NETWORK = 8 /* bytes */ };

/* One client that init has been sent. */
struct handed_over {
	struct handed_over *prev, *next;
	struct visitor *visitor;
	uint64_t number; /* init has it when it has received so many */
};

static const uint64_t CLOCKS_DIFFER_NS = 10000000000;

/* An IPv4 address becomes a network of IPv6's multicast addresses, and ::/64, which has ::1, the
 * network after it, which no client has (RFC 4291, 2.4). */
uint64_t visitor_key(const struct ip *ip)
{
	bool v4 = ip_is_v4(ip);
	uint64_t key = v4 ? UINT32_MAX : 0;

	for (int i = v4 ? V4_AT : 0; i < (v4 ? V4_AT + 4 : NETWORK); i++)
		key = key << 8 | ip->byte[i];
	return key ? key : 1;
}

void visitors_share(struct visitors *vs, struct scoreboard *board, unsigned router)
{
	vs->board = board;
	vs->shared = counter_get(&board->n_routers) > 1;
	vs->router = router;
	vs->n_handed_over = counter_get(&board->websockets_received[router]);
}

/* At other routers and at workers. */
static uint64_t elsewhere(const struct visitors *vs, uint64_t key)
{
	struct scoreboard *b = vs->board;
	uint64_t n = b ? tally_get(scoreboard_websockets(b, key), key) : 0;

	for (unsigned i = 0; vs->shared && i < counter_get(&b->n_routers) && i < ROUTERS_MAX; i++)
		if (i != vs->router)
			n += tally_get(&b->routers[i].visitors, key);
	return n;
}

static void publish(const struct visitors *vs, struct visitor *v)
{
	struct tally *ours = vs->shared ? &vs->board->routers[vs->router].visitors : NULL;

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

static struct visitor *one_more(struct visitors *vs, struct visitor *v, uint64_t key)
{
	if (!v)
		v = visitor_new(vs, key);
	if (!v)
		return NULL;
	v->n++;
	publish(vs, v);
	return v;
}

static void free_if_gone(struct visitors *vs, struct visitor *v)
{
	if (v->n > 0 || v->handed_over > 0)
		return;
	HASH_DEL(vs->by_key, v); /* NOLINT(clang-analyzer-*): takes it out */
	free(v);
}

static void forget_first(struct visitors *vs)
{
	struct handed_over *h = vs->handed_over;

	DL_DELETE(vs->handed_over, h);
	h->visitor->handed_over--;
	free_if_gone(vs, h->visitor);
	free(h);
}

/* Those that init counts by now. */
static void forget_received(struct visitors *vs)
{
	uint64_t received;

	if (!vs->handed_over)
		return;
	received = counter_get(&vs->board->websockets_received[vs->router]);
	while (vs->handed_over && vs->handed_over->number <= received)
		forget_first(vs);
}

static void count_refused(struct visitors *vs)
{
	if (vs->board)
		counter_add(&vs->board->routers[vs->router].visitors_refused, 1);
}

static struct visitor *find(const struct visitors *vs, uint64_t key)
{
	struct visitor *v;

	HASH_FIND(hh, vs->by_key, &key, sizeof(key), v);
	return v;
}

struct visitor *visitor_enter(struct visitors *vs, const struct ip *ip, uint32_t max)
{
	uint64_t key = visitor_key(ip), here;
	struct visitor *v;

	forget_received(vs);
	v = find(vs, key);
	here = v ? (uint64_t)v->n + v->handed_over : 0;
	if (here + elsewhere(vs, key) < max)
		return one_more(vs, v, key);
	count_refused(vs);
	return NULL;
}

struct visitor *visitor_return(struct visitors *vs, uint64_t key)
{
	return key ? one_more(vs, find(vs, key), key) : NULL;
}

void visitor_leave(struct visitors *vs, struct visitor **v)
{
	struct visitor *left = *v;

	*v = NULL;
	if (!left)
		return;
	left->n--;
	publish(vs, left);
	free_if_gone(vs, left);
}

void visitor_hand_over(struct visitors *vs, struct visitor **v)
{
	struct handed_over *h = *v && vs->board ? malloc(sizeof(*h)) : NULL;

	vs->n_handed_over += *v != NULL; /* as init counts them */
	if (h) {
		*h = (struct handed_over){ .visitor = *v, .number = vs->n_handed_over };
		h->visitor->handed_over++;
		DL_APPEND(vs->handed_over, h);
	}
	visitor_leave(vs, v);
}

void visitors_close(struct visitors *vs)
{
	while (vs->handed_over)
		forget_first(vs);
}

/* GCRA: *paid_ns is the theoretical arrival time, and who comes is admitted while it is at most
 * burst/rate ahead of now. Routers' clocks differ by a turn of their loops; what is much further
 * ahead was written by nobody who keeps to this. */
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

/* The bucket of @key, or one that is taken for it: the one that is full for the longest, or else
 * the fullest. Routers that write at the same time may give @key two for a while, or one of them a
 * token of another address; then somebody has a burst more, or begins a token later. */
static counter *bucket_of(struct rate_cell cells[static RATE_WAYS], uint64_t key, uint64_t now_ns)
{
	struct rate_cell *least = cells;
	uint64_t other;

	for (int i = 0; i < RATE_WAYS; i++) {
		if (counter_get(&cells[i].key) == key)
			return &cells[i].paid_ns;
		if (counter_get(&cells[i].paid_ns) < counter_get(&least->paid_ns))
			least = &cells[i];
	}
	other = counter_get(&least->key);
	if (atomic_compare_exchange_strong(&least->key, &other, key))
		counter_set(&least->paid_ns, now_ns);
	return &least->paid_ns;
}

static void say_rate(struct visitors *vs, const struct ip *ip, uint32_t rate)
{
	char addr[IP_TEXT_MAX];

	if (vs->told_rate)
		return;
	vs->told_rate = true;
	ip_print(ip, addr);
	log_warn(SIO_210,
		 "router: %s begins more sessions than SIOINIT_HANDSHAKE_RATE_PER_ADDRESS=%u "
		 "allows; more get 429 (not said again)",
		 addr, rate);
}

bool visitor_may_begin(struct visitors *vs, const struct ip *ip, uint32_t rate, uint32_t burst,
		       uint64_t now_ms)
{
	uint64_t key = visitor_key(ip);
	struct rate_cell *cells;

	if (rate == 0 || !vs->board)
		return true;
	cells = vs->board->handshakes_of[key * 0x9e3779b97f4a7c15u >> 32 & (RATE_SETS - 1)];
	if (limits_take_token(bucket_of(cells, key, now_ms * 1000000), rate, burst, now_ms))
		return true;
	say_rate(vs, ip, rate);
	return false;
}
