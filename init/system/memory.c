/* One worker a minute: the effect of a replacement shows only when the old worker has drained. A
 * worker's death is its kernel kill's when the counter has grown and nobody claimed it. Kills of
 * other processes are never claimed, so they are forgotten after a while. */
#include "init/system/memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <utlist.h>

#include "base/fd.h"
#include "base/log.h"
#include "init/supervisor/core.h"
#include "init/worker/worker.h"

#include "base/ban.h"

enum {
	RELIEF_EVERY_MS = 60000,
	OOM_FORGOTTEN_MS = 10000,
	LIMIT_EVERY_MS = 5000, /* somebody may change it */
	OPEN_EVERY_MS = 60000, /* somebody may move us to another cgroup */
};

enum { RELAY_LEAST = 32 << 20, RELAY_MOST = 256 << 20, RELAY_UNLIMITED = 128 << 20 };

/* proc(5): the second number of statm is the resident set, in pages. */
uint64_t memory_resident(pid_t pid)
{
	char path[32], text[64];
	unsigned long long pages = 0;
	auto_fd int fd = -1;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = '\0';
	if (sscanf(text, "%*u %llu", &pages) != 1)
		return 0;
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

void memory_init(struct init *in)
{
	struct memory *m = &in->memory;

	*m = (struct memory){ .opened_ms = uv_now(&in->loop), .limit_ms = uv_now(&in->loop) };
	cgroup_meter_open(&m->meter, "");
	m->limit = cgroup_meter_limit(&m->meter);
	m->oom_claimed = cgroup_meter_oom_kills(&m->meter);
}

size_t memory_for_relay(const struct init *in)
{
	uint64_t share = in->memory.limit / 8;

	if (in->config->relay_memory)
		return in->config->relay_memory;
	if (!in->memory.limit)
		return RELAY_UNLIMITED;
	if (share < RELAY_LEAST)
		return RELAY_LEAST;
	return share < RELAY_MOST ? share : RELAY_MOST;
}

/* Of the workers that serve. */
static struct slot *largest(const struct init *in)
{
	struct slot *found = NULL;
	uint64_t most = 0;

	for (unsigned i = 0; i < in->pool.wanted; i++) {
		struct slot *s = in->pool.slots[i];
		uint64_t bytes = s->worker && s->worker->state >= WORKER_READY
				     ? memory_resident(s->worker->pid)
				     : 0;

		if (bytes <= most)
			continue;
		most = bytes;
		found = s;
	}
	return found;
}

static void relieve(struct init *in, const struct cgroup_usage *now)
{
	struct memory *m = &in->memory;
	uint64_t now_ms = uv_now(&in->loop);
	struct slot *s;

	if (m->has_relieved && now_ms - m->relieved_ms < RELIEF_EVERY_MS)
		return;
	s = largest(in);
	if (!s)
		return;
	m->has_relieved = true;
	m->relieved_ms = now_ms;
	log_warn("init: %lluM of %lluM memory in use, worker[%u] has most of it",
		 (unsigned long long)now->bytes >> 20, (unsigned long long)now->limit >> 20,
		 s->number);
	reload_slot(s, "memory pressure (SIOINIT_MEMORY_PRESSURE)");
}

static void forget_oom(struct init *in, uint64_t kills)
{
	struct memory *m = &in->memory;
	uint64_t now_ms = uv_now(&in->loop);

	if (kills <= m->oom_claimed) {
		m->oom_noticed_ms = 0;
	} else if (!m->oom_noticed_ms) {
		m->oom_noticed_ms = now_ms;
	} else if (now_ms - m->oom_noticed_ms > OOM_FORGOTTEN_MS) {
		m->oom_claimed = kills;
		m->oom_noticed_ms = 0;
	}
}

/* What changes when somebody changes it, and what counts for longer than that. */
static void look_at_limit(struct init *in)
{
	struct memory *m = &in->memory;
	uint64_t now_ms = uv_now(&in->loop);

	if (now_ms - m->limit_ms < LIMIT_EVERY_MS)
		return;
	m->limit_ms = now_ms;
	if (now_ms - m->opened_ms >= OPEN_EVERY_MS) {
		m->opened_ms = now_ms;
		cgroup_meter_open(&m->meter, "");
	}
	m->limit = cgroup_meter_limit(&m->meter);
	forget_oom(in, cgroup_meter_oom_kills(&m->meter));
}

static void look_at_usage(struct init *in)
{
	double enough = in->config->memory_pressure / 100.0;
	struct cgroup_usage now;

	if (!in->memory.limit || !in->config->memory_pressure)
		return;
	cgroup_meter_usage(&in->memory.meter, enough, &now);
	if (now.share > enough)
		relieve(in, &now);
}

void memory_look(struct init *in)
{
	look_at_limit(in);
	look_at_usage(in);
}

bool memory_claim_oom(struct init *in)
{
	if (cgroup_meter_oom_kills(&in->memory.meter) <= in->memory.oom_claimed)
		return false;
	in->memory.oom_claimed++;
	return true;
}
