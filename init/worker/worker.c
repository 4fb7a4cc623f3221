/* A worker.
 *
 *	spawned ──online──► booting ──► ready ⇄ suspect ──► draining ──► stopping ──► dead
 *	   └──────────────────┴──── the process may end at any moment ───────────────┘
 *
 * Ready is earned: by `listening`, by process.send('ready'), or, for setupWorker() apps, by an
 * answer to the router's probe, which starts when the adapter has spoken or the event loop has
 * answered a ping. With a health path it is the 2xx of that, whatever the style. */
#include "init/worker/worker.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"

#include "base/ban.h"

enum { DISCONNECT_AFTER_MS = 500, LEFT_AFTER_MS = 100 };

static const struct {
	const char *name;
	unsigned next;
} states[WORKER_N_STATES] = {
	[WORKER_SPAWNED] = { "spawned", BIT(WORKER_BOOTING) | BIT(WORKER_READY) |
					    BIT(WORKER_STOPPING) | BIT(WORKER_DEAD) },
	[WORKER_BOOTING] = { "booting",
			     BIT(WORKER_READY) | BIT(WORKER_STOPPING) | BIT(WORKER_DEAD) },
	[WORKER_READY] = { "ready", BIT(WORKER_SUSPECT) | BIT(WORKER_DRAINING) |
					BIT(WORKER_STOPPING) | BIT(WORKER_DEAD) },
	[WORKER_SUSPECT] = { "suspect", BIT(WORKER_READY) | BIT(WORKER_DRAINING) |
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
static bool is_on_its_own(const struct worker *w)
{
	return w->style == WORKER_STYLE_PORT || w->style == WORKER_STYLE_UNIX;
}

static void worker_set_state(struct worker *w, enum worker_state to)
{
	if (w->state == to)
		return;
	assert(states[w->state].next & BIT(to));
	log_info("worker[%u]: %s -> %s pid=%d", w->slot, states[w->state].name, states[to].name,
		 (int)w->pid);
	w->state = to;
	if (to == WORKER_READY)
		hub_ready(&w->member);
	w->ops->on_state(w);
}

/* It breaks the rules of its channel, so that nothing it says there can be relied on. */
static void on_breach(struct worker *w, const char *what)
{
	if (w->killed)
		return;
	log_error("worker[%u]: %s; it is replaced pid=%d", w->slot, what, (int)w->pid);
	worker_kill(w);
}

static void send_frame(struct worker *w, struct blob *frame)
{
	int r = !frame ? -ENOMEM : w->leaving ? 0 : channel_send(&w->channel, frame, -1);

	blob_unref(frame);
	if (r == -ENOBUFS)
		on_breach(w, "does not read the answers to what it asks on its IPC channel");
	else if (r == -ENOMEM)
		log_warn("worker[%u]: no memory for a message", w->slot);
}

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

void worker_hand_off(struct worker *w, const struct control_msg *m, int fd)
{
	struct server *s = servers_find(w->servers, m->listener);

	if (w->style != WORKER_STYLE_LISTEN)
		handles_give(&w->handles, m, fd, HANDLES_NO_SEQ,
			     node_sticky_connection(w->channel.mode));
	else
		handles_give(&w->handles, m, fd, w->seq,
			     s ? node_newconn(&s->newconn, w->seq) : NULL);
	w->seq++;
}

/* listen() */

static void answer_query(struct worker *w, const struct node_msg *q, const char *key, int err)
{
	send_frame(w, node_listen_reply(w->channel.mode, q, key, err,
					err || q->address_type == NODE_ADDR_UNIX ? NULL : "0.0.0.0",
					q->port, w->seq++));
}

/* A handle that all workers share: a UDP socket. */
static void share(struct worker *w, const struct node_msg *q, const struct server *s)
{
	struct blob *reply = node_shared_reply(w->channel.mode, q, s->key, w->seq++);
	int r = handles_share(&w->handles, s->place->fd, reply);

	if (r < 0)
		answer_query(w, q, "none", r);
}

/* What it was told as PORT. */
static bool is_public(const struct worker *w, const struct node_msg *q)
{
	return node_address_is_stream(q->address_type) && q->address_type != NODE_ADDR_UNIX &&
	       (q->port == w->config->port || (q->port && q->port == w->endpoint.port));
}

static void on_query(struct worker *w, const struct node_msg *q, const struct channel_frame *f)
{
	bool first = !servers_find(w->servers, 0) && node_address_is_stream(q->address_type),
	     public = is_public(w, q);
	int err = -EADDRINUSE;
	struct place *pl = public ? NULL : primary_place(w->primary, q, &err);
	struct server *s = NULL;
	struct node_msg reply = *q;

	(void)f;
	if ((public || pl) && !servers_have(w->servers, pl)) {
		s = servers_add(&w->servers, w->channel.mode, pl, first, q->seq);
		err = s ? 0 : -ENOMEM;
	}
	if (!s) {
		answer_query(w, q, "none", err);
		return;
	}
	if (!node_address_is_stream(q->address_type)) {
		share(w, q, s);
		return;
	}
	if (pl) {
		reply.port = pl->actual_port;
		w->ops->on_place(w, pl, first);
	}
	answer_query(w, &reply, s->key, 0);
}

/* server.close() or cluster.worker.disconnect(): it takes no new clients and lives on for as long
 * as it has old ones. */
static void on_server_closed(struct worker *w, const struct node_msg *m,
			     const struct channel_frame *f)
{
	bool had_first = servers_find(w->servers, 0);

	(void)f;
	servers_drop(&w->servers, m->key);
	if (!had_first || servers_find(w->servers, 0) ||
	    (w->state != WORKER_READY && w->state != WORKER_SUSPECT))
		return;
	log_info("worker[%u]: has closed its server pid=%d", w->slot, (int)w->pid);
	worker_set_state(w, WORKER_DRAINING);
}

/* Readiness */

static void become_ready(struct worker *w, enum worker_style style)
{
	if (w->state != WORKER_SPAWNED && w->state != WORKER_BOOTING)
		return;
	if (w->style == WORKER_STYLE_UNKNOWN)
		w->style = style;
	(void)uv_timer_stop(&w->deadline);
	worker_set_state(w, WORKER_READY);
}

static void may_be_probed(struct worker *w)
{
	if (w->state != WORKER_BOOTING || w->style == WORKER_STYLE_LISTEN || is_on_its_own(w) ||
	    w->servers || w->config->wait_ready)
		return;
	w->style = WORKER_STYLE_STICKY;
	w->ops->on_state(w);
}

void worker_answered(struct worker *w, enum worker_style where)
{
	if (w->state != WORKER_SPAWNED && w->state != WORKER_BOOTING)
		return;
	if (w->has_channel && w->config->wait_ready)
		return;
	w->style = where;
	become_ready(w, where);
}

/* Where there are two ways to it, its word does not say which. */
static void on_user_ready(struct worker *w, const struct node_msg *m, const struct channel_frame *f)
{
	(void)m;
	(void)f;
	if (is_on_its_own(w) || !w->endpoint.port)
		become_ready(w, WORKER_STYLE_STICKY);
	else
		may_be_probed(w);
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
		may_be_probed(w);
}

/* Pings */

static bool is_pinged(const struct worker *w)
{
	return w->answers_pings && !is_on_its_own(w);
}

void worker_ping(struct worker *w)
{
	if (w->ping_sent_ms || !is_pinged(w))
		return;
	if (handles_ping(&w->handles, node_ping(w->channel.mode)) == 0)
		w->ping_sent_ms = uv_now(w->deadline.loop);
}

/* While it drains nobody waits for what it says to health checks. */
static bool is_judged(const struct worker *w)
{
	return w->state == WORKER_READY || w->state == WORKER_SUSPECT;
}

static uint64_t since(const struct worker *w, uint64_t begin_ms)
{
	return begin_ms ? uv_now(w->deadline.loop) - begin_ms : 0;
}

uint64_t worker_silence_ms(const struct worker *w)
{
	uint64_t stopped = since(w, w->stopped_ms);
	uint64_t asked = 0;

	if (is_pinged(w))
		asked = since(w, w->ping_sent_ms);
	else if (is_judged(w))
		asked = w->health.silence_ms;
	return stopped > asked ? stopped : asked;
}

const char *worker_silence_why(const struct worker *w)
{
	if (w->stopped_ms)
		return "has been stopped";
	return is_pinged(w) ? "event loop has not answered" : "health path has not answered";
}

/* The loop runs, so a booting script has been read to its end. */
static void on_pong(struct handles *hs)
{
	struct worker *w = of_handles(hs);

	/* while it boots, that is what its script takes to load */
	w->lag_ms =
	    is_pinged(w) && w->state >= WORKER_READY ? (uint32_t)since(w, w->ping_sent_ms) : 0;
	w->ping_sent_ms = 0;
	w->asked_to_diagnose = false;
	may_be_probed(w);
}

static const struct handles_ops handles_ops = { on_back, on_taken, on_pong };

void worker_suspect(struct worker *w, bool suspect)
{
	if (is_judged(w))
		worker_set_state(w, suspect ? WORKER_SUSPECT : WORKER_READY);
}

/* Once for each turn of its fortune. */
static void say_health(const struct worker *w, uint32_t status)
{
	const char *path = w->config->worker_health_path;

	if (!w->health.is_bad)
		log_info("worker[%u]: is well again, %s answers %u pid=%d", w->slot, path, status,
			 (int)w->pid);
	else if (status)
		log_warn("worker[%u]: is not well, %s answers %u (SIOINIT_WORKER_HEALTH_PATH) "
			 "pid=%d",
			 w->slot, path, status, (int)w->pid);
	else
		log_warn("worker[%u]: is not well, no answer to %s (SIOINIT_WORKER_HEALTH_PATH) "
			 "pid=%d",
			 w->slot, path, (int)w->pid);
}

static void on_health(struct worker *w, const struct control_msg *m)
{
	bool is_bad = m->state == HEALTH_BAD, is_news = is_bad != w->health.is_bad;

	w->health.is_bad = is_bad;
	w->health.lag_ms = m->waited_ms;
	w->health.silence_ms = 0;
	if (!is_pinged(w)) {
		w->lag_ms = m->waited_ms;
		w->asked_to_diagnose = false;
	}
	if (is_news)
		say_health(w, m->kind);
}

void worker_heard(struct worker *w, const struct control_msg *m)
{
	if (!is_judged(w))
		return;
	if (m->state == HEALTH_OPEN)
		w->health.silence_ms = m->waited_ms;
	else
		on_health(w, m);
}

void worker_health_unknown(struct worker *w)
{
	w->health.silence_ms = 0;
}

static void on_adapter(struct worker *w, const struct node_msg *m, const struct channel_frame *f)
{
	if (!w->announced) {
		w->announced = true;
		may_be_probed(w);
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

static void on_listening(struct worker *w, const struct node_msg *m, const struct channel_frame *f)
{
	(void)m;
	(void)f;
	if (w->asked == WORKER_STYLE_STICKY || !servers_find(w->servers, 0))
		return;
	w->style = WORKER_STYLE_LISTEN;
	if (w->config->wait_ready)
		return;
	if (w->config->worker_health_path)
		w->ops->on_state(w); /* it may be asked from now on */
	else
		become_ready(w, WORKER_STYLE_LISTEN);
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
		log_warn("worker[%u]: no memory for a message", w->slot);
	blob_unref(ack);
	w->leaving = true;
}

static void on_accepted(struct worker *w, const struct node_msg *m, const struct channel_frame *f)
{
	(void)f;
	if (!handles_accepted(&w->handles, m->ack, m->accepted))
		on_breach(w, "accepts sockets that it was not sent");
}

static void on_handle(struct worker *w, const struct node_msg *m, const struct channel_frame *f)
{
	(void)m;
	(void)f;
	send_frame(w, node_handle_ack(w->channel.mode));
}

static void on_handle_answer(struct worker *w, const struct node_msg *m,
			     const struct channel_frame *f)
{
	(void)f;
	if (!handles_answered(&w->handles, m->kind == NODE_HANDLE_ACK))
		on_breach(w, "acknowledges sockets that it was not sent");
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
	[NODE_QUERY_SERVER] = { on_query, false },
	[NODE_LISTENING] = { on_listening, false },
	[NODE_CLOSE] = { on_server_closed, false },
	[NODE_EXITED_AFTER_DISCONNECT] = { on_exited_after_disconnect, false },
	[NODE_ACCEPTED] = { on_accepted, true },
	[NODE_HANDLE] = { on_handle, false },
	[NODE_HANDLE_ACK] = { on_handle_answer, true },
	[NODE_HANDLE_NACK] = { on_handle_answer, true },
	[NODE_USER_READY] = { on_user_ready, false },
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

	log_warn("worker[%u]: has left its IPC channel; drained and replaced pid=%d", w->slot,
		 (int)w->pid);
	worker_drain(w);
}

/* It is dying, which the next moment tells, or has called cluster.worker.disconnect(): then it has
 * to go, since nothing can be handed to it and its clients miss the others' broadcasts. A socket it
 * has acknowledged is its own. */
static void on_channel_end(struct channel *ch, int err)
{
	struct worker *w = of_channel(ch);

	w->ping_sent_ms = 0;
	hub_leave(&w->member);
	handles_cut(&w->handles);
	if (err == -EBADMSG || err == -EMSGSIZE) {
		log_error("worker[%u]: wrote garbage to its IPC channel; it is replaced pid=%d",
			  w->slot, (int)w->pid);
		worker_kill(w);
	} else if (w->has_channel && (w->state == WORKER_READY || w->state == WORKER_SUSPECT)) {
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

/* The relay */

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
				     .age_ms = since(w, channel_relayed_since_ms(&w->channel)) };
}

static struct hub_backlog member_incoming(struct hub_member *m)
{
	struct worker *w = of_member(m);

	return (struct hub_backlog){ .bytes = channel_incoming_bytes(&w->channel),
				     .age_ms = since(w, channel_incoming_since_ms(&w->channel)) };
}

static void member_drop_incoming(struct hub_member *m)
{
	channel_drop_incoming(&of_member(m)->channel);
}

/* Without the others' messages it must not go on. Its clients are moved to other workers while it
 * can still do its part. */
static void member_evicted(struct hub_member *m, const char *why)
{
	struct worker *w = of_member(m);
	bool is_leaving = w->killed || w->is_dead || w->state >= WORKER_DRAINING,
	     answers = worker_silence_ms(w) < HUB_SLOW_MS;

	channel_drop_relayed(&w->channel);
	log_error("worker[%u]: left the relay: %s%s pid=%d", w->slot, why,
		  is_leaving ? ""
		  : answers  ? "; drained and replaced"
			     : "; killed and replaced",
		  (int)w->pid);
	if (is_leaving)
		return;
	if (answers)
		worker_drain(w);
	else
		worker_kill(w);
}

static const struct hub_member_ops member_ops = { member_send, member_backlog, member_incoming,
						  member_drop_incoming, member_evicted };

/* Life */

static void what_it_lacks(const struct worker *w, char *dst, size_t size)
{
	if (w->config->worker_health_path)
		(void)snprintf(dst, size, " %s does not answer 2xx (SIOINIT_WORKER_HEALTH_PATH),",
			       w->config->worker_health_path);
	else if (w->endpoint.port)
		(void)snprintf(dst, size, " nothing answers at PORT=%u,", w->endpoint.port);
	else if (w->endpoint.path[0])
		(void)snprintf(dst, size, " nothing answers at SIOINIT_SOCKET,");
}

static void on_not_ready_in_time(uv_timer_t *t)
{
	struct worker *w = container_of(t, struct worker, deadline);
	char why[256] = "";

	what_it_lacks(w, why, sizeof(why));
	log_error("worker[%u]: not ready in time (SIOINIT_READY_TIMEOUT),%s replaced pid=%d",
		  w->slot, why, (int)w->pid);
	worker_kill(w);
}

bool worker_must_get_ready(const struct worker *w)
{
	return w->config->ready_timeout_ms && w->has_deadline;
}

int worker_init(struct worker *w, uv_loop_t *loop, int fd, struct hub *hub, bool bound_unread)
{
	int r = channel_init(&w->channel, loop, fd, hub->mode, &channel_ops, &hub->quota);

	if (r < 0)
		return r;
	if (bound_unread)
		channel_bound_unread(&w->channel);
	w->handles.channel = &w->channel;
	w->handles.ops = &handles_ops;
	(void)uv_timer_init(loop, &w->deadline);
	drain_init(&w->drain, loop);
	w->n_open = 3;
	hub_join(hub, &w->member, &member_ops, w->id);
	if (worker_must_get_ready(w))
		(void)uv_timer_start(&w->deadline, on_not_ready_in_time,
				     w->config->ready_timeout_ms, 0);
	return 0;
}

void worker_stopped(struct worker *w, int sig)
{
	if (!sig) {
		w->stopped_ms = 0;
		w->asked_to_diagnose = false;
		log_info("worker[%u]: goes on pid=%d", w->slot, (int)w->pid);
		return;
	}
	if (!w->stopped_ms)
		w->stopped_ms = uv_now(w->deadline.loop);
	log_warn("worker[%u]: stopped by SIG%s pid=%d", w->slot, sigabbrev_np(sig), (int)w->pid);
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

static void on_drain_time(uv_timer_t *t)
{
	worker_stop(container_of(t, struct worker, deadline));
}

static void stop_if_drained(struct worker *w)
{
	if (w->state == WORKER_DRAINING && w->sockets_done && w->requests_done)
		worker_stop(w);
}

static void on_sockets_done(struct drain *d)
{
	struct worker *w = container_of(d, struct worker, drain);

	w->sockets_done = true;
	stop_if_drained(w);
}

static void on_shed(struct drain *d)
{
	(void)d;
}

void worker_shed(struct worker *w, unsigned n)
{
	if (w->state == WORKER_READY && n > 0)
		drain_start(&w->drain, w->pid, w->frontend, n, w->config->drain_time_ms, on_shed);
}

void worker_requests_done(struct worker *w)
{
	w->requests_done = true;
	stop_if_drained(w);
}

void worker_drain(struct worker *w)
{
	uint32_t drain_ms = config_drain_time_ms(w->config);

	if (w->kill_at_ms)
		return;
	if (w->state < WORKER_READY) {
		worker_stop(w);
		return;
	}
	w->kill_at_ms = uv_now(w->deadline.loop) + w->config->stop_timeout_ms;
	worker_set_state(w, WORKER_DRAINING);
	(void)uv_timer_start(&w->deadline, on_drain_time, drain_ms, 0);
	if (is_on_its_own(w)) /* the router has them */
		on_sockets_done(&w->drain);
	else
		drain_start(&w->drain, w->pid, w->frontend, SIZE_MAX, drain_ms, on_sockets_done);
}

static void on_kill_time(uv_timer_t *t)
{
	struct worker *w = container_of(t, struct worker, deadline);

	log_warn("worker[%u]: still there at the stop timeout, killed pid=%d", w->slot,
		 (int)w->pid);
	worker_kill(w);
}

/* For those whose open channel alone keeps them alive. */
static void on_disconnect_time(uv_timer_t *t)
{
	struct worker *w = container_of(t, struct worker, deadline);
	uint64_t now = uv_now(t->loop);

	send_frame(w, node_disconnect(w->channel.mode, w->seq++));
	(void)uv_timer_start(t, on_kill_time, w->kill_at_ms > now ? w->kill_at_ms - now : 0, 0);
}

void worker_stop(struct worker *w)
{
	uint64_t now = uv_now(w->deadline.loop), left;

	if (w->state == WORKER_DEAD || w->state == WORKER_STOPPING)
		return;
	if (!w->kill_at_ms)
		w->kill_at_ms = now + w->config->stop_timeout_ms;
	left = w->kill_at_ms > now ? w->kill_at_ms - now : 0;
	drain_stop(&w->drain);
	worker_set_state(w, WORKER_STOPPING);
	worker_signal(w, w->config->stop_signal);
	(void)uv_timer_start(&w->deadline, on_disconnect_time,
			     left < DISCONNECT_AFTER_MS ? left : DISCONNECT_AFTER_MS, 0);
}

static void release(struct worker *w)
{
	if (--w->n_open == 0)
		free(w);
}

static void on_channel_closed(struct channel *ch)
{
	release(of_channel(ch));
}

static void on_deadline_closed(uv_handle_t *h)
{
	release(container_of((uv_timer_t *)h, struct worker, deadline));
}

static void on_drain_closed(uv_handle_t *h)
{
	release(container_of((uv_timer_t *)h, struct worker, drain.timer));
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
	servers_drop_all(&w->servers);
	endpoint_release(&w->endpoint);
	drain_stop(&w->drain);
	uv_close((uv_handle_t *)&w->deadline, on_deadline_closed);
	uv_close((uv_handle_t *)&w->drain.timer, on_drain_closed);
}
