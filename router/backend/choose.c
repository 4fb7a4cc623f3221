/* Stickiness. A cookie's value is the worker's id, mixed with the start of this sioinit, so that a
 * cookie of another one (or of before) names nobody: then the client gets a new one. */
#include "router/backend/choose.h"

#include <stdio.h>

#include "base/macros.h"
#include "router/backend/load.h"
#include "router/backend/workers.h"
#include "router/http/head.h"
#include "router/session/sid.h"
#include "router/session/table.h"

#include "base/ban.h"

enum { CANDIDATES_MAX = 1024 };

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

/* By load or key */

/* Whom to choose from. */
struct field {
	uint32_t listener; /* 0: the public port */
	const struct worker *except;
	enum worker_rank { RANK_NONE, RANK_LEAVING, RANK_POOR, RANK_READY } best;
	unsigned n_best;
};

/* A slow worker is better than none, and so is one that is leaving while it has its clients still.
 * At the public port a worker has clients when it is ready, at other ports as soon and as long as
 * it listens there. */
static enum worker_rank rank_of(const struct worker *w, uint32_t listener)
{
	if (listener && !worker_listens_at(w, listener))
		return RANK_NONE;
	if (w->state == WORKER_READY)
		return RANK_READY;
	if (w->state == WORKER_SUSPECT || (listener && w->state < WORKER_DRAINING))
		return RANK_POOR;
	return w->state == WORKER_DRAINING && (listener || w->keeps_clients) ? RANK_LEAVING
									     : RANK_NONE;
}

static struct field survey(const struct backend *b, uint32_t listener, const struct worker *except)
{
	struct field f = { .listener = listener, .except = except };
	struct worker *w, *next;

	if (!listener && b->n_ready)
		return (struct field){ 0, except, RANK_READY, b->n_ready };
	HASH_ITER(hh, b->workers, w, next)
	{
		enum worker_rank rank = rank_of(w, listener);

		if (rank > f.best)
			f = (struct field){ listener, except, rank, 0 };
		f.n_best += rank == f.best;
	}
	return f;
}

static bool is_candidate(const struct worker *w, const struct field *f)
{
	if (w == f->except && f->n_best > 1)
		return false;
	return f->best != RANK_NONE && rank_of(w, f->listener) == f->best;
}

static struct balance_candidate candidate(struct worker *w)
{
	const struct backend *b = w->backend;

	return (struct balance_candidate){
		.slot = w->slot,
		.load = load_of(w),
		.lag_ms = load_lag_ms(w),
		.share = balance_share(backend_now(b) - w->ready_ms, b->conf->slow_start_ms),
	};
}

struct worker *choose_least_at(struct backend *b, uint32_t listener, const struct worker *except)
{
	struct field f = survey(b, listener, except);
	struct balance_candidate candidates[CANDIDATES_MAX];
	struct worker *workers[CANDIDATES_MAX], *w, *next;
	size_t n = 0;

	sessions_expire(b->sessions, backend_now(b));
	HASH_ITER(hh, b->workers, w, next)
	{
		if (n == CANDIDATES_MAX || !is_candidate(w, &f))
			continue;
		workers[n] = w;
		candidates[n++] = candidate(w);
	}
	return n ? workers[balance_choose(&b->balance, candidates, n)] : NULL;
}

struct worker *choose_least(struct backend *b, const struct worker *except)
{
	return choose_least_at(b, 0, except);
}

struct worker *choose_by_key_at(struct backend *b, uint32_t listener, struct str key,
				const struct worker *except)
{
	struct field f = survey(b, listener, except);
	struct worker *w, *next, *best = NULL;
	uint64_t hash = sticky_key(key), most = 0;

	HASH_ITER(hh, b->workers, w, next)
	{
		uint64_t weight = sticky_weight(hash, w->slot);

		if (!is_candidate(w, &f) || (best && weight <= most))
			continue;
		best = w;
		most = weight;
	}
	return best;
}

struct worker *choose_by_key(struct backend *b, struct str key, const struct worker *except)
{
	return choose_by_key_at(b, 0, key, except);
}

