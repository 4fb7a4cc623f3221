/* Probing workers: by each way one question at a time, repeated with growing pauses. One that is
 * not answered is closed by FIN, never by a reset: a reset would be an unhandled 'error' event in
 * an app that has not attached its listener yet, and would kill it. */
#include "router/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/macros.h"
#include "router/core.h"
#include "router/sock.h"
#include "router/upstream.h"

#include "base/ban.h"

enum { SILENCE_OF_ANNOUNCED_MS = 2000, STATUS_LEN = sizeof("HTTP/1.1 200") - 1 };

enum way { WAY_CHANNEL, WAY_OWN, N_WAYS };

/* An early hand-off costs the worker something, an early connection nothing. */
static const struct {
	uint32_t first_ms, most_ms;
} pauses[N_WAYS] = { [WAY_CHANNEL] = { 250, 4000 }, [WAY_OWN] = { 25, 400 } };

/* One question: freed when its socket is closed. */
struct ask {
	struct sock sock;
	struct probe *probe;
	enum way way;
	bool asked; /* the request is out */
	char status[STATUS_LEN];
	size_t len;
};

struct asking {
	struct probe *probe;
	enum way way;
	bool begun;
	uv_timer_t timer;
	struct ask *ask; /* the one in progress */
	uint32_t wait_ms;
};

struct probe {
	struct worker *worker;
	struct asking by[N_WAYS];
	unsigned n_open;
	bool announced;
	uint64_t since_ms;
};

static void on_ask_closed(struct sock *s)
{
	free(container_of(s, struct ask, sock));
}

static void ask_close(struct asking *a)
{
	if (a->ask)
		sock_close(&a->ask->sock, on_ask_closed);
	a->ask = NULL;
}

static void answered(struct asking *a)
{
	struct worker *w = a->probe->worker;
	enum worker_style own = w->path[0] ? WORKER_STYLE_UNIX : WORKER_STYLE_PORT;
	struct control_msg m = { .type = CONTROL_PROBED,
				 .worker = w->id,
				 .style = a->way == WAY_OWN ? own : WORKER_STYLE_STICKY };

	(void)control_send(&w->router->link, &m,
			   -1); /* a lost one: the worker times out and is replaced */
	probe_stop(w);
}

/* The question */

static const char *path_to_ask(const struct ask *q)
{
	const struct router_conf *conf = q->probe->worker->router->conf;

	return q->way == WAY_OWN ? conf->health_path : conf->probe_path;
}

static int send_request(struct ask *q)
{
	char request[512];
	int n = snprintf(request, sizeof(request),
			 "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
			 path_to_ask(q));

	if (n >= (int)sizeof(request))
		return -EMSGSIZE;
	q->asked = true;
	n = sock_send(&q->sock, (struct str){ request, (size_t)n }, (struct str){ 0 });
	return n < 0 ? n : sock_want(&q->sock, UV_READABLE);
}

static bool is_connected(int fd)
{
	int err = 0;
	socklen_t len = sizeof(err);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0 && err == 0;
}

static bool is_good(const struct ask *q)
{
	if (memcmp(q->status, "HTTP/", 5) != 0)
		return false;
	return q->way == WAY_CHANNEL || q->status[STATUS_LEN - 3] == '2';
}

static void on_connected(struct asking *a)
{
	struct ask *q = a->ask;
	bool accepted = is_connected(q->sock.fd), is_enough = !path_to_ask(q);

	if (accepted && is_enough)
		answered(a);
	else if (!accepted || send_request(q) < 0)
		ask_close(a);
}

