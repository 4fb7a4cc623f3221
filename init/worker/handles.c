/* Handles of one worker. See handles.h. */
#include "init/worker/handles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/fd.h"

#include "base/ban.h"

enum handle_kind { HANDLE_SOCKET, HANDLE_SHARED, HANDLE_PING };

struct handle {
	struct handle *prev, *next;
	enum handle_kind kind;
	struct control_msg m;
	int fd;             /* owned, and lent to the channel until it is sent; -1 for a ping */
	struct blob *frame; /* held back, owned; NULL: queued or sent */
	uint64_t number;    /* of the frame in the channel, once it is queued */
	int64_t seq;        /* HANDLES_NO_SEQ: done when acknowledged */
	bool is_client;
	bool acked; /* the bytes are read; a newconn waits for the app's word, too */
};

/* Clients that the worker has not got yet count when the router chooses. */
static void publish(struct handles *hs)
{
	if (hs->pending)
		counter_set(hs->pending, hs->n_clients);
}

static void handle_done(struct handles *hs, struct handle *h)
{
	DL_DELETE(hs->list, h);
	hs->n--;
	hs->n_clients -= h->is_client;
	publish(hs);
	fd_close(&h->fd);
	blob_unref(h->frame);
	free(h);
}

static void handle_back(struct handles *hs, struct handle *h)
{
	struct control_msg m = h->m;
	bool is_socket = h->kind == HANDLE_SOCKET;
	int fd = is_socket ? fd_take(&h->fd) : -1;

	handle_done(hs, h);
	if (is_socket)
		hs->ops->on_back(hs, &m, fd);
}

static void handle_taken(struct handles *hs, struct handle *h)
{
	if (h->is_client)
		hs->ops->on_taken(hs, &h->m, h->fd);
	handle_done(hs, h);
}

/* 0, or -errno: it stays in the list. */
static int send_now(struct handles *hs, struct handle *h)
{
	struct blob *frame = h->frame;
	int r = channel_send(hs->channel, frame, h->fd);

	if (r < 0)
		return r;
	h->frame = NULL;
	h->number = channel_last_number(hs->channel);
	blob_unref(frame);
	return 0;
}

static bool is_sent(const struct handles *hs, const struct handle *h)
{
	return !h->frame && channel_has_sent(hs->channel, h->number);
}

/* NULL: there are too many, or no memory; @frame is gone then. */
static struct handle *handle_add(struct handles *hs, enum handle_kind kind, struct blob *frame)
{
	bool has_room = frame && hs->n < HANDLES_MAX && !hs->cut;
	struct handle *h = has_room ? calloc(1, sizeof(*h)) : NULL;

	if (!h) {
		blob_unref(frame);
		return NULL;
	}
	h->kind = kind;
	h->fd = -1;
	h->frame = frame;
	h->seq = HANDLES_NO_SEQ;
	DL_APPEND(hs->list, h);
	hs->n++;
	return h;
}

static int send_unless_pinging(struct handles *hs, struct handle *h)
{
	return hs->pinging ? 0 : send_now(hs, h);
}

void handles_give(struct handles *hs, const struct control_msg *m, int fd, int64_t seq,
		  struct blob *frame)
{
	struct handle *h = handle_add(hs, HANDLE_SOCKET, frame);
	struct control_msg back = *m;

	back.type = CONTROL_HANDBACK;
	back.text = (struct str){ NULL, 0 }; /* borrowed, and of no use to the router */
	if (!h) {
		hs->ops->on_back(hs, &back, fd);
		return;
	}
	h->m = back;
	h->fd = fd;
	h->seq = seq;
	h->is_client = m->kind == HANDOFF_CLIENT || m->kind == HANDOFF_RAW;
	hs->n_clients += h->is_client;
	publish(hs);
	if (send_unless_pinging(hs, h) < 0)
		handle_back(hs, h);
}

int handles_share(struct handles *hs, int fd, struct blob *frame)
{
	struct handle *h = handle_add(hs, HANDLE_SHARED, frame);
	int r;

	if (!h)
		return -EMFILE;
	h->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	r = h->fd < 0 ? -errno : send_unless_pinging(hs, h);
	if (r < 0)
		handle_done(hs, h);
	return r;
}

int handles_ping(struct handles *hs, struct blob *frame)
{
	struct handle *h = handle_add(hs, HANDLE_PING, frame);
	int r;

	if (!h)
		return -EMFILE;
	r = send_now(hs, h);
	if (r < 0)
		handle_done(hs, h);
	hs->pinging = r == 0;
	return r;
}

static void on_pong(struct handles *hs, struct handle *ping)
{
	struct handle *h, *next;

	handle_done(hs, ping);
	hs->pinging = false;
	DL_FOREACH_SAFE(hs->list, h, next)
	if (h->frame && send_now(hs, h) < 0)
		handle_back(hs, h);
	hs->ops->on_pong(hs);
}

bool handles_answered(struct handles *hs, bool taken)
{
	struct handle *h;

	DL_SEARCH_SCALAR(hs->list, h, acked, false);
	if (!h)
		return true;
	if (!is_sent(hs, h))
		return false;
	if (h->kind == HANDLE_PING)
		on_pong(hs, h);
	else if (!taken)
		handle_back(hs, h);
	else if (h->seq == HANDLES_NO_SEQ)
		handle_taken(hs, h);
	else
		h->acked = true;
	return true;
}

bool handles_accepted(struct handles *hs, int64_t seq, bool accepted)
{
	struct handle *h;

	DL_SEARCH_SCALAR(hs->list, h, seq, seq);
	if (!h || seq == HANDLES_NO_SEQ)
		return true;
	if (!is_sent(hs, h))
		return false;
	if (accepted)
		handle_taken(hs, h);
	else
		handle_back(hs, h);
	return true;
}

void handles_stop(struct handles *hs)
{
	struct handle *h, *next;

	hs->cut = true;
	DL_FOREACH_SAFE(hs->list, h, next)
	if (h->frame)
		handle_back(hs, h);
}

void handles_cut(struct handles *hs)
{
	struct handle *h, *next;

	hs->cut = true;
	hs->pinging = false;
	DL_FOREACH_SAFE(hs->list, h, next)
	if (!h->acked)
		handle_back(hs, h);
}

void handles_close(struct handles *hs)
{
	hs->cut = true;
	while (hs->list)
		handle_back(hs, hs->list);
}

void handles_reopen(struct handles *hs)
{
	hs->cut = false;
}
