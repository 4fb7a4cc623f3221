/* Stickiness. A cookie's value is the worker's id, mixed with the start of this sioinit, so that a
 * cookie of another one (or of before) names nobody: then the client gets a new one. */
#include "router/backend/choose.h"

#include <stdio.h>

#include "base/macros.h"
#include "router/core.h"
#include "router/http/head.h"
#include "router/session/sid.h"
#include "router/session/table.h"

#include "base/ban.h"

/* The finalizer of splitmix64: a permutation. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

uint64_t sticky_key(struct str value)
{
	uint64_t h = 14695981039346656037u; /* FNV-1a */

	for (size_t i = 0; i < value.n; i++)
		h = (h ^ (unsigned char)value.p[i]) * 1099511628211u;
	return h;
}

uint64_t sticky_weight(uint64_t key, uint32_t slot)
{
	return mix(key ^ mix(slot));
}

/* Cookies */

static void write_value(const struct router *r, uint32_t id, char dst[static STICKY_VALUE_SIZE])
{
	uint64_t v = mix(mix(counter_get(&r->shared->started_ms)) ^ id);

	(void)snprintf(dst, STICKY_VALUE_SIZE, "%016llx", (unsigned long long)v);
}

struct cookie sticky_cookie(const struct router *r, uint32_t id, struct str had,
			    char dst[static STICKY_VALUE_SIZE])
{
	write_value(r, id, dst);
	if (r->conf->sticky != STICKY_COOKIE || str_eq(had, str_of(dst)))
		return (struct cookie){ 0 };
	return (struct cookie){ .name = str_of(r->conf->sticky_cookie),
				.value = str_of(dst),
				.attributes = str_of(r->conf->sticky_cookie_attributes) };
}

/* Sessions go on where they are; others are not sent to a worker that is about to leave. */
static struct worker *by_cookie(struct router *r, const struct sticky_request *rq)
{
	struct str had = cookie_of(rq->head, str_of(r->conf->sticky_cookie));
	struct worker *w, *next;
	char value[STICKY_VALUE_SIZE];

	if (had.n != STICKY_VALUE_SIZE - 1)
		return NULL;
	HASH_ITER(hh, r->workers.by_id, w, next)
	{
		write_value(r, w->id, value);
		if (!str_eq(had, str_of(value)))
			continue;
		return rq->sid->sid.n || w->state < WORKER_DRAINING
			   ? workers_serving(&r->workers, w->id)
			   : NULL;
	}
	return NULL;
}

/* Hashes */

static struct str no_key(const struct router *r, const struct sticky_request *rq)
{
	(void)r;
	(void)rq;
	return (struct str){ 0 };
}

static struct str address_of(const struct router *r, const struct sticky_request *rq)
{
	(void)r;
	return rq->addr;
}

static struct str header_of(const struct router *r, const struct sticky_request *rq)
{
	return http_field_get(rq->head, str_of(r->conf->sticky_name));
}

static struct str parameter_of(const struct router *r, const struct sticky_request *rq)
{
	return sid_parameter(rq->head->target, str_of(r->conf->sticky_name));
}

static struct str (*const keys[STICKY_N_KINDS])(const struct router *r,
						const struct sticky_request *rq) = {
	[STICKY_SID] = no_key,       [STICKY_COOKIE] = no_key,     [STICKY_ADDRESS] = address_of,
	[STICKY_HEADER] = header_of, [STICKY_HASH] = parameter_of, [STICKY_NONE] = no_key,
};

/* The choice */

static struct worker *by_session(struct router *r, const struct sid_request *sid)
{
	uint32_t id = sessions_find(r->sessions, sid->sid, router_now(r));
	struct worker *w = workers_serving(&r->workers, id);

	if (!id)
		counter_add(&r->board->sid_misses, 1);
	else if (!w)
		counter_add(&r->board->sid_orphans, 1);
	return w;
}

static const char *reason(const struct sid_request *sid)
{
	if (sid->sid.n)
		return "unknown sid";
	return sid->engine ? "new session" : "no sid";
}

struct worker *sticky_choose(struct router *r, struct sticky_request *rq,
			     const struct worker *except)
{
	enum sticky_kind kind = r->conf->sticky;
	struct worker *w = NULL;
	struct str key;

	rq->why = "sid";
	if (rq->sid->sid.n && kind != STICKY_NONE)
		w = by_session(r, rq->sid);
	if (w)
		return w;
	rq->why = "cookie";
	if (kind == STICKY_COOKIE)
		w = by_cookie(r, rq);
	if (w)
		return w;
	rq->why = reason(rq->sid);
	key = keys[kind](r, rq);
	if (key.n)
		return workers_pick_for(&r->workers, sticky_key(key), except);
	/* of an unknown session, too: the app's own answer carries its CORS fields */
	return workers_pick(&r->workers, r->sessions, except, router_now(r));
}
