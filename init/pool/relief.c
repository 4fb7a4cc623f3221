/* One worker a minute: the effect of a replacement shows only when the old worker has drained. */
#include "init/pool/relief.h"

#include "base/log.h"
#include "init/pool/pool.h"
#include "init/system/memory.h"

#include "base/ban.h"

enum { RELIEF_EVERY_MS = 60000 };

/* Of the workers that serve: which has most, and what the smallest one has, which is about what a
 * new one will take. */
struct sizes {
	struct slot *largest;
	uint64_t most, least;
};

static struct sizes measure(const struct pool *p)
{
	struct sizes found = { .least = UINT64_MAX };

	for (unsigned i = 0; i < p->context->wanted; i++) {
		struct slot *s = p->slots[i];
		uint64_t bytes = s->state == SLOT_SERVING ? memory_resident(s->worker->pid) : 0;

		if (bytes == 0)
			continue;
		if (bytes < found.least)
			found.least = bytes;
		if (bytes > found.most) {
			found.most = bytes;
			found.largest = s;
		}
	}
	return found;
}

static bool relieve(struct pool *p, const struct cgroup_usage *now)
{
	static const char why[] = "memory pressure (SIOINIT_MEMORY_PRESSURE)";
	struct sizes sizes = measure(p);

	if (!sizes.largest)
		return false;
	log_warn(SIO_128, "init: %lluM of %lluM memory in use, worker[%u] has most of it",
		 (unsigned long long)now->bytes >> 20, (unsigned long long)now->limit >> 20,
		 sizes.largest->number);
	if (now->bytes + sizes.least < now->limit)
		reload_recycle(sizes.largest, why, WORKER_END_MEMORY);
	else
		reload_recycle_stop_first(sizes.largest, why);
	return true;
}

void relief_look(struct relief *r, struct pool *p, uint64_t now_ms)
{
	double enough = p->context->config->memory_pressure / 100.0;
	struct cgroup_usage now;

	if (!p->memory->limit || !p->context->config->memory_pressure)
		return;
	cgroup_meter_usage(&p->memory->meter, enough, &now);
	if (now.share <= enough || (r->has_relieved && now_ms - r->relieved_ms < RELIEF_EVERY_MS))
		return;
	if (!relieve(p, &now))
		return;
	r->has_relieved = true;
	r->relieved_ms = now_ms;
}
