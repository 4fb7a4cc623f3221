/* A worker.
 *
 *	spawned ──online──► booting ──► ready ⇄ suspect ──► draining ──► stopping ──► dead
 *	   │                  │           ⇅       │            ▲                       ▲
 *	   │                  │         closed ◄──┘ ───────────┘                       │
 *	   └──────────────────┴──── the process may end at any moment ─────────────────┘
 *
 * What it says on its channel, by table. Its parts: state, readiness, liveness, listening, member
 * (of the relay), stop. */
#include "init/worker/worker.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "init/worker/claim.h"
#include "init/worker/ending.h"
#include "init/worker/listening.h"
#include "init/worker/liveness.h"
#include "init/worker/member.h"
#include "init/worker/readiness.h"
#include "init/worker/state.h"

#include "base/ban.h"

enum { LEFT_AFTER_MS = 100 };

static struct worker *of_handles(struct handles *hs)
{
	return container_of(hs, struct worker, handles);
}

/* Hand-offs */

static void on_back(struct handles *hs, const struct control_msg *m, int fd)
{
	struct worker *w = of_handles(hs);

	w->ops->on_handback(w, m, fd);
}

static void on_taken(struct handles *hs, const struct control_msg *m, int fd)
{
	struct worker *w = of_handles(hs);

	w->ops->on_client_taken(w, m, fd);
}

/* The public port is open for both families, and its IPv4 clients have mapped addresses then, as at
 * a server that names no host. One that names one of IPv4 does not know such (ipv6(7):
 * IPV6_ADDRFORM). Where that cannot be it stays as it is. */
static void unmap_addresses(int fd)
{
	const int family = AF_INET;

	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_ADDRFORM, &family, sizeof(family));
}

void worker_hand_off(struct worker *w, const struct control_msg *m, int fd)
{
	struct server *s = listening_server(w, m->listener);

	if (s && s->v4only)
		unmap_addresses(fd);
	if (!m->listener && w->style != WORKER_STYLE_LISTEN)
		handles_give(&w->handles, m, fd, HANDLES_NO_SEQ,
			     node_sticky_connection(w->channel.mode));
	else
		handles_give(&w->handles, m, fd, w->seq,
			     s ? node_newconn(&s->newconn, w->seq) : NULL);
	w->seq++;
}

static void on_online(struct worker *w, const struct node_msg *m, const struct channel_frame *f)
{
	(void)m;
	(void)f;
	if (w->state == WORKER_SPAWNED)
		worker_set_state(w, WORKER_BOOTING);
	if (w->answers_pings)
		worker_ping(w);
	else
		worker_may_be_probed(w);
}

/* The loop runs, so a booting script has been read to its end. */
static void on_pong(struct handles *hs)
{
	struct worker *w = of_handles(hs);

	liveness_ponged(w);
	worker_has_survived(w);
	worker_may_be_probed(w);
}

static const struct handles_ops handles_ops = { on_back, on_taken, on_pong };

static void on_adapter(struct worker *w, const struct node_msg *m, const struct channel_frame *f)
{
	if (!w->announced) {
		w->announced = true;
		worker_may_be_probed(w);
	}
	hub_receive(&w->member, m, f);
}

bool worker_ask_metrics(struct worker *w, uint32_t request_id)
{
	struct blob *frame;
	int r = -ENOMEM;

	if (!w->has_channel)
		return false;
	frame = node_metrics_request(w->channel.mode, request_id);
	if (frame)
		r = channel_send(&w->channel, frame, -1);
	blob_unref(frame);
	return r == 0;
}

static void on_engine(struct worker *w, const struct node_msg *m, const struct channel_frame *f)
{
	hub_receive(&w->member, m, f);
}

/* The channel */

static struct worker *of_channel(struct channel *ch)
{
	return container_of(ch, struct worker, channel);
}

typedef void handle_fn(struct worker *w, const struct node_msg *m, const struct channel_frame *f);

/* The answer is the last message, so it goes behind what is relayed: Node that has begun to read a
 * further one when it is to disconnect never does (lib/internal/child_process.js,
 * target._disconnect). */
