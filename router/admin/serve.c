/* Serving the admin address. See serve.h. */
#include "router/admin/serve.h"

#include <errno.h>

#include "base/macros.h"
#include "ipc/report.h"
#include "router/admin/admin.h"
#include "router/admin/guard.h"
#include "router/admin/metrics_answer.h"
#include "router/backend/load.h"
#include "router/client/client.h"
#include "router/http/reply.h"

#include "base/ban.h"

enum { REPORT_MAX = 2 << 20, HEAD_MAX = 4096 };

/* With every answer, as a browser may have asked: it is what its type says, for our own page only,
 * and stands in no other. */
#define PROTECTION                                                                                 \
	"X-Content-Type-Options: nosniff\r\nCross-Origin-Resource-Policy: same-origin\r\n"         \
	"X-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n"

static void finish(struct admin *a, struct client *c, const struct admin_answer *answer,
		   struct str app)
{
	struct buf out = BUF_INIT(REPORT_MAX + HEAD_MAX);
	struct reply_text text = { .type = str_of(answer->type),
				   .fields = str_of(answer->fields),
				   .more = STR(PROTECTION),
				   .body = buf_str(answer->body),
				   .rest = app,
				   .head_only = c->to.head_only };

	if (reply_write_text(answer->status, &text, &out) < 0)
		client_close(c, "no memory");
	else
		client_finish_with(c, buf_str(&out), text.head_only ? (struct str){ 0 } : app);
	buf_free(&out);
	buf_free(&a->report);
}

static void refresh(struct admin *a)
{
	load_count_sockets(a->frontend->backend);
	a->publish(a->frontend);
}

static struct admin_view view_of(struct admin *a)
{
	const struct frontend *f = a->frontend;

	refresh(a);
	return (struct admin_view){ f->backend->shared, f->phase, f->backend->n_ready, NULL };
}

static void make_answer(struct admin *a, const struct client *c, const struct http_head *head,
			struct admin_answer *ret)
{
	struct guard guard = { frontend_conf(a->frontend)->admin_hosts, c->who.is_unix };
	struct admin_view v = view_of(a);

	v.guard = &guard;
	ret->body = &a->report;
	admin_answer(&v, head, ret);
}

/* What cannot be done at all is said as text, as the rest is JSON. */
static void fail(struct admin *a, struct client *c, struct admin_answer *answer, int err)
{
	if (err == -EMSGSIZE)
		admin_say(answer, 404, "not found");
	else
		admin_say(answer, 503,
			  err == -EBUSY ? "too many ask at once" : "init cannot be asked");
	finish(a, c, answer, (struct str){ 0 });
}

/* Metrics, with those of the app when there are some */

/* What has waited for the app's metrics is answered: ours and @app's. */
static void finish_metrics(struct admin *a, struct client *c, const struct scrape_part *app)
{
	struct admin_view v = view_of(a);
	struct admin_answer answer = { .body = &a->report };

	metrics_with_app(&v, app, &answer);
	finish(a, c, &answer, answer.status == 200 ? app->text : (struct str){ 0 });
}

static void on_scraped(struct scrape *s, struct client *c, const struct scrape_part *app)
{
	finish_metrics(container_of(s, struct admin, scrape), c, app);
}

static void await_app(struct admin *a, struct client *c, struct admin_answer *answer)
{
	int e = scrape_await(&a->scrape, c, answer->format);

	if (e == 0)
		client_wait(c);
	else if (e == -EBUSY)
		fail(a, c, answer, e);
	else
		finish_metrics(a, c, &(struct scrape_part){ .format = answer->format });
}

/* Events */

static int make_event(struct events *e, struct buf *out)
{
	struct admin *a = container_of(e, struct admin, events);

	refresh(a);
	return report_json(a->frontend->backend->shared, out);
}

/* nginx, too, is to pass each on at once. */
static void begin_events(struct admin *a, struct client *c, struct admin_answer *answer)
{
	static const char head[] =
	    "HTTP/1.1 200 OK\r\n" PROTECTION "Content-Type: text/event-stream\r\n"
	    "Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n"
	    "Connection: close\r\n\r\n";
	int e;

	answer->type = "text/event-stream";
	if (c->to.head_only) {
		finish(a, c, answer, (struct str){ 0 });
		return;
	}
	e = events_add(&a->events, c, STR(head));
	answer->type = "text/plain; charset=utf-8";
	if (e < 0)
		fail(a, c, answer, e);
}

/* Questions for init */

/* RFC 6750, 2.1; empty: there is none. */
static struct str bearer_of(const struct http_head *head)
{
	struct str s = http_field_get(head, STR("Authorization"));

	if (s.n < 7 || !str_eq_nocase((struct str){ s.p, 7 }, STR("Bearer ")))
		return (struct str){ 0 };
	return str_trim((struct str){ s.p + 7, s.n - 7 });
}

static void ask(struct admin *a, struct client *c, const struct http_head *head,
		struct admin_answer *answer)
{
	static const enum admin_ask asks[] = { [ADMIN_WANTS_ACCESS] = ADMIN_ASK_ACCESS,
					       [ADMIN_WANTS_DEATHS] = ADMIN_ASK_DEATHS,
					       [ADMIN_WANTS_SETTINGS] = ADMIN_ASK_SETTINGS,
					       [ADMIN_WANTS_ACTION] = ADMIN_ASK_ACTION };
	struct str words = answer->way == ADMIN_WANTS_ACTION ? answer->words : (struct str){ 0 };
	int e = questions_ask(&a->questions, c, asks[answer->way], bearer_of(head), words);

	if (e == 0)
		client_wait(c);
	else
		fail(a, c, answer, e);
}

static void on_answer(struct questions *q, struct client *c, unsigned status, struct str text)
{
	struct admin *a = container_of(q, struct admin, questions);
	struct admin_answer answer = { .status = status,
				       .type = "application/json",
				       .body = &a->report };

	if (buf_append(&a->report, text.p, text.n) < 0)
		admin_say(&answer, 500, "{}");
	finish(a, c, &answer, (struct str){ 0 });
}

/* All */

static void on_request(void *ctx, struct client *c, const struct http_head *head)
{
	struct admin *a = ctx;
	struct admin_answer answer;

	make_answer(a, c, head, &answer);
	if (answer.has_app_part)
		await_app(a, c, &answer);
	else if (answer.way == ADMIN_IS_ANSWERED)
		finish(a, c, &answer, (struct str){ 0 });
	else if (answer.way == ADMIN_GETS_EVENTS)
		begin_events(a, c, &answer);
	else
		ask(a, c, head, &answer);
}

static void on_left(void *ctx, const struct client *c)
{
	struct admin *a = ctx;

	scrape_forget(&a->scrape, c);
	events_forget(&a->events, c);
	questions_forget(&a->questions, c);
}

static const struct admin_ops ops = { on_request, on_left };

void admin_init(struct admin *a, struct frontend *f, void (*publish)(struct frontend *f))
{
	a->frontend = f;
	a->report = BUF_INIT(REPORT_MAX);
	a->publish = publish;
	scrape_init(&a->scrape, f->backend, on_scraped);
	events_init(&a->events, f->backend->loop->uv, make_event, REPORT_MAX);
	questions_init(&a->questions, f->backend, on_answer);
	f->admin_ops = &ops;
	f->admin = a;
}

void admin_deinit(struct admin *a)
{
	scrape_close(&a->scrape);
	events_close(&a->events);
	buf_free(&a->report);
}