/* Cookies */

static void write_value(const struct backend *b, uint32_t id, char dst[static STICKY_VALUE_SIZE])
{
	uint64_t v = mix(mix(counter_get(&b->shared->started_ms)) ^ id);

	(void)snprintf(dst, STICKY_VALUE_SIZE, "%016llx", (unsigned long long)v);
}

struct cookie sticky_cookie(const struct backend *b, uint32_t id, struct str had,
			    char dst[static STICKY_VALUE_SIZE])
{
	if (b->conf->sticky != STICKY_COOKIE)
		return (struct cookie){ 0 };
	write_value(b, id, dst);
	if (str_eq(had, str_of(dst)))
		return (struct cookie){ 0 };
	return (struct cookie){ .name = str_of(b->conf->sticky_cookie),
				.value = str_of(dst),
				.attributes = str_of(b->conf->sticky_cookie_attributes) };
}

/* Sessions go on where they are; others are not sent to a worker that is about to leave. */
static struct worker *by_cookie(struct backend *b, const struct choice *ch)
{
	struct str had = cookie_of(ch->head, str_of(b->conf->sticky_cookie));
	struct worker *w, *next;
	char value[STICKY_VALUE_SIZE];

	if (had.n != STICKY_VALUE_SIZE - 1)
		return NULL;
	HASH_ITER(hh, b->workers, w, next)
	{
		write_value(b, w->id, value);
		if (!str_eq(had, str_of(value)))
			continue;
		return ch->sid->sid.n || w->state < WORKER_CLOSED ? workers_serving(b, w->id)
								  : NULL;
	}
	return NULL;
}

/* Hashes */

static struct str no_key(const struct backend *b, const struct choice *ch)
{
	(void)b;
	(void)ch;
	return (struct str){ 0 };
}

static struct str address_of(const struct backend *b, const struct choice *ch)
{
	(void)b;
	return ch->addr;
}

static struct str header_of(const struct backend *b, const struct choice *ch)
{
	return http_field_get(ch->head, str_of(b->conf->sticky_name));
}

static struct str parameter_of(const struct backend *b, const struct choice *ch)
{
	return sid_parameter(ch->head->target, str_of(b->conf->sticky_name));
}

static struct str (*const keys[STICKY_N_KINDS])(const struct backend *b,
						const struct choice *ch) = {
	[STICKY_SID] = no_key,       [STICKY_COOKIE] = no_key,     [STICKY_ADDRESS] = address_of,
	[STICKY_HEADER] = header_of, [STICKY_HASH] = parameter_of, [STICKY_NONE] = no_key,
};

/* The choice */

static void count_miss(struct backend *b, bool has_ended)
{
	counter_add(has_ended ? &b->board->sid_orphans : &b->board->sid_misses, 1);
}

static struct worker *by_session(struct backend *b, const struct sid_request *sid)
{
	uint32_t id = sessions_find(b->sessions, sid->sid, backend_now(b));
	struct worker *w = workers_serving(b, id);

	if (!w)
		count_miss(b, id || sessions_was_lost(b->sessions, sid->sid));
	return w;
}

static const char *reason(const struct sid_request *sid)
{
	if (sid->sid.n)
		return "unknown sid";
	return sid->engine ? "new session" : "no sid";
}

struct worker *choose_for(struct backend *b, struct choice *ch)
{
	enum sticky_kind kind = b->conf->sticky;
	struct worker *w = NULL;
	struct str key;

	ch->why = "sid";
	if (ch->sid->sid.n && kind != STICKY_NONE)
		w = by_session(b, ch->sid);
	if (w)
		return w;
	ch->why = "cookie";
	if (kind == STICKY_COOKIE)
		w = by_cookie(b, ch);
	if (w)
		return w;
	ch->why = reason(ch->sid);
	key = keys[kind](b, ch);
	if (key.n)
		return choose_by_key(b, key, ch->except);
	/* of an unknown session, too: the app's own answer carries its CORS fields */
	return choose_least(b, ch->except);
}
