/* Probing workers: by each way one question at a time, repeated with growing pauses. */
#include "router/backend/probe.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/macros.h"
#include "router/backend/question.h"
#include "router/backend/workers.h"

#include "base/ban.h"

enum { SILENCE_OF_ANNOUNCED_MS = 2000 };

/* An early hand-off costs the worker something, an early connection nothing. */
static const struct {
	uint32_t first_ms, most_ms;
} pauses[QUESTION_WAYS] = { [QUESTION_CHANNEL] = { 250, 4000 }, [QUESTION_OWN] = { 25, 400 } };

struct asking {
	struct probe *probe;
	enum question_way way;
	bool begun;
	uv_timer_t timer;
	struct question *question; /* owned: the one in progress, or NULL */
	bool hello;                /* that one is a ClientHello */
	bool closed; /* the last one was closed unanswered, as by a server that speaks TLS */
	uint32_t wait_ms;
};

struct probe {
	struct worker *worker;
	struct asking by[QUESTION_WAYS];
	unsigned n_open;
	uint64_t since_ms;
};

static void ask_close(struct asking *a)
{
	question_close(a->question);
	a->question = NULL;
}

/* False: it has to be said again. */
static bool tell(const struct asking *a, bool silent)
{
	struct worker *w = a->probe->worker;
	enum worker_style own = w->path[0] ? WORKER_STYLE_UNIX : WORKER_STYLE_PORT;
	struct control_msg m = { .type = CONTROL_PROBED,
				 .worker = w->id,
				 .style = a->way == QUESTION_OWN ? own : w->style,
				 .state = silent };

	return control_send(w->backend->init, &m, -1) == 0;
}

/* The question */

static bool is_enough(const struct asking *a, int status)
{
	bool has_path = a->probe->worker->backend->conf->health_path;

	return has_path ? status / 100 == 2 : status >= 0 || status == -EPROTO;
}

/* What was said to a ClientHello. */
static void on_protocol(const struct asking *a, int status)
{
	struct worker *w = a->probe->worker;
	const char *path = w->backend->conf->health_path;

	if (status != -EPROTO || w->protocol == PROTOCOL_TLS)
		return;
	w->protocol = PROTOCOL_TLS;
	if (path)
		log_warn(SIO_205,
			 "router: worker[%u] speaks TLS, over which SIOINIT_WORKER_HEALTH_PATH=%s "
			 "cannot be asked: it will not be ready; unset that, or serve the path by "
			 "plain HTTP",
			 w->slot, path);
}

static void on_answer(void *ctx, int status)
{
	struct asking *a = ctx;

	a->closed = status == -ECONNRESET;
	if (a->hello)
		on_protocol(a, status);
	if (is_enough(a, status) && tell(a, false))
		probe_stop(a->probe->worker);
	else
		ask_close(a);
}

static void ask(struct asking *a)
{
	struct worker *w = a->probe->worker;
	const struct router_conf *conf = w->backend->conf;
	const char *path = conf->health_path;

	if (!path && a->way == QUESTION_CHANNEL)
		path = conf->probe_path;
	ask_close(a);
	a->hello = a->closed && !a->hello;
	if (a->hello)
		(void)question_say_hello(w, a->way, on_answer, a, &a->question);
	else
		(void)question_ask(w, a->way, path, on_answer, a, &a->question);
}

/* Repetition */

static bool is_silence_enough(const struct asking *a)
{
	const struct probe *p = a->probe;

	return a->way == QUESTION_CHANNEL && p->worker->has_adapter &&
	       !p->worker->backend->conf->health_path &&
	       backend_now(p->worker->backend) - p->since_ms >= SILENCE_OF_ANNOUNCED_MS;
}

static void on_timer(uv_timer_t *timer)
{
	struct asking *a = container_of(timer, struct asking, timer);
	uint32_t most = pauses[a->way].most_ms;

	if (is_silence_enough(a) && tell(a, true)) {
		probe_stop(a->probe->worker);
		return;
	}
	ask(a);
	(void)uv_timer_start(&a->timer, on_timer, a->wait_ms, 0);
	a->wait_ms = a->wait_ms * 2 < most ? a->wait_ms * 2 : most;
}

static void begin(struct probe *p, enum question_way way)
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
	p->since_ms = backend_now(w->backend);
	p->n_open = QUESTION_WAYS;
	for (int i = 0; i < QUESTION_WAYS; i++) {
		p->by[i].probe = p;
		p->by[i].way = (enum question_way)i;
		(void)uv_timer_init(w->backend->loop->uv, &p->by[i].timer);
	}
	return p;
}

void probe_start(struct worker *w, bool by_channel)
{
	if (!w->probe)
		w->probe = probe_new(w);
	if (!w->probe)
		return;
	if (by_channel)
		begin(w->probe, QUESTION_CHANNEL);
	if (w->port || w->path[0])
		begin(w->probe, QUESTION_OWN);
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
	for (int i = 0; i < QUESTION_WAYS; i++) {
		ask_close(&p->by[i]);
		uv_close((uv_handle_t *)&p->by[i].timer, on_timer_closed);
	}
}