static void on_exited_after_disconnect(struct worker *w, const struct node_msg *m,
				       const struct channel_frame *f)
{
	struct blob *ack = node_ack(w->channel.mode, m->seq, w->seq++);

	(void)f;
	handles_stop(&w->handles);
	if (!ack || channel_relay(&w->channel, ack) < 0)
		log_warn(SIO_119, "worker[%u]: no memory for a message", w->slot);
	blob_unref(ack);
	w->leaving = true;
	listening_disconnected(w);
}

static void on_accepted(struct worker *w, const struct node_msg *m, const struct channel_frame *f)
{
	(void)f;
	if (!handles_accepted(&w->handles, m->ack, m->accepted))
		worker_breach(w, "accepts sockets that it was not sent");
}

static void on_handle(struct worker *w, const struct node_msg *m, const struct channel_frame *f)
{
	(void)m;
	(void)f;
	worker_send(w, node_handle_ack(w->channel.mode));
}

static void on_handle_answer(struct worker *w, const struct node_msg *m,
			     const struct channel_frame *f)
{
	(void)f;
	if (!handles_answered(&w->handles, m->kind == NODE_HANDLE_ACK))
		worker_breach(w, "acknowledges sockets that it was not sent");
}

static void on_session(struct worker *w, const struct node_msg *m, const struct channel_frame *f)
{
	(void)f;
	w->ops->on_session(w, m->sid, m->kind == NODE_STICKY_CONNECTION);
}

static void on_metrics(struct worker *w, const struct node_msg *m, const struct channel_frame *f)
{
	w->ops->on_metrics(w, m, f->payload);
}

static void on_app_message(struct worker *w, const struct node_msg *m,
			   const struct channel_frame *f)
{
	(void)m;
	if (w->ops->is_relayed(w, f->payload))
		hub_relay_app(&w->member, f);
}

/* What to do with each kind of message; those that are nobody's business are missing. */
static const struct {
	handle_fn *handle;
	bool is_heard_of_the_dead;
} kinds[NODE_N_KINDS] = {
	[NODE_ONLINE] = { on_online, false },
	[NODE_QUERY_SERVER] = { listening_query, false },
	[NODE_LISTENING] = { listening_begun, false },
	[NODE_CLOSE] = { listening_closed, false },
	[NODE_EXITED_AFTER_DISCONNECT] = { on_exited_after_disconnect, false },
	[NODE_ACCEPTED] = { on_accepted, true },
	[NODE_HANDLE] = { on_handle, false },
	[NODE_HANDLE_ACK] = { on_handle_answer, true },
	[NODE_HANDLE_NACK] = { on_handle_answer, true },
	[NODE_USER_READY] = { readiness_said, false },
	[NODE_STICKY_CONNECTION] = { on_session, false },
	[NODE_STICKY_DISCONNECTION] = { on_session, false },
	[NODE_ADAPTER] = { on_adapter, true },
	[NODE_ENGINE] = { on_engine, true },
	[NODE_METRICS] = { on_metrics, false },
	[NODE_OTHER] = { on_app_message, true },
};

static void on_still_there(uv_timer_t *t)
{
	struct worker *w = container_of(t, struct worker, deadline);

	log_warn(SIO_122, "worker[%u]: has left its IPC channel; drained and replaced pid=%d",
		 w->slot, (int)w->pid);
	worker_ends_for(w, WORKER_END_LEFT);
	worker_drain(w);
}

/* For one that was never understood. */
static const char *what_it_may_want(const struct worker *w)
{
	return w->state == WORKER_SPAWNED && w->channel.mode == SERIAL_ADVANCED
		   ? " (Node before 12.16 wants SIOINIT_SERIALIZATION=json)"
		   : "";
}

/* It is dying, which the next moment tells, or has called cluster.worker.disconnect(): then it has
 * to go, since nothing can be handed to it and its clients miss the others' broadcasts.
 * Acknowledged sockets stay with the worker; the others go back. */
