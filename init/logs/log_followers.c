/* Queues and sockets. While there is nothing to send only the end of the follower is waited for,
 * which poll(2) tells whatever it is asked; its question has ended already, so reading would never
 * wait. */
#include "init/logs/log_followers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <utlist.h>

#include "base/fd.h"

#include "base/ban.h"

struct log_follower {
	struct log_follower *prev, *next;
	struct log_followers *all;
	struct log_choice choice;
	int fd;
	uv_poll_t poll;
	struct buf queue;
	unsigned lost; /* lines that it is to be told of */
	bool waits;    /* for room */
};

bool log_choice_has(const struct log_choice *c, uint32_t slot, const char *sidecar)
{
	if (sidecar)
		return c->sidecars && (!c->sidecar || strcmp(c->sidecar, sidecar) == 0);
	return c->workers && (c->slot < 0 || (uint32_t)c->slot == slot);
}

static void on_closed(uv_handle_t *h)
{
	struct log_follower *w = h->data;

	fd_close(&w->fd);
	buf_free(&w->queue);
	free(w);
}

static void follower_end(struct log_follower *w)
{
	if (uv_is_closing((uv_handle_t *)&w->poll))
		return;
	DL_DELETE(w->all->list, w);
	w->all->n--;
	uv_close((uv_handle_t *)&w->poll, on_closed);
}

static void on_event(uv_poll_t *h, int status, int events);

static void wait_for(struct log_follower *w, bool room)
{
	w->waits = room;
	if (uv_poll_start(&w->poll, room ? UV_WRITABLE : UV_PRIORITIZED, on_event) < 0)
		follower_end(w);
}

/* False: it is gone. */
static bool send_queue(struct log_follower *w)
{
	ssize_t n =
	    w->queue.len ? send(w->fd, w->queue.p, w->queue.len, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return false;
	if (n > 0)
		buf_consume(&w->queue, (size_t)n);
	return true;
}

static void tell_lost(struct log_follower *w)
{
	if (w->lost && buf_printf(&w->queue, "2sioinit: %u lines left out: they were not read\n",
				  w->lost) == 0)
		w->lost = 0;
}

static void flush(struct log_follower *w)
{
	if (!send_queue(w)) {
		follower_end(w);
		return;
	}
	if (w->queue.len == 0)
		tell_lost(w);
	if (w->waits != (w->queue.len > 0))
		wait_for(w, w->queue.len > 0);
}

static void on_event(uv_poll_t *h, int status, int events)
{
	struct log_follower *w = h->data;

	if (status < 0 || !(events & UV_WRITABLE))
		follower_end(w);
	else
		flush(w);
}

static int follower_start(struct log_follower *w, struct str first)
{
	int r = buf_append(&w->queue, first.p, first.n);

	if (r == 0)
		r = uv_poll_init(w->all->loop, &w->poll, w->fd);
	if (r < 0)
		return r;
	w->poll.data = w;
	w->all->n++;
	DL_APPEND(w->all->list, w);
	wait_for(w, true);
	return 0;
}

int log_followers_add(struct log_followers *f, int fd, const struct log_choice *choice,
		      struct str first)
{
	auto_fd int own = fd;
	struct log_follower *w = f->n < LOG_FOLLOWERS_MAX ? calloc(1, sizeof(*w)) : NULL;
	int r;

	if (!w)
		return f->n < LOG_FOLLOWERS_MAX ? -ENOMEM : -EUSERS;
	w->all = f;
	w->choice = *choice;
	w->fd = own;
	w->queue = BUF_INIT(LOG_FOLLOWER_QUEUE_MAX);
	r = follower_start(w, first);
	if (r == 0) {
		(void)fd_take(&own);
		return 0;
	}
	buf_free(&w->queue);
	free(w);
	return r;
}

void log_followers_init(struct log_followers *f, uv_loop_t *loop)
{
	*f = (struct log_followers){ .loop = loop };
}

/* All of it or nothing. */
static void put(struct log_follower *w, bool is_stderr, struct str line)
{
	if (w->lost || buf_reserve(&w->queue, line.n + 1) < 0) {
		w->lost++;
		return;
	}
	w->queue.p[w->queue.len++] = is_stderr ? '2' : '1';
	memcpy(w->queue.p + w->queue.len, line.p, line.n);
	w->queue.len += line.n;
}

void log_followers_put(struct log_followers *f, uint32_t slot, const char *sidecar, bool is_stderr,
		       struct str line)
{
	struct log_follower *w;

	DL_FOREACH(f->list, w)
	if (log_choice_has(&w->choice, slot, sidecar))
		put(w, is_stderr, line);
}

void log_followers_flush(struct log_followers *f)
{
	struct log_follower *w, *next;

	DL_FOREACH_SAFE(f->list, w, next)
	if (w->queue.len > 0 && !w->waits)
		flush(w);
}

void log_followers_end(struct log_followers *f)
{
	struct log_follower *w, *next;

	DL_FOREACH_SAFE(f->list, w, next)
	{
		(void)send_queue(w);
		tell_lost(w);
		if (buf_append(&w->queue, "0\n", 2) == 0)
			(void)send_queue(w);
		follower_end(w);
	}
}
