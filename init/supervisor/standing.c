/* Memory is read less often: to tell file pages from what cannot go costs a look at memory.stat. */
#include "init/supervisor/standing.h"

#include <stdbool.h>
#include <unistd.h>

#include "base/clock.h"
#include "init/supervisor/core.h"
#include "init/system/cgroup.h"

#include "base/ban.h"

enum { MEMORY_BEATS = 5, MEMORY_LOW = SCOREBOARD_MEMORY_HIGH - 5 /* percent: it is over */ };

/* 0 when it is not so. */
static void note_since(counter *since_ms, bool is_so, uint64_t now_ms)
{
	if (!is_so)
		counter_set(since_ms, 0);
	else if (!counter_get(since_ms))
		counter_set(since_ms, now_ms);
}

static void note_workers(struct init *in, uint64_t now_ms)
{
	const struct pool *p = &in->pool;
	unsigned well = 0, awaited = 0;

	for (unsigned i = 0; i < p->context->wanted; i++) {
		const struct worker *w = p->slots[i]->worker;
		bool is_well = w && (w->state == WORKER_READY || w->state == WORKER_SUSPECT);

		well += is_well;
		awaited += !is_well && p->slots[i]->state != SLOT_EMPTY;
	}
	note_since(&in->board->missing_since_ms, awaited > 0, now_ms);
	note_since(&in->board->unserved_since_ms, well == 0 && awaited > 0 && p->was_ready, now_ms);
}

static void note_memory(struct init *in, uint64_t now_ms)
{
	struct scoreboard *b = in->board;
	bool was_high = counter_get(&b->memory_high_since_ms) != 0;
	unsigned percent = was_high ? MEMORY_LOW : SCOREBOARD_MEMORY_HIGH;
	struct cgroup_usage now;
	bool is_high;

	cgroup_meter_usage(&in->memory.meter, 0, &now);
	is_high = now.share * 100 >= percent;
	if (is_high && !was_high)
		counter_add(&b->memory_near_misses, 1);
	note_since(&b->memory_high_since_ms, is_high, now_ms);
	counter_set(&b->memory_used, now.bytes);
	counter_set(&b->memory_limit, now.limit);
}

static void note_settings(struct init *in)
{
	counter_set(&in->board->ready_timeout_ms, in->config->ready_timeout_ms);
	counter_set(&in->board->hang_timeout_ms, in->config->hang_timeout_ms);
}

void standing_init(struct init *in)
{
	(void)gethostname(in->board->host, sizeof(in->board->host) - 1);
	note_settings(in);
	history_look(in->board, (uint64_t)clock_ms());
}

void standing_look(struct init *in, uint64_t now_ms)
{
	note_settings(in);
	note_workers(in, now_ms);
	if (in->standing.beats++ % MEMORY_BEATS == 0)
		note_memory(in, now_ms);
	history_look(in->board, now_ms);
}
