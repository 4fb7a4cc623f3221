/* A worker as a member of the relay. */
#include "init/worker/member.h"

#include <errno.h>

#include "base/log.h"
#include "base/macros.h"
#include "init/worker/ending.h"
#include "init/worker/state.h"

#include "base/ban.h"

static struct worker *of_member(struct hub_member *m)
{
	return container_of(m, struct worker, member);
}

static int member_send(struct hub_member *m, struct blob *frame)
{
	struct worker *w = of_member(m);

	return w->leaving ? -EPIPE : channel_relay(&w->channel, frame);
}

static struct hub_backlog member_backlog(struct hub_member *m)
{
	struct worker *w = of_member(m);

	return (struct hub_backlog){ .bytes = channel_relayed_bytes(&w->channel),
				     .age_ms =
					 worker_since(w, channel_relayed_since_ms(&w->channel)) };
}

static struct hub_backlog member_incoming(struct hub_member *m)
{
	struct worker *w = of_member(m);

	return (struct hub_backlog){ .bytes = channel_incoming_bytes(&w->channel),
				     .age_ms =
					 worker_since(w, channel_incoming_since_ms(&w->channel)) };
}

static void member_drop_incoming(struct hub_member *m)
{
	channel_drop_incoming(&of_member(m)->channel);
}

static void note_eviction(const struct worker *w)
{
	struct scoreboard_row *row = &w->board->rows[w->slot];

	counter_add(&row->evictions, 1);
	counter_set(&row->evicted_ms, uv_now(w->deadline.loop));
}

/* Without the others' messages it must not go on. Its clients are moved to other workers while it
 * can still do its part. */
static void member_evicted(struct hub_member *m, const char *why)
{
	struct worker *w = of_member(m);
	bool is_leaving = w->killed || w->is_dead || w->state >= WORKER_DRAINING,
	     answers = worker_silence_ms(w) < HUB_SLOW_MS;

	channel_drop_relayed(&w->channel);
	if (w->board)
		note_eviction(w);
	log_error(SIO_115, "worker[%u]: left the relay: %s%s pid=%d", w->slot, why,
		  is_leaving ? ""
		  : answers  ? "; drained and replaced"
			     : "; killed and replaced",
		  (int)w->pid);
	if (is_leaving)
		return;
	worker_ends_for(w, WORKER_END_RELAY);
	if (answers)
		worker_drain(w);
	else
		worker_kill(w);
}

const struct hub_member_ops worker_member_ops = { member_send, member_backlog, member_incoming,
						  member_drop_incoming, member_evicted };
