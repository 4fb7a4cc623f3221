/* The counts are the routers', from the scoreboard; whatever they say, no worker loses more than
 * the sockets that it has. A surplus of less than a tenth is left alone: it is not worth a
 * reconnection. */
#include "init/pool/rebalance.h"

#include <utlist.h>

#include "base/log.h"
#include "init/supervisor/core.h"
#include "init/worker/worker.h"

#include "base/ban.h"

enum { SOCKETS_MAX = 1 << 24 }; /* more than a process can have open */

static uint64_t sockets_of(const struct init *in, const struct worker *w)
{
	uint64_t n = counter_get(&in->board->rows[w->slot].sockets);

	return n < SOCKETS_MAX ? n : SOCKETS_MAX;
}

static bool takes_part(const struct init *in, const struct worker *w)
{
	return w->state == WORKER_READY && in->pool.slots[w->slot]->worker == w;
}

static uint64_t fair_share(const struct init *in)
{
	uint64_t sockets = 0, n = 0;
	struct worker *w;

	DL_FOREACH(in->pool.workers, w)
	{
		if (!takes_part(in, w))
			continue;
		sockets += sockets_of(in, w);
		n++;
	}
	return n ? (sockets + n - 1) / n : 0;
}

unsigned rebalance(struct init *in)
{
	uint64_t share = fair_share(in);
	unsigned closing = 0;
	struct worker *w;

	DL_FOREACH(in->pool.workers, w)
	{
		uint64_t has = sockets_of(in, w);

		if (!takes_part(in, w) || has <= share + share / 10)
			continue;
		worker_shed(w, (unsigned)(has - share));
		closing += (unsigned)(has - share);
	}
	log_info("init: rebalance: %u sockets to be closed", closing);
	return closing;
}
