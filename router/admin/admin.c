/* Admin endpoints. Of the health checks machines look at the status only, people at the one line of
 * text.
 *	/livez    200 while init and router run: one dead worker is no reason to restart a pod
 *	/readyz   200 while traffic is welcome: a worker is ready and no stop has begun
 *	/healthz  the same as /readyz (the name Kubernetes deprecated in 1.16)
 *	/metrics  for Prometheus
 *	/status   the same numbers as JSON */
#include "router/admin/admin.h"

#include <errno.h>

#include "base/macros.h"
#include "ipc/report.h"
#include "router/client/client.h"
#include "router/core.h"
#include "router/http/reply.h"

#include "base/ban.h"

enum { INIT_SILENCE_MS = 10000 };

struct answer {
	unsigned status;
	const char *type;
	const char *fields; /* further ones, or NULL */
	struct buf *body;   /* router->report */
	bool waits;         /* for the app's metrics */
};

static void say(struct answer *a, unsigned status, const char *text)
{
	a->status = status;
	a->body->len = 0;
	(void)buf_printf(a->body, "%s\n", text);
}

/* Before the scoreboard has come, init has just started this process. */
static bool init_hangs(struct router *r)
{
	uint64_t beat_ms = counter_get(&r->shared->beat_ms), now_ms = uv_hrtime() / 1000000;

	return beat_ms && now_ms > beat_ms + INIT_SILENCE_MS;
}

static void livez(struct router *r, struct answer *a)
{
	if (init_hangs(r))
		say(a, 503, "init does not answer");
	else
		say(a, 200, "ok");
}

static void readyz(struct router *r, struct answer *a)
{
	if (r->phase != PHASE_SERVING)
		say(a, 503, "shutting down");
	else if (r->workers.n_ready == 0)
		say(a, 503, "no worker is ready");
	else
		say(a, 200, "ok");
}

static void report(struct router *r, struct answer *a, const char *type,
		   int (*write)(const struct scoreboard *, struct buf *))
{
	a->type = type;
	router_publish(r);
	if (write(r->shared, a->body) < 0)
		say(a, 500, "no memory");
}

static void metrics(struct router *r, struct answer *a)
{
	a->waits = scrape_has_app_part(r);
	report(r, a, "text/plain; version=0.0.4; charset=utf-8", report_metrics);
}

static void status(struct router *r, struct answer *a)
{
	report(r, a, "application/json", report_json);
}

static const struct {
	struct str path;
	void (*answer)(struct router *r, struct answer *a);
} endpoints[] = {
	{ { "/livez", 6 }, livez },     { { "/readyz", 7 }, readyz }, { { "/healthz", 8 }, readyz },
	{ { "/metrics", 8 }, metrics }, { { "/status", 7 }, status },
};

/* Without query, and with one slash in front: kubelets up to 1.20 ask for `GET //path` in HTTP
 * hooks. */
static struct str path_of(struct str target)
{
	const char *query = target.n ? memchr(target.p, '?', target.n) : NULL;

	if (query)
		target.n = (size_t)(query - target.p);
	while (target.n > 1 && target.p[0] == '/' && target.p[1] == '/') {
		target.p++;
		target.n--;
	}
	return target;
}

static void answer(struct router *r, const struct http_head *head, struct answer *a)
{
	struct str path = path_of(head->target);

	if (!str_eq(head->method, STR("GET")) && !str_eq(head->method, STR("HEAD"))) {
		say(a, 405, "method not allowed");
		a->fields = "Allow: GET, HEAD\r\n";
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(endpoints); i++)
		if (str_eq(path, endpoints[i].path)) {
			endpoints[i].answer(r, a);
			return;
		}
	say(a, 404, "not found");
}

static void finish(struct client *c, const struct answer *a, struct str app)
{
	struct router *r = c->router;
	struct reply_text text = { .type = str_of(a->type),
				   .fields = str_of(a->fields),
				   .body = buf_str(a->body),
				   .rest = app,
				   .head_only = c->exchange.no_body };

	r->out.len = 0;
	if (reply_write_text(a->status, &text, &r->out) < 0)
		client_close(c, "no memory");
	else
		client_finish_with(c, buf_str(&r->out), text.head_only ? (struct str){ 0 } : app);
	buf_free(&r->report);
}

void admin_serve(struct client *c, const struct http_head *head)
{
	struct router *r = c->router;
	struct answer a = { .status = 200,
			    .type = "text/plain; charset=utf-8",
			    .body = &r->report };
	int e;

	r->report.len = 0;
	answer(r, head, &a);
	e = a.waits ? scrape_await(r, c) : -ENODATA;
	if (e == 0) {
		client_wait(c);
		return;
	}
	if (e == -EBUSY)
		say(&a, 503, "too many ask at once");
	finish(c, &a, (struct str){ 0 });
}

void admin_finish_metrics(struct client *c, struct str app)
{
	struct router *r = c->router;
	struct answer a = { .status = 200, .body = &r->report };

	r->report.len = 0;
	metrics(r, &a);
	finish(c, &a, app);
}
