/* Workers by id. See workers.h. */
#include "router/backend/workers.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "router/session/table.h"

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

int worker_has_opened(struct worker *w, uint32_t listener)
{
	uint32_t *more;

	if (worker_listens_at(w, listener))
		return 0;
	more = realloc(w->listeners, (w->n_listeners + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	w->listeners = more;
	w->listeners[w->n_listeners++] = listener;
	return 0;
}

void worker_has_closed(struct worker *w, uint32_t listener)
{
	for (size_t i = 0; i < w->n_listeners; i++)
		if (w->listeners[i] == listener) {
			w->listeners[i] = w->listeners[--w->n_listeners];
			return;
		}
}

bool worker_listens_at(const struct worker *w, uint32_t listener)
{
	for (size_t i = 0; i < w->n_listeners; i++)
		if (w->listeners[i] == listener)
			return true;
	return false;
}

void worker_has_news(struct worker *w)
{
	if (w->has_news)
		return;
	w->has_news = true;
	LL_PREPEND2(w->backend->news, w, next_news);
}

static bool is_empty(const struct worker *w)
{
	return w->in_flight == 0 && w->n_tunnels == 0 &&
	       sessions_count_worker(w->backend->sessions, w->id) == 0;
}

void worker_tell_if_idle(struct worker *w)
{
	struct control_msg m = { .type = CONTROL_IDLE,
				 .worker = w->id,
				 .state = w->keeps_clients,
				 .kind = is_empty(w) };
	bool idle = w->state == WORKER_DRAINING && w->in_flight == w->n_polls &&
		    (w->keeps_clients || w->n_tunnels == 0) && w->n_waiting == 0;

	w->idle_untold = idle && control_send(w->backend->init, &m, -1) < 0;
	if (w->idle_untold)
		worker_has_news(w);
}
