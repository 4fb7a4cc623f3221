/* SIGKILL counts as out of memory if oom_kill grew and no other death used that increment. Kills of
 * other processes are never claimed, so they are forgotten after a while. */
#include "init/system/memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"

#include "base/ban.h"

enum {
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

void memory_init(struct memory *m, uint64_t now_ms)
{
	*m = (struct memory){ .opened_ms = now_ms, .limit_ms = now_ms };
	cgroup_meter_open(&m->meter, "");
	m->limit = cgroup_meter_limit(&m->meter);
	m->oom_claimed = cgroup_meter_oom_kills(&m->meter);
}

size_t memory_for_relay(const struct memory *m, uint64_t wanted)
{
	uint64_t share = m->limit / 8;

	if (wanted)
		return wanted;
	if (!m->limit)
		return RELAY_UNLIMITED;
	if (share < RELAY_LEAST)
		return RELAY_LEAST;
	return share < RELAY_MOST ? share : RELAY_MOST;
}

static void forget_oom(struct memory *m, uint64_t now_ms, uint64_t kills)
{
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
void memory_look(struct memory *m, uint64_t now_ms)
{
	if (now_ms - m->limit_ms < LIMIT_EVERY_MS)
		return;
	m->limit_ms = now_ms;
	if (now_ms - m->opened_ms >= OPEN_EVERY_MS) {
		m->opened_ms = now_ms;
		cgroup_meter_open(&m->meter, "");
	}
	m->limit = cgroup_meter_limit(&m->meter);
	forget_oom(m, now_ms, cgroup_meter_oom_kills(&m->meter));
}

bool memory_claim_oom(struct memory *m)
{
	if (cgroup_meter_oom_kills(&m->meter) <= m->oom_claimed)
		return false;
	m->oom_claimed++;
	return true;
}
