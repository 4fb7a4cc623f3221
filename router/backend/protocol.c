/* Protocols of workers. See protocol.h. */
#include "router/backend/protocol.h"

#include <errno.h>
#include <stdlib.h>

#include "base/macros.h"
#include "router/backend/question.h"
#include "router/backend/workers.h"

#include "base/ban.h"

enum { SILENCE_MS = 1000 };

/* After the answer it stays for what is left of that second, so that the rest of the answer is
 * read. */
struct protocol_check {
	struct worker *worker;
	uv_timer_t timer;
	struct question *question;
	bool told;
	protocol_fn *on_known;
	void *ctx;
};

static void on_timer_closed(uv_handle_t *handle)
{
	free(container_of((uv_timer_t *)handle, struct protocol_check, timer));
}

static void end(struct protocol_check *p)
{
	p->worker->protocol_check = NULL;
	question_close(p->question);
	uv_close((uv_handle_t *)&p->timer, on_timer_closed);
}

static void tell(struct protocol_check *p, enum protocol found)
{
	struct worker *w = p->worker;

	if (p->told)
		return;
	p->told = true;
	if (w->protocol == PROTOCOL_UNKNOWN)
		w->protocol = found;
	p->on_known(p->ctx, w);
}

static enum protocol of_answer(int status)
{
	if (status > 0)
		return PROTOCOL_HTTP;
	if (status == -EPROTO)
		return PROTOCOL_TLS;
	if (status == -EBADMSG)
		return PROTOCOL_OTHER;
	return status == -ECONNRESET ? PROTOCOL_SILENT : PROTOCOL_UNKNOWN;
}

static void on_answer(void *ctx, int status)
{
	tell(ctx, of_answer(status));
}

static void on_second_over(uv_timer_t *t)
{
	struct protocol_check *p = container_of(t, struct protocol_check, timer);

	tell(p, PROTOCOL_SILENT);
	end(p);
}

int protocol_ask(struct worker *w, protocol_fn *on_known, void *ctx)
{
	enum question_way way = worker_listens_itself(w) ? QUESTION_OWN : QUESTION_CHANNEL;
	struct protocol_check *p;
	int r;

	if (w->protocol_check)
		return w->protocol_check->told ? -EAGAIN : 0;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->worker = w;
	p->on_known = on_known;
	p->ctx = ctx;
	r = question_say_hello(w, way, on_answer, p, &p->question);
	if (r < 0) {
		free(p);
		return r;
	}
	w->protocol_check = p;
	(void)uv_timer_init(w->backend->loop->uv, &p->timer);
	(void)uv_timer_start(&p->timer, on_second_over, SILENCE_MS, 0);
	return 0;
}

void protocol_ask_stop(struct worker *w)
{
	struct protocol_check *p = w->protocol_check;

	if (!p)
		return;
	tell(p, PROTOCOL_UNKNOWN);
	end(p);
}

void protocol_learn(struct worker *w, unsigned status)
{
	if (status != 400)
		w->protocol = PROTOCOL_HTTP;
}

bool protocol_is_not_http(enum protocol p)
{
	return p > PROTOCOL_HTTP;
}
