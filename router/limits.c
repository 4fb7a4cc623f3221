/* Limits by address and by rate. See limits.h. */
#include "router/limits.h"

#include <stdlib.h>
#include <string.h>

#include "base/ban.h"

static struct ip key_of(const struct ip *ip)
{
	struct ip key = *ip;

	if (!ip_is_v4(ip))
		memset(key.byte + 8, 0, 8);
	return key;
}

static struct visitor *visitor_new(struct limits *l, const struct ip *key)
{
	struct visitor *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->key = *key;
	HASH_ADD(hh, l->visitors, key, sizeof(v->key), v);
	return v;
}

struct visitor *visitor_enter(struct limits *l, const struct ip *ip, uint32_t max)
{
	struct ip key = key_of(ip);
	struct visitor *v;

	HASH_FIND(hh, l->visitors, &key, sizeof(key), v);
	if (!v)
		v = visitor_new(l, &key);
	if (!v || v->n >= max)
		return NULL;
	v->n++;
	return v;
}

void visitor_leave(struct limits *l, struct visitor **v)
{
	struct visitor *left = *v;

	*v = NULL;
	if (!left || --left->n > 0)
		return;
	HASH_DEL(l->visitors, left); /* NOLINT(clang-analyzer-unix.Malloc): takes it out */
	free(left);
}

/* A rate per second is as many thousandths per millisecond. */
static void fill(struct limits *l, uint32_t rate, uint64_t most, uint64_t now_ms)
{
	uint64_t passed = now_ms - l->filled_at_ms;

	if (!l->filled || passed > (most - l->millitokens) / rate)
		l->millitokens = most;
	else
		l->millitokens += passed * rate;
	l->filled = true;
	l->filled_at_ms = now_ms;
}

bool limits_take_token(struct limits *l, uint32_t rate, uint32_t burst, uint64_t now_ms)
{
	if (rate == 0)
		return true;
	fill(l, rate, (uint64_t)(burst ? burst : rate) * 1000, now_ms);
	if (l->millitokens < 1000)
		return false;
	l->millitokens -= 1000;
	return true;
}
