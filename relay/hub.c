/* The hub. Type numbers are those of cluster-adapter 0.2.2 and of socket.io-adapter 2.5.8 (0.3.0),
 * which differ; the uid tells the families apart. Failure: without memory a frame is not relayed
 * and an identity not learned; both are only logged. */
#include "relay/hub.h"

#include <stdlib.h>
#include <utlist.h>

#include "base/log.h"
#include "ipc/wire.h"

#include "ipc/scoreboard.h"

#include "base/ban.h"

enum {
	OLD_FETCH_RESPONSE = 9,
	OLD_SERVER_SIDE_EMIT_RESPONSE = 11,
	IDENTITIES_MAX = 1024, /* namespaces of one worker */
};

/* Both values as they stood in the member's frames: encoded, so that they can be repeated and
 * compared as bytes. */
struct hub_identity {
	struct hub_identity *prev, *next;
	size_t uid_len, nsp_len;
	char bytes[];
};

static struct str identity_uid(const struct hub_identity *id)
{
	return (struct str){ id->bytes, id->uid_len };
}

static struct str identity_nsp(const struct hub_identity *id)
{
	return (struct str){ id->bytes + id->uid_len, id->nsp_len };
}

void hub_init(struct hub *h, enum serialization mode)
{
	*h = (struct hub){ .mode = mode };
}

void hub_join(struct hub *h, struct hub_member *m, const struct hub_member_ops *ops,
	      int64_t worker_id)
{
	*m = (struct hub_member){ .hub = h, .ops = ops, .worker_id = worker_id };
	DL_APPEND(h->members, m);
}

static struct hub_identity *find_identity(struct hub_member *m, struct str uid,
					  const struct str *nsp)
{
	struct hub_identity *id;

	DL_FOREACH(m->identities, id)
	if (str_eq(identity_uid(id), uid) && (!nsp || str_eq(identity_nsp(id), *nsp)))
		return id;
	return NULL;
}

static void learn(struct hub_member *m, const struct node_msg *msg)
{
	struct str uid = msg->uid.raw, nsp = msg->nsp.raw;
	struct hub_identity *id;

	if (msg->uid.type != VALUE_STRING || msg->nsp.type != VALUE_STRING) {
		m->old_family = m->old_family || msg->uid.type == VALUE_ABSENT;
		return;
	}
	if (find_identity(m, uid, &nsp) || m->n_identities == IDENTITIES_MAX)
		return;
	id = malloc(sizeof(*id) + uid.n + nsp.n);
	if (!id) {
		log_warn("relay: no memory to learn a member's identity");
		return;
	}
	*id = (struct hub_identity){ .uid_len = uid.n, .nsp_len = nsp.n };
	memcpy(id->bytes, uid.p, uid.n);
	memcpy(id->bytes + uid.n, nsp.p, nsp.n);
	DL_APPEND(m->identities, id);
	m->n_identities++;
}

/* True: the member is congested. */
static bool deliver(struct hub_member *to, struct blob *frame)
{
	struct hub *h = to->hub;
	bool congested = to->ops->send(to, frame);

	if (congested && !to->congested) {
		to->congested = true;
		h->n_congested++;
	}
	return to->congested;
}

static struct hub_member *addressee(struct hub *h, const struct node_msg *msg)
{
	struct hub_member *m;
	int64_t id;

	if (msg->uid.type == VALUE_STRING) {
		DL_FOREACH(h->members, m)
		if (find_identity(m, msg->requester_uid.raw, NULL))
			return m;
		return NULL;
	}
	if (wire_int(&msg->worker_id, 0, INT32_MAX, &id) < 0)
		return NULL;
	DL_SEARCH_SCALAR(h->members, m, worker_id, id);
	return m;
}

static bool is_answer(const struct node_msg *msg)
{
	if (msg->uid.type == VALUE_STRING)
		return msg->requester_uid.type == VALUE_STRING;
	return msg->adapter_type == OLD_FETCH_RESPONSE ||
	       msg->adapter_type == OLD_SERVER_SIDE_EMIT_RESPONSE;
}

static bool to_others(struct hub_member *from, struct blob *frame)
{
	struct hub_member *m;
	bool congested = false;

	DL_FOREACH(from->hub->members, m)
	if (m != from)
		congested |= deliver(m, frame);
	return congested;
}

static bool has_receivers(const struct hub_member *from)
{
	return from->hub->members->next != NULL;
}

static void count(struct hub *h, size_t bytes)
{
	if (!h->board)
		return;
	counter_add(&h->board->relay_messages, 1);
	counter_add(&h->board->relay_bytes, bytes);
}

void hub_receive(struct hub_member *from, const struct node_msg *msg, struct str frame)
{
	bool answer = is_answer(msg), congested;
	struct hub_member *to;
	struct blob *shared;

	if (!from->hub)
		return;
	to = answer ? addressee(from->hub, msg) : NULL;
	learn(from, msg);
	if (answer ? !to || to == from : !has_receivers(from))
		return;
	count(from->hub, frame.n);
	shared = blob_copy(frame);
	if (!shared) {
		log_warn("relay: no memory for a message of %zu bytes", frame.n);
		return;
	}
	congested = answer ? deliver(to, shared) : to_others(from, shared);
	blob_unref(shared);
	if (congested && !from->paused) {
		from->paused = true;
		from->ops->pause(from, true);
	}
}

static void resume_all(struct hub *h)
{
	struct hub_member *m;

	DL_FOREACH(h->members, m)
	{
		if (!m->paused)
			continue;
		m->paused = false;
		m->ops->pause(m, false);
	}
}

void hub_drained(struct hub_member *m)
{
	struct hub *h = m->hub;

	if (!h || !m->congested)
		return;
	m->congested = false;
	if (--h->n_congested == 0)
		resume_all(h);
}

/* Announcing the end */

static void announce(struct hub *h, struct blob *frame)
{
	struct hub_member *m;

	if (!frame) {
		log_warn("relay: no memory to announce a member's end");
		return;
	}
	DL_FOREACH(h->members, m)
	(void)deliver(m, frame);
	blob_unref(frame);
}

static void announce_identities(struct hub *h, struct hub_member *gone)
{
	struct hub_identity *id, *next;

	DL_FOREACH_SAFE(gone->identities, id, next)
	{
		struct value uid = { .type = VALUE_STRING, .raw = identity_uid(id) };
		struct value nsp = { .type = VALUE_STRING, .raw = identity_nsp(id) };

		if (h->members)
			announce(h, node_adapter_close(h->mode, &uid, &nsp));
		free(id);
	}
	gone->identities = NULL;
}

void hub_leave(struct hub_member *m)
{
	struct hub *h = m->hub;

	if (!h)
		return;
	DL_DELETE(h->members, m);
	hub_drained(m);
	m->hub = NULL;
	announce_identities(h, m);
	if (m->old_family && h->members)
		announce(h, node_adapter_worker_exit(h->mode, m->worker_id));
}
