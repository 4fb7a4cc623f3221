/* Workers by id. See workers.h. */
#include "router/backend/workers.h"

#include <utlist.h>

#include "base/ban.h"

struct worker *workers_by_id(const struct backend *b, uint32_t id)
{
	struct worker *w;

	HASH_FIND(hh, b->workers, &id, sizeof(id), w);
	return w;
}

struct worker *workers_serving(const struct backend *b, uint32_t id)
{
	struct worker *w = workers_by_id(b, id);

	return w && w->state <= WORKER_DRAINING ? w : NULL;
}

void worker_has_news(struct worker *w)
{
	if (w->has_news)
		return;
	w->has_news = true;
	LL_PREPEND2(w->backend->news, w, next_news);
}

void worker_tell_if_idle(struct worker *w)
{
	struct control_msg m = { .type = CONTROL_IDLE, .worker = w->id };
	bool idle = w->state == WORKER_DRAINING && w->in_flight == w->n_polls &&
		    w->n_tunnels == 0 && w->n_waiting == 0;

	w->idle_untold = idle && control_send(w->backend->init, &m, -1) < 0;
	if (w->idle_untold)
		worker_has_news(w);
}