static void on_channel_end(struct channel *ch, int err)
{
	struct worker *w = of_channel(ch);

	w->ping_sent_ms = 0;
	w->hears = false;
	hub_leave(&w->member);
	handles_cut(&w->handles);
	if (err == -EBADMSG || err == -EMSGSIZE) {
		log_error(SIO_123,
			  "worker[%u]: wrote garbage to its IPC channel; it is replaced pid=%d%s",
			  w->slot, (int)w->pid, what_it_may_want(w));
		worker_ends_for(w, WORKER_END_PROTOCOL);
		worker_kill(w);
	} else if (w->is_claimed) {
		worker_unclaimed(w);
	} else if (w->has_channel && w->state >= WORKER_READY && w->state <= WORKER_CLOSED) {
		(void)uv_timer_stop(&w->settling);
		(void)uv_timer_start(&w->deadline, on_still_there, LEFT_AFTER_MS, 0);
	}
}

static bool read_message(struct worker *w, struct str payload, struct node_msg *ret)
{
	enum serialization mode = w->channel.mode;

	if (node_tail_read(&w->tail, mode, payload, ret))
		return true;
	if (node_read(mode, payload, ret) < 0)
		return false;
	node_tail_learn(&w->tail, mode, payload, ret);
	return true;
}

static void on_frame(struct channel *ch, const struct channel_frame *f)
{
	struct worker *w = of_channel(ch);
	struct node_msg m;
	int fd = f->fd;

	fd_close(&fd);
	w->hears = w->has_channel;
	if (!read_message(w, f->payload, &m))
		hub_passed_over(&w->member, HUB_UNREADABLE);
	else if (kinds[m.kind].handle && (!w->is_dead || kinds[m.kind].is_heard_of_the_dead))
		kinds[m.kind].handle(w, &m, f);
}

static void on_read_end(struct channel *ch)
{
	hub_flush(&of_channel(ch)->member);
}

static void on_no_room(struct channel *ch, size_t n)
{
	struct worker *w = of_channel(ch);

	if (n > 0)
		hub_make_room(&w->member, n);
	else
		hub_passed_over(&w->member, HUB_NO_ROOM);
}

static const struct channel_ops channel_ops = { on_frame, on_read_end, on_no_room, on_channel_end };

void worker_read_last_words(struct worker *w)
{
	w->is_dead = true;
	channel_read_rest(&w->channel);
}

/* Life */

int worker_init(struct worker *w, uv_loop_t *loop, int fd, struct hub *hub, bool bound_unread)
{
	int r = channel_init(&w->channel, loop, fd, hub->mode, &channel_ops, &hub->quota);

	if (r < 0)
		return r;
	channel_bound_unread(&w->channel, bound_unread);
	w->handles.channel = &w->channel;
	w->handles.ops = &handles_ops;
	(void)uv_timer_init(loop, &w->deadline);
	(void)uv_timer_init(loop, &w->settling);
	drain_init(&w->drain, loop);
	w->n_open = 4;
	w->group.channel_fd = -1;
	hub_join(hub, &w->member, &worker_member_ops, w->id);
	readiness_begin(w);
	return 0;
}

static void on_channel_closed(struct channel *ch)
{
	worker_release(of_channel(ch));
}

static void on_deadline_closed(uv_handle_t *h)
{
	worker_release(container_of((uv_timer_t *)h, struct worker, deadline));
}

static void on_settling_closed(uv_handle_t *h)
{
	worker_release(container_of((uv_timer_t *)h, struct worker, settling));
}

static void on_drain_closed(uv_handle_t *h)
{
	worker_release(container_of((uv_timer_t *)h, struct worker, drain.timer));
}

/* One that the stop signal has ended could close nothing itself. */
static void close_drain(struct worker *w)
{
	if (w->died_of_signal && w->drain.is_held && w->groups) {
		groups_close_held(w->groups, w, config_drain_time_ms(w->config));
		return;
	}
	drain_stop(&w->drain);
	uv_close((uv_handle_t *)&w->drain.timer, on_drain_closed);
}

void worker_close(struct worker *w)
{
	if (w->closed)
		return;
	w->closed = true;
	hub_leave(&w->member);
	channel_close(&w->channel, on_channel_closed); /* before what it has borrowed goes back */
	handles_close(&w->handles);
	worker_set_state(w, WORKER_DEAD);
	listening_end(w);
	endpoint_release(&w->endpoint);
	uv_close((uv_handle_t *)&w->deadline, on_deadline_closed);
	uv_close((uv_handle_t *)&w->settling, on_settling_closed);
	close_drain(w);
}
