/* Probing workers. One pair at a time; a probe that is not answered is closed by FIN, never by a
 * reset: a reset would be an unhandled 'error' event in an app that has not attached its listener
 * yet, and would kill it. */
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

enum {
	WAIT_FIRST_MS = 250,
	WAIT_MAX_MS = 4000,
	SILENCE_OF_ANNOUNCED_MS = 2000,
};

/* One question: freed when its socket is closed. */
struct ask {
	struct sock sock;
	struct probe *probe;
};

struct probe {
	uv_timer_t timer;
	struct worker *worker;
	struct ask *ask; /* the one in progress */
	bool announced;
	uint32_t wait_ms;
	uint64_t since_ms;
};

static void on_ask_closed(struct sock *s)
{
	free(container_of(s, struct ask, sock));
}

static void ask_close(struct probe *p)
{
	if (p->ask)
		sock_close(&p->ask->sock, on_ask_closed);
	p->ask = NULL;
}

static void answered(struct probe *p)
{
	struct worker *w = p->worker;
	struct control_msg m = { .type = CONTROL_PROBED, .worker = w->id };

	(void)control_send(&w->router->link, &m,
			   -1); /* a lost one: the worker times out and is replaced */
	probe_stop(w);
}

static void on_answer(struct sock *s, int events)
{
	struct probe *p = container_of(s, struct ask, sock)->probe;
	char start[5];

	if (recv(s->fd, start, sizeof(start), MSG_DONTWAIT) == sizeof(start) &&
	    memcmp(start, "HTTP/", sizeof(start)) == 0)
		answered(p);
	else if (events & UV_READABLE)
		ask_close(p);
}

static int ask_send(struct ask *a, const char *path)
{
	char request[512];
	int n = snprintf(request, sizeof(request),
			 "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);

	if (n >= (int)sizeof(request))
		return -EMSGSIZE;
	n = sock_send(&a->sock, (struct str){ request, (size_t)n }, (struct str){ 0 });
	return n < 0 ? n : sock_want(&a->sock, UV_READABLE);
}

static struct ask *ask_new(struct probe *p)
{
	struct worker *w = p->worker;
	struct control_msg m = { .type = CONTROL_HANDOFF, .worker = w->id, .kind = HANDOFF_PROBE };
	struct ask *a;
	int near, far;

	if (upstream_pair(w->router, &near, &far) < 0)
		return NULL;
	a = calloc(1, sizeof(*a));
	if (!a || control_send(&w->router->link, &m, far) < 0) {
		free(a);
		fd_close(&near);
		return NULL;
	}
	a->probe = p;
	sock_init(&a->sock, &w->router->poller, near, on_answer);
	return a;
}

static void on_timer(uv_timer_t *timer)
{
	struct probe *p = container_of(timer, struct probe, timer);
	struct router *r = p->worker->router;

	if (p->announced && router_now(r) - p->since_ms >= SILENCE_OF_ANNOUNCED_MS) {
		answered(p);
		return;
	}
	ask_close(p);
	p->ask = ask_new(p);
	if (p->ask && ask_send(p->ask, r->conf->probe_path) < 0)
		ask_close(p);
	(void)uv_timer_start(&p->timer, on_timer, p->wait_ms, 0);
	p->wait_ms = p->wait_ms * 2 < WAIT_MAX_MS ? p->wait_ms * 2 : WAIT_MAX_MS;
}

void probe_start(struct worker *w, bool announced)
{
	struct probe *p = w->probe ? w->probe : calloc(1, sizeof(*p));

	if (!p)
		return;
	p->announced = p->announced || announced;
	if (w->probe)
		return;
	w->probe = p;
	p->worker = w;
	p->wait_ms = WAIT_FIRST_MS;
	p->since_ms = router_now(w->router);
	(void)uv_timer_init(&w->router->loop, &p->timer);
	(void)uv_timer_start(&p->timer, on_timer, 0, 0);
}

static void on_timer_closed(uv_handle_t *h)
{
	free(container_of((uv_timer_t *)h, struct probe, timer));
}

void probe_stop(struct worker *w)
{
	struct probe *p = w->probe;

	if (!p)
		return;
	w->probe = NULL;
	ask_close(p);
	uv_close((uv_handle_t *)&p->timer, on_timer_closed);
}
