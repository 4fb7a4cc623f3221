/* The state of a worker: one table, one setter. */
#include "init/worker/state.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/macros.h"
#include "init/worker/ending.h"

#include "base/ban.h"

static const struct {
	const char *name;
	unsigned next;
} states[WORKER_N_STATES] = {
	[WORKER_SPAWNED] = { "spawned", BIT(WORKER_BOOTING) | BIT(WORKER_READY) |
					    BIT(WORKER_STOPPING) | BIT(WORKER_DEAD) },
	[WORKER_BOOTING] = { "booting",
			     BIT(WORKER_READY) | BIT(WORKER_STOPPING) | BIT(WORKER_DEAD) },
	[WORKER_READY] = { "ready", BIT(WORKER_SUSPECT) | BIT(WORKER_CLOSED) |
					BIT(WORKER_DRAINING) | BIT(WORKER_STOPPING) |
					BIT(WORKER_DEAD) },
	[WORKER_SUSPECT] = { "suspect", BIT(WORKER_READY) | BIT(WORKER_CLOSED) |
					    BIT(WORKER_DRAINING) | BIT(WORKER_STOPPING) |
					    BIT(WORKER_DEAD) },
	[WORKER_CLOSED] = { "closed", BIT(WORKER_READY) | BIT(WORKER_DRAINING) |
					  BIT(WORKER_STOPPING) | BIT(WORKER_DEAD) },
	[WORKER_DRAINING] = { "draining", BIT(WORKER_STOPPING) | BIT(WORKER_DEAD) },
	[WORKER_STOPPING] = { "stopping", BIT(WORKER_DEAD) },
	[WORKER_DEAD] = { "dead", 0 },
};

const char *worker_state_name(enum worker_state s)
{
	return states[s].name;
}

const char *worker_style_name(enum worker_style s)
{
	static const char *const names[] = { "auto", "listen", "sticky", "port", "unix" };

	return names[s];
}

/* The router speaks to it without us. */
bool worker_listens_itself(const struct worker *w)
{
	return w->style == WORKER_STYLE_PORT || w->style == WORKER_STYLE_UNIX;
}

uint64_t worker_since(const struct worker *w, uint64_t begin_ms)
{
	return begin_ms ? uv_now(w->deadline.loop) - begin_ms : 0;
}

void worker_release(struct worker *w)
{
	if (--w->n_open == 0)
		free(w);
}

void worker_set_state(struct worker *w, enum worker_state to)
{
	if (w->state == to)
		return;
	assert(states[w->state].next & BIT(to));
	log_info("worker[%u]: %s -> %s pid=%d", w->slot, states[w->state].name, states[to].name,
		 (int)w->pid);
	w->state = to;
	if (to == WORKER_READY)
		hub_ready(&w->member);
	if (to == WORKER_DRAINING)
		w->drains_since_ms = uv_now(w->deadline.loop);
	w->ops->on_state(w);
}

void worker_signal(const struct worker *w, int sig)
{
	if (w->pid > 0 && w->state != WORKER_DEAD)
		(void)kill(w->pid, sig);
}

void worker_kill(struct worker *w)
{
	w->killed = true;
	w->forced = w->state == WORKER_STOPPING;
	if (w->pid > 0 && w->state != WORKER_DEAD)
		(void)kill(-w->pid, SIGKILL);
}

/* It breaks the rules of its channel, so that nothing it says there can be relied on. */
void worker_breach(struct worker *w, const char *what)
{
	if (w->killed)
		return;
	log_error(SIO_118, "worker[%u]: %s; it is replaced pid=%d", w->slot, what, (int)w->pid);
	worker_ends_for(w, WORKER_END_PROTOCOL);
	worker_kill(w);
}

void worker_send(struct worker *w, struct blob *frame)
{
	int r = !frame ? -ENOMEM : w->leaving ? 0 : channel_send(&w->channel, frame, -1);

	blob_unref(frame);
	if (r == -ENOBUFS)
		worker_breach(w, "does not read the answers to what it asks on its IPC channel");
	else if (r == -ENOMEM)
		log_warn(SIO_119, "worker[%u]: no memory for a message", w->slot);
}
