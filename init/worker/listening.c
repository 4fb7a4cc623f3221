/* listen() and close() in a worker, as Node's cluster primary answers them. */
#include "init/worker/listening.h"

#include <errno.h>

#include "base/log.h"
#include "init/listen/frontend.h"
#include "init/worker/readiness.h"
#include "init/worker/state.h"

#include "base/ban.h"

static void answer_query(struct worker *w, const struct node_msg *q, const char *key, int err)
{
	worker_send(w,
		    node_listen_reply(w->channel.mode, q, key, err,
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
	       ((q->port == w->config->port && !w->frontend->has_no_public) ||
		(q->port && q->port == w->endpoint.port));
}

void listening_query(struct worker *w, const struct node_msg *q, const struct channel_frame *f)
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
void listening_closed(struct worker *w, const struct node_msg *m, const struct channel_frame *f)
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

void listening_begun(struct worker *w, const struct node_msg *m, const struct channel_frame *f)
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
		worker_become_ready(w, WORKER_STYLE_LISTEN);
}
