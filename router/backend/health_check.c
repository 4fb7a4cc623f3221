/* Health checks. See health_check.h. */
#include "router/backend/health_check.h"

#include <errno.h>
#include <stdlib.h>

#include "base/macros.h"
#include "router/backend/question.h"
#include "router/backend/workers.h"

#include "base/ban.h"

enum { LOOK_MS = 250, LATE_MS = 500 };

struct health_check {
	struct worker *worker;
	uv_timer_t timer;          /* to the next question, or to the next look at an open one */
	struct question *question; /* owned, or NULL; what is left of its answer may still come */
	bool open;                 /* its status has not come */
	uint32_t waited_ms;
	uint64_t seen_ms; /* until when .waited_ms counts */
};

static void on_timer(uv_timer_t *t);

static void again_in(struct health_check *h, uint64_t ms)
{
	(void)uv_timer_start(&h->timer, on_timer, ms, 0);
}

/* Time in which we slept ourselves is not the worker's. */
static void count_wait(struct health_check *h)
{
	uint64_t now = backend_now(h->worker->backend), passed = now - h->seen_ms;

	h->waited_ms += passed < LATE_MS ? (uint32_t)passed : LATE_MS;
	h->seen_ms = now;
}

/* What is lost is said again. */
static void tell(struct health_check *h, enum health_answer a, int status)
{
	struct control_msg m = { .type = CONTROL_HEALTH,
				 .worker = h->worker->id,
				 .state = a,
				 .kind = status > 0 ? (uint32_t)status : 0,
				 .waited_ms = h->waited_ms };

	(void)control_send(h->worker->backend->init, &m, -1);
}

static void next_question(struct health_check *h)
{
	uint32_t interval = h->worker->backend->conf->health_interval_ms;

	h->open = false;
	again_in(h, interval > h->waited_ms ? interval - h->waited_ms : 0);
}

static void on_answer(void *ctx, int status)
{
	struct health_check *h = ctx;

	count_wait(h);
	tell(h, status / 100 == 2 ? HEALTH_GOOD : HEALTH_BAD, status);
	next_question(h);
}

static void dial(struct health_check *h)
{
	struct worker *w = h->worker;
	enum question_way way = worker_listens_itself(w) ? QUESTION_OWN : QUESTION_CHANNEL;
	int r = question_ask(w, way, w->backend->conf->health_path, on_answer, h, &h->question);

	if (r == 0 || r == -EAGAIN)
		again_in(h, LOOK_MS);
	else if (way == QUESTION_OWN && (r == -ECONNREFUSED || r == -ENOENT))
		on_answer(h, r);
	else
		next_question(h);
}

static void ask(struct health_check *h)
{
	question_close(h->question);
	h->question = NULL;
	h->open = true;
	h->waited_ms = 0;
	h->seen_ms = backend_now(h->worker->backend);
	dial(h);
}

static void on_timer(uv_timer_t *t)
{
	struct health_check *h = container_of(t, struct health_check, timer);

	if (!h->open) {
		ask(h);
		return;
	}
	count_wait(h);
	tell(h, HEALTH_OPEN, 0);
	if (h->question)
		again_in(h, LOOK_MS);
	else
		dial(h);
}

void health_check_start(struct worker *w)
{
	const struct router_conf *conf = w->backend->conf;
	struct health_check *h;

	if (w->health_check || !conf->health_path || !conf->health_interval_ms)
		return;
	h = calloc(1, sizeof(*h));
	if (!h)
		return;
	w->health_check = h;
	h->worker = w;
	(void)uv_timer_init(w->backend->loop->uv, &h->timer);
	again_in(h, 0);
}

static void on_timer_closed(uv_handle_t *handle)
{
	free(container_of((uv_timer_t *)handle, struct health_check, timer));
}

void health_check_stop(struct worker *w)
{
	struct health_check *h = w->health_check;

	if (!h)
		return;
	w->health_check = NULL;
	question_close(h->question);
	uv_close((uv_handle_t *)&h->timer, on_timer_closed);
}
