/* The session table's memory, written over by a router that went wrong: the input says what is
 * written where and what a sound router does in between. It ends, stays within the memory, and
 * remembers what it is given afterwards. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "ipc/sealed.h"
#include "ipc/session_memory.h"
#include "router/session/table.h"

enum { SESSIONS = 32, STEPS_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* Whose process id stands in the lock has died, so that nobody is waited for. */
int kill(pid_t pid, int sig)
{
	if (sig != 0)
		return (int)syscall(SYS_kill, pid, sig);
	errno = ESRCH;
	return -1;
}

struct input {
	const uint8_t *p;
	size_t n;
};

static uint32_t take(struct input *in, size_t n)
{
	uint32_t value = 0;

	for (; n > 0 && in->n > 0; n--, in->n--)
		value = value << 8 | *in->p++;
	return value;
}

struct part {
	size_t from, to;
};

/* Its counters of workers are most of the table and the least of it. */
static void write_over(char *memory, const struct session_layout *at, struct input *in)
{
	const struct part parts[] = {
		{ 0, offsetof(struct session_table, per_worker) },
		{ offsetof(struct session_table, per_worker), at->slots },
		{ at->slots, at->links },
		{ at->links, at->links + at->n_slots * sizeof(struct session_link) },
		{ at->buckets, at->size },
	};
	const struct part *part = &parts[take(in, 1) % (sizeof(parts) / sizeof(parts[0]))];
	size_t room = part->to - part->from, offset = take(in, 2) * 4 % room;
	size_t n = take(in, 1) % 64;

	n = n < room - offset ? n : room - offset;
	n = n < in->n ? n : in->n;
	memcpy(memory + part->from + offset, in->p, n);
	in->p += n;
	in->n -= n;
}

static void step(struct sessions *s, char *memory, const struct session_layout *at,
		 struct input *in)
{
	uint32_t what = take(in, 1), worker = 1 + take(in, 1) % 4, now_ms = take(in, 1);
	struct str sid = { (const char *)in->p, 1 + what / 8 % 3 };

	if (in->n < sid.n)
		return;
	switch (what % 8) {
	case 0:
		(void)sessions_find(s, sid, now_ms);
		break;
	case 1:
	case 2:
		sessions_put(s, sid, worker, 1 + now_ms, now_ms);
		break;
	case 3:
		sessions_remove(s, sid);
		break;
	case 4:
		sessions_remove_worker(s, worker);
		break;
	case 5:
		sessions_expire(s, now_ms);
		break;
	default:
		write_over(memory, at, in);
		return;
	}
	in->p += sid.n;
	in->n -= sid.n;
}

static void must_work(struct sessions *s)
{
	static const struct str sid = STR("sound");

	sessions_put(s, sid, 7, 1000, 0);
	if (sessions_find(s, sid, 1) != 7)
		abort();
	(void)sessions_count(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct session_layout at = session_layout(SESSIONS);
	struct input in = { bytes, n };
	int fd = session_memory_create(SESSIONS);
	char *memory = sealed_map(fd, at.size);
	struct sessions *s;

	log_set_level(LOG_LEVEL_ERROR);
	if (!memory || sessions_open(fd, SESSIONS, &s) < 0)
		abort();
	for (int i = 0; i < STEPS_MAX && in.n > 0; i++)
		step(s, memory, &at, &in);
	must_work(s);
	sessions_close(s);
	(void)munmap(memory, at.size);
	return 0;
}