static void on_answer(struct asking *a)
{
	struct ask *q = a->ask;
	ssize_t n = recv(q->sock.fd, q->status + q->len, STATUS_LEN - q->len, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	q->len += n > 0 ? (size_t)n : 0;
	if (q->len == STATUS_LEN && is_good(q))
		answered(a);
	else if (n <= 0 || q->len == STATUS_LEN)
		ask_close(a);
}

static void on_event(struct sock *s, int events)
{
	struct ask *q = container_of(s, struct ask, sock);
	struct asking *a = &q->probe->by[q->way];

	(void)events;
	if (q->asked)
		on_answer(a);
	else
		on_connected(a);
}

/* Our end of a pair whose other end is on its way to the worker, or -errno. */
static int hand_over_pair(struct worker *w)
{
	struct control_msg m = { .type = CONTROL_HANDOFF, .worker = w->id, .kind = HANDOFF_PROBE };
	auto_fd int near = -1;
	int far = -1, r = upstream_pair(w->router, &near, &far);

	if (r == 0)
		r = control_send(&w->router->link, &m, far);
	return r < 0 ? r : fd_take(&near);
}

static struct ask *ask_new(struct asking *a)
{
	struct worker *w = a->probe->worker;
	int fd = a->way == WAY_OWN ? upstream_dial(w) : hand_over_pair(w);
	struct ask *q = fd < 0 ? NULL : calloc(1, sizeof(*q));

	if (!q) {
		fd_close(&fd);
		return NULL;
	}
	q->probe = a->probe;
	q->way = a->way;
	sock_init(&q->sock, &w->router->poller, fd, on_event);
	return q;
}

static void ask(struct asking *a)
{
	int r;

	ask_close(a);
	a->ask = ask_new(a);
	if (!a->ask)
		return;
	r = a->way == WAY_OWN ? sock_want(&a->ask->sock, UV_WRITABLE) : send_request(a->ask);
	if (r < 0)
		ask_close(a);
}

/* Repetition */

static bool is_silence_enough(const struct asking *a)
{
	const struct probe *p = a->probe;

	return a->way == WAY_CHANNEL && p->announced &&
	       router_now(p->worker->router) - p->since_ms >= SILENCE_OF_ANNOUNCED_MS;
}

static void on_timer(uv_timer_t *timer)
{
	struct asking *a = container_of(timer, struct asking, timer);
	uint32_t most = pauses[a->way].most_ms;

	if (is_silence_enough(a)) {
		answered(a);
		return;
	}
	ask(a);
	(void)uv_timer_start(&a->timer, on_timer, a->wait_ms, 0);
	a->wait_ms = a->wait_ms * 2 < most ? a->wait_ms * 2 : most;
}

static void begin(struct probe *p, enum way way)
{
	struct asking *a = &p->by[way];

	if (a->begun)
		return;
	a->begun = true;
	a->wait_ms = pauses[way].first_ms;
	(void)uv_timer_start(&a->timer, on_timer, 0, 0);
}

static struct probe *probe_new(struct worker *w)
{
	struct probe *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->worker = w;
	p->since_ms = router_now(w->router);
	p->n_open = N_WAYS;
	for (int i = 0; i < N_WAYS; i++) {
		p->by[i].probe = p;
		p->by[i].way = (enum way)i;
		(void)uv_timer_init(&w->router->loop, &p->by[i].timer);
	}
	return p;
}

void probe_start(struct worker *w, bool by_channel, bool announced)
{
	if (!w->probe)
		w->probe = probe_new(w);
	if (!w->probe)
		return;
	w->probe->announced = w->probe->announced || announced;
	if (by_channel)
		begin(w->probe, WAY_CHANNEL);
	if (w->port || w->path[0])
		begin(w->probe, WAY_OWN);
}

static void on_timer_closed(uv_handle_t *h)
{
	struct probe *p = container_of((uv_timer_t *)h, struct asking, timer)->probe;

	if (--p->n_open == 0)
		free(p);
}

void probe_stop(struct worker *w)
{
	struct probe *p = w->probe;

	if (!p)
		return;
	w->probe = NULL;
	for (int i = 0; i < N_WAYS; i++) {
		ask_close(&p->by[i]);
		uv_close((uv_handle_t *)&p->by[i].timer, on_timer_closed);
	}
}
