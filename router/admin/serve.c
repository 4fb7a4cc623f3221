/* Serving the admin address. See serve.h. */
#include "router/admin/serve.h"

#include <errno.h>

#include "base/macros.h"
#include "router/admin/admin.h"
#include "router/admin/metrics_answer.h"
#include "router/backend/load.h"
#include "router/client/client.h"
#include "router/http/reply.h"

#include "base/ban.h"

enum { REPORT_MAX = SOCK_OUT_MAX - 1024 };

static void finish(struct admin *a, struct client *c, const struct admin_answer *answer,
		   struct str app)
{
	struct buf *out = &a->frontend->out;
	struct reply_text text = { .type = str_of(answer->type),
				   .fields = str_of(answer->fields),
				   .body = buf_str(answer->body),
				   .rest = app,
				   .head_only = c->to.head_only };

	out->len = 0;
	if (reply_write_text(answer->status, &text, out) < 0)
		client_close(c, "no memory");
	else
		client_finish_with(c, buf_str(out), text.head_only ? (struct str){ 0 } : app);
	buf_free(&a->report);
}

static struct admin_view view_of(struct admin *a)
{
	const struct frontend *f = a->frontend;

	load_count_sockets(f->backend);
	a->publish(a->frontend);
	return (struct admin_view){ f->backend->shared, f->phase, f->backend->n_ready };
}

/* What has waited for the app's metrics is answered: ours and @app's. */
static void finish_metrics(struct admin *a, struct client *c, const struct scrape_part *app)
{
	struct admin_view v = view_of(a);
	struct admin_answer answer = { .body = &a->report };

	metrics_with_app(&v, app, &answer);
	finish(a, c, &answer, answer.status == 200 ? app->text : (struct str){ 0 });
}

static void await_app(struct admin *a, struct client *c, struct admin_answer *answer)
{
	int e = scrape_await(&a->scrape, c, answer->format);

	if (e == 0) {
		client_wait(c);
	} else if (e == -EBUSY) {
		admin_say(answer, 503, "too many ask at once");
		finish(a, c, answer, (struct str){ 0 });
	} else {
		finish_metrics(a, c, &(struct scrape_part){ .format = answer->format });
	}
}

static void on_request(void *ctx, struct client *c, const struct http_head *head)
{
	struct admin *a = ctx;
	struct admin_view v = view_of(a);
	struct admin_answer answer = { .body = &a->report };

	admin_answer(&v, head, &answer);
	if (answer.has_app_part)
		await_app(a, c, &answer);
	else
		finish(a, c, &answer, (struct str){ 0 });
}

static void on_left(void *ctx, const struct client *c)
{
	struct admin *a = ctx;

	scrape_forget(&a->scrape, c);
}

static const struct admin_ops ops = { on_request, on_left };

static void on_scraped(struct scrape *s, struct client *c, const struct scrape_part *app)
{
	finish_metrics(container_of(s, struct admin, scrape), c, app);
}

void admin_init(struct admin *a, struct frontend *f, void (*publish)(struct frontend *f))
{
	a->frontend = f;
	a->report = BUF_INIT(REPORT_MAX);
	a->publish = publish;
	scrape_init(&a->scrape, f->backend, on_scraped);
	f->admin_ops = &ops;
	f->admin = a;
}

void admin_deinit(struct admin *a)
{
	scrape_close(&a->scrape);
	buf_free(&a->report);
}
