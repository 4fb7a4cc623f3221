/* See claim.h. What the process before has said of itself is forgotten. */
#include "init/worker/claim.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "init/worker/context.h"
#include "init/worker/ending.h"
#include "init/worker/listening.h"
#include "init/worker/member.h"
#include "init/worker/state.h"

#include "base/ban.h"

enum { IS_ENDING_MS = 100 };

bool worker_is_claimable(const struct worker *w)
{
	return w->is_claimed && w->channel.ended && !w->is_dead && !w->killed &&
	       w->state < WORKER_DRAINING;
}

static int tell(const struct worker *w, int fd)
{
	char line[32];
	int n = snprintf(line, sizeof(line), "%u %s\n", w->id,
			 w->channel.mode == SERIAL_JSON ? "json" : "advanced");

	return send(fd, line, (size_t)n, MSG_NOSIGNAL) == n ? 0 : -EPIPE;
}

void worker_claimed(struct worker *w, int fd, pid_t pid)
{
	auto_fd int peer = fd;

	if (tell(w, peer) < 0 || channel_reopen(&w->channel, fd_take(&peer)) < 0)
		return;
	log_info("worker[%u]: its channel goes to pid=%d", w->slot, (int)pid);
	w->app = pid;
	w->was_claimed = true;
	w->has_channel = w->hears = true;
	handles_reopen(&w->handles);
	hub_join(w->member.hub ? w->member.hub : w->context->hub, &w->member, &worker_member_ops,
		 w->id);
	if (w->state >= WORKER_READY)
		listening_begins_again(w);
}

/* Unless the whole worker is ending. */
static void on_still_there(uv_timer_t *t)
{
	struct worker *w = container_of(t, struct worker, deadline);

	if (w->style == WORKER_STYLE_LISTEN) {
		log_info("worker[%u]: its app has ended, and may be started again pid=%d", w->slot,
			 (int)w->pid);
		listening_lost(w, CLAIM_AGAIN_MS);
	} else {
		log_warn(SIO_105, "worker[%u]: its app has ended; drained and replaced pid=%d",
			 w->slot, (int)w->pid);
		worker_ends_for(w, WORKER_END_LEFT);
		worker_drain(w);
	}
}

static void forget(struct worker *w)
{
	w->app = w->pid;
	w->has_channel = w->hears = false;
	w->tail = (struct node_tail){ 0 };
	w->announced = w->is_sticky = w->has_said_ready = w->leaving = false;
	w->ping_sent_ms = 0;
	handles_close(&w->handles);
	listening_end(w);
}

void worker_unclaimed(struct worker *w)
{
	if (!w->has_channel)
		return;
	forget(w);
	if (w->state < WORKER_READY && w->style != w->asked) {
		w->style = w->asked;
		w->ops->on_state(w);
	} else if (w->state >= WORKER_READY && w->state <= WORKER_CLOSED &&
		   !worker_listens_itself(w)) {
		(void)uv_timer_start(&w->deadline, on_still_there, IS_ENDING_MS, 0);
	}
}

/* Node's code for an option that it does not know, or does not take from NODE_OPTIONS. */
bool worker_refused_claim(const struct worker *w, int code)
{
	enum { BAD_OPTION = 9 };
	bool refused = w->is_claimed && !w->was_claimed && !w->was_ready && code == BAD_OPTION;

	if (refused && w->context->reach.claimed)
		log_warn(SIO_106,
			 "worker[%u]: exit code %d, as of Node before 18.18, which has no --import "
			 "in NODE_OPTIONS: from now on the IPC channel is inherited, which goes to "
			 "npm, tsx or nodemon where those are between; then let the script exec "
			 "node, or the app listen at $PORT",
			 w->slot, code);
	return refused;
}
