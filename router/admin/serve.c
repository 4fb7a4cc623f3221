/* Serving the admin address. See serve.h. */
#include "router/admin/serve.h"

#include <errno.h>

#include "base/macros.h"
#include "router/admin/admin.h"
#include "router/backend/load.h"
#include "router/client/client.h"
#include "router/http/reply.h"

#include "base/ban.h"

enum { REPORT_MAX = 2 << 20, HEAD_MAX = 4096 };

static void finish(struct admin *a, struct client *c, const struct admin_answer *answer,
		   struct str app)
{
	struct buf out = BUF_INIT(REPORT_MAX + HEAD_MAX);
	struct reply_text text = { .type = str_of(answer->type),
				   .fields = str_of(answer->fields),
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

static void make_answer(struct admin *a, const struct http_head *head, struct admin_answer *ret)
{
	const struct frontend *f = a->frontend;
	struct admin_view v = { f->backend->shared, f->phase, f->backend->n_ready };

	load_count_sockets(f->backend);
	a->publish(a->frontend);
	ret->body = &a->report;
	admin_answer(&v, head, ret);
}

static void on_request(void *ctx, struct client *c, const struct http_head *head)
{
	struct admin *a = ctx;
	struct admin_answer answer;
	int e = -ENODATA;

	make_answer(a, head, &answer);
	if (answer.has_app_part && scrape_has_app_part(&a->scrape))
		e = scrape_await(&a->scrape, c);
	if (e == 0) {
		client_wait(c);
		return;
	}
	if (e == -EBUSY)
		admin_say(&answer, 503, "too many ask at once");
	finish(a, c, &answer, (struct str){ 0 });
}

static void on_left(void *ctx, const struct client *c)
{
	struct admin *a = ctx;

	scrape_forget(&a->scrape, c);
}

static const struct admin_ops ops = { on_request, on_left };

/* What has waited for the app's metrics is answered: ours and @app's. */
static void on_scraped(struct scrape *s, struct client *c, struct str app)
{
	static const struct http_head get_metrics = { .method = { "GET", 3 },
						      .target = { "/metrics", 8 } };
	struct admin *a = container_of(s, struct admin, scrape);
	struct admin_answer answer;

	make_answer(a, &get_metrics, &answer);
	finish(a, c, &answer, app);
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
