/* Whole connections. See whole.h. */
#include "router/client/whole.h"

#include "router/backend/choose.h"
#include "router/backend/workers.h"
#include "router/client/context.h"
#include "router/client/identity.h"
#include "router/session/sid.h"
#include "router/session/table.h"

#include "base/ban.h"

/* By address. An address keeps the worker of its last connection for as long as its sessions may
 * live, whoever comes beside it: while an app starts, its workers listen one after the other. */

static bool serves(const struct worker *w, uint32_t listener)
{
	if (!listener)
		return w->state == WORKER_READY || w->state == WORKER_SUSPECT;
	return w->state < WORKER_DRAINING && worker_listens_at(w, listener);
}

static struct worker *choose_again(struct frontend *f, struct recent *r, uint64_t key,
				   const struct whole_request *rq)
{
	struct backend *b = f->backend;
	struct worker *w =
	    r->key == key && frontend_now(f) < r->until_ms ? workers_by_id(b, r->worker) : NULL;

	if (w && w->id != rq->refused_by && serves(w, rq->listener))
		return w;
	return choose_by_key_at(b, rq->listener, str_of(rq->who->addr),
				workers_by_id(b, rq->refused_by));
}

/* The same worker for each address, unless sessions need none. */
static struct worker *choose_by_address(struct frontend *f, const struct whole_request *rq)
{
	uint64_t key = sticky_weight(sticky_key(str_of(rq->who->addr)), rq->listener);
	struct recent *r = &f->recents[key % RECENTS];
	struct worker *w;

	if (f->backend->conf->sticky == STICKY_NONE)
		return choose_least_at(f->backend, rq->listener,
				       workers_by_id(f->backend, rq->refused_by));
	w = choose_again(f, r, key, rq);
	if (w)
		*r = (struct recent){ key, w->id, frontend_now(f) + SESSION_IDLE_DEFAULT };
	return w;
}

/* The public port */

static struct whole_route refused(unsigned status)
{
	return (struct whole_route){ WHOLE_REFUSED, .status = status };
}

void whole_route(struct frontend *f, const struct whole_request *rq, struct whole_route *ret)
{
	struct worker *w = choose_by_address(f, rq);

	if (!w) {
		counter_add(&f->backend->board->no_worker, 1);
		*ret = refused(503);
	} else if (w->protocol == PROTOCOL_UNKNOWN) {
		*ret = (struct whole_route){ WHOLE_UNKNOWN, .worker = w };
	} else if (w->protocol == PROTOCOL_HTTP) {
		notice(&f->notices,
		       rq->seen.first == FIRST_BYTE_TLS ? NOTICE_TLS_REFUSED
							: NOTICE_NO_HTTP_REFUSED,
		       rq->who->addr);
		*ret = refused(rq->seen.status);
	} else {
		*ret =
		    (struct whole_route){ worker_listens_itself(w) ? WHOLE_TUNNEL : WHOLE_HAND_OVER,
					  .worker = w };
	}
}

/* Other ports */

static struct worker *choose_any(struct backend *b, const struct whole_request *rq)
{
	return choose_least_at(b, rq->listener, workers_by_id(b, rq->refused_by));
}

static struct worker *choose_by_head(struct frontend *f, const struct whole_request *rq)
{
	struct backend *b = f->backend;
	struct sid_request sid;
	struct worker *w = NULL;

	sid_of_target(f->head.target, str_of(b->conf->sid_param), &sid);
	if (sid.sid.n && b->conf->sticky != STICKY_NONE)
		w = workers_serving(b, sessions_find(b->sessions, sid.sid, backend_now(b)));
	if (w && worker_listens_at(w, rq->listener))
		return w;
	return sid.engine || sid.sid.n ? choose_by_address(f, rq) : choose_any(b, rq);
}

struct worker *whole_choose(struct frontend *f, const struct whole_request *rq)
{
	const struct peek *seen = &rq->seen;

	if (seen->kind == PEEK_WHOLE)
		return choose_by_head(f, rq);
	if (seen->kind == PEEK_PART ||
	    (seen->kind == PEEK_FOREIGN && seen->first == FIRST_BYTE_TLS))
		return choose_by_address(f, rq);
	return choose_any(f->backend, rq);
}
