/* The counts are the routers', from the scoreboard; whatever they say, no worker loses more than
 * the sockets that it has. A surplus of less than a tenth is left alone: it is not worth a
 * reconnection. */
#include "init/pool/rebalance.h"

#include <utlist.h>

#include "base/log.h"
#include "init/pool/pool.h"
#include "init/worker/worker.h"

#include "base/ban.h"

enum { SOCKETS_MAX = 1 << 24 }; /* more than a process can have open */

static uint64_t sockets_of(const struct pool *p, const struct worker *w)
{
	uint64_t n = counter_get(&p->context->board->rows[w->slot].sockets);

	return n < SOCKETS_MAX ? n : SOCKETS_MAX;
}

static bool takes_part(const struct pool *p, const struct worker *w)
{
	return w->state == WORKER_READY && p->slots[w->slot]->worker == w;
}

static uint64_t fair_share(const struct pool *p)
{
	uint64_t sockets = 0, n = 0;
	struct worker *w;

	DL_FOREACH(p->workers, w)
	{
		if (!takes_part(p, w))
			continue;
		sockets += sockets_of(p, w);
		n++;
	}
	return n ? (sockets + n - 1) / n : 0;
}

unsigned rebalance(struct pool *p)
{
	uint64_t share = fair_share(p);
	unsigned closing = 0;
	struct worker *w;

	DL_FOREACH(p->workers, w)
	{
		uint64_t has = sockets_of(p, w);

		if (!takes_part(p, w) || has <= share + share / 10)
			continue;
		worker_shed(w, (unsigned)(has - share));
		closing += (unsigned)(has - share);
	}
	log_info("init: rebalance: %u sockets to be closed", closing);
	return closing;
}
