/* Another try. See retry.h. */
#include "router/client/retry.h"

#include "router/backend/choose.h"
#include "router/backend/upstream.h"
#include "router/backend/workers.h"
#include "router/client/context.h"
#include "router/client/request.h"

#include "base/ban.h"

enum { TRIES_MAX = 2 };

struct failure retry_failure(const struct upstream *u)
{
	return (struct failure){ .refused = u->refused,
				 .unread = u->refused || u->unread,
				 .stale = u->reused };
}

static struct worker *second_choice(const struct exchange *x, const struct failure *f)
{
	struct backend *b = x->side.frontend->backend;
	struct worker *w = workers_serving(b, x->worker_id);

	if (w && f->stale && !f->refused)
		return w;
	return choose_least(b, w);
}

/* A request the worker may have read is retried once at most: it might be what killed it. */
static bool may_try_again(struct exchange *x, const struct failure *f)
{
	if (exchange_has_answered(x) || x->client_ended || x->retained.len == 0)
		return false;
	return (f->unread || x->idempotent) && x->tries++ < (f->unread ? TRIES_MAX : 1);
}

bool retry(struct exchange *x, const struct failure *f)
{
	struct frontend *fe = x->side.frontend;
	struct worker *w;

	if (!may_try_again(x, f))
		return false;
	w = second_choice(x, f);
	x->upstream = w ? upstream_get(w, x, x->poll, UPSTREAM_NEW, &x->ends) : NULL;
	if (!x->upstream)
		return false;
	counter_add(&fe->backend->board->retries, 1);
	if (*x->side.access)
		(*x->side.access)->slot = w->slot;
	span_retried(*x->side.span, w->slot);
	x->worker_id = w->id;
	if (x->state == EXCHANGE_PARKED)
		exchange_set_state(x, EXCHANGE_POLL);
	request_send_again(x);
	return true;
}

void retry_forbid(struct exchange *x)
{
	x->tries = TRIES_MAX;
}
