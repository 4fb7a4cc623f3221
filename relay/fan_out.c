/* Fan-out. Failure: a receiver that cannot be given a frame is marked, to leave. */
#include "relay/fan_out.h"

#include <errno.h>
#include <utlist.h>

#include "base/log.h"
#include "ipc/scoreboard.h"

#include "base/ban.h"

/* Counting */

static void count_relayed(struct hub *h, size_t bytes)
{
	if (!h->board)
		return;
	counter_add(&h->board->relay_messages, 1);
	counter_add(&h->board->relay_bytes, bytes);
}

void hub_passed_over(struct hub_member *from, enum hub_passed_over reason)
{
	struct hub *h = from->hub;

	if (!h)
		return;
	h->passed_over.n[reason]++;
	if (h->board)
		counter_add(&h->board->relay_passed_over[reason], 1);
}

/* Handing out */

void member_mark(struct hub_member *m, const char *why)
{
	if (m->evict_why)
		return;
	m->evict_why = why;
	m->hub->n_to_evict++;
}

static void deliver(struct hub_member *to, struct blob *frame)
{
	struct hub *h = to->hub;
	int r;

	if (to->delivery == h->delivery) /* it has two servers in the same namespace */
		return;
	to->delivery = h->delivery;
	r = to->ops->send(to, frame);
	if (r < 0 && r != -EPIPE)
		member_mark(to, "no memory for a message to it");
}

static void deliver_told_all(struct hub *h, const struct hub_member *from, struct blob *frame)
{
	struct hub_member *m;

	if (h->n_told_all == 0)
		return;
	DL_FOREACH(h->members, m)
	if (m->is_told_all && m != from)
		deliver(m, frame);
}

static void deliver_group(struct hub *h, const struct hub_member *from, const struct hub_group *g,
			  struct blob *frame)
{
	struct hub_adapter *a;

	if (g)
		DL_FOREACH(g->adapters, a)
	if (a->member != from)
		deliver(a->member, frame);
	deliver_told_all(h, from, frame);
}

static void deliver_ready(struct hub *h, const struct hub_member *from, struct blob *frame)
{
	struct hub_member *m;

	DL_FOREACH(h->members, m)
	if (m->is_ready && m != from)
		deliver(m, frame);
}

static void deliver_to(struct hub *h, const struct hub_member *from, const struct hub_target *to,
		       struct blob *frame)
{
	h->delivery++;
	switch (to->kind) {
	case HUB_TO_ONE:
		deliver(to->one, frame);
		break;
	case HUB_TO_GROUP:
		deliver_group(h, from, to->group, frame);
		break;
	case HUB_TO_READY:
		deliver_ready(h, from, frame);
		break;
	case HUB_TO_NOBODY:
		break;
	}
}

static void deliver_copy(struct hub_member *from, const struct hub_target *to, struct str bytes)
{
	struct hub *h = from->hub;
	struct blob *frame = blob_copy(bytes);

	if (!frame) {
		hub_passed_over(from, HUB_NO_ROOM);
		return;
	}
	blob_charge(frame, &h->quota);
	deliver_to(h, from, to, frame);
	blob_unref(frame);
}

/* A large frame, which is received in a blob already. */
static void deliver_blob(struct hub_member *from, const struct hub_target *to, struct blob *frame)
{
	if (!frame->quota)
		blob_charge(frame, &from->hub->quota);
	deliver_to(from->hub, from, to, frame);
}

static bool any_told_all(const struct hub *h, const struct hub_member *from)
{
	return h->n_told_all > (from->is_told_all ? 1U : 0U);
}

static bool any_other(const struct hub_group *g, const struct hub_member *from)
{
	const struct hub_adapter *a;

	DL_FOREACH(g->adapters, a)
	if (a->member != from)
		return true;
	return false;
}

static bool any_ready(const struct hub *h, const struct hub_member *from)
{
	const struct hub_member *m;

	DL_FOREACH(h->members, m)
	if (m->is_ready && m != from)
		return true;
	return false;
}

static bool has_receivers(const struct hub_member *from, const struct hub_target *to)
{
	switch (to->kind) {
	case HUB_TO_ONE:
		return true;
	case HUB_TO_GROUP:
		return (to->group && any_other(to->group, from)) || any_told_all(from->hub, from);
	case HUB_TO_READY:
		return any_ready(from->hub, from);
	case HUB_TO_NOBODY:
		break;
	}
	return false;
}

/* Runs */

void run_flush(struct hub *h)
{
	struct hub_member *from = h->run.from;

	h->run.from = NULL;
	if (from)
		deliver_copy(from, &h->run.to, h->run.bytes);
}

static bool continues_run(const struct hub *h, const struct hub_member *from,
			  const struct hub_target *to, struct str bytes)
{
	return h->run.from == from && h->run.to.kind == to->kind && h->run.to.one == to->one &&
	       h->run.to.group == to->group && bytes.p == h->run.bytes.p + h->run.bytes.n &&
	       h->run.bytes.n + bytes.n <= h->run_max;
}

void hand_out(struct hub_member *from, const struct hub_target *to, const struct channel_frame *f)
{
	struct hub *h = from->hub;

	if (!f || !has_receivers(from, to))
		return;
	count_relayed(h, f->bytes.n);
	if (continues_run(h, from, to, f->bytes)) {
		h->run.bytes.n += f->bytes.n;
		return;
	}
	run_flush(h);
	if (f->blob) {
		deliver_blob(from, to, f->blob);
		return;
	}
	h->run.from = from;
	h->run.to = *to;
	h->run.bytes = f->bytes;
}

/* Frames of ours */

void announce_to_group(struct hub *h, const struct hub_group *g, const struct hub_member *except,
		       struct blob *frame)
{
	if (!frame) {
		log_warn(SIO_300, "relay: no memory to announce a member's end");
		return;
	}
	h->delivery++;
	deliver_group(h, except, g, frame);
	blob_unref(frame);
}

void announce_to_0_2(struct hub *h, struct blob *frame)
{
	struct hub_member *m;

	if (!frame) {
		log_warn(SIO_300, "relay: no memory to announce a member's end");
		return;
	}
	h->delivery++;
	DL_FOREACH(h->members, m)
	if (m->has_0_2)
		deliver(m, frame);
	blob_unref(frame);
}
