/* Admin endpoints. Of the health checks machines look at the status only, people at the one line of
 * text.
 *	/livez    200 while init and router run: one dead worker is no reason to restart a pod
 *	/readyz   200 while traffic is welcome: at least one worker is ready, and no stop has begun
 *	/healthz  the same as /readyz (the name Kubernetes deprecated in 1.16)
 *	/metrics  for Prometheus
 *	/status   the same numbers as JSON */
#include "router/admin/admin.h"

#include "base/macros.h"
#include "ipc/report.h"
#include "router/http/head.h"

#include "base/ban.h"

enum { INIT_SILENCE_MS = 10000 };

void admin_say(struct admin_answer *a, unsigned status, const char *text)
{
	a->status = status;
	a->body->len = 0;
	(void)buf_printf(a->body, "%s\n", text);
}

/* Before the scoreboard has come, init has just started this process. */
static bool init_hangs(const struct admin_view *v)
{
	uint64_t beat_ms = counter_get(&v->shared->beat_ms), now_ms = uv_hrtime() / 1000000;

	return beat_ms && now_ms > beat_ms + INIT_SILENCE_MS;
}

static void livez(const struct admin_view *v, struct admin_answer *a)
{
	if (init_hangs(v))
		admin_say(a, 503, "init does not answer");
	else
		admin_say(a, 200, "ok");
}

static void readyz(const struct admin_view *v, struct admin_answer *a)
{
	if (v->phase == PHASE_STARTING)
		admin_say(a, 503, "starting: no worker is ready yet");
	else if (v->phase != PHASE_SERVING)
		admin_say(a, 503, "shutting down");
	else if (v->n_ready == 0)
		admin_say(a, 503, "no worker is ready");
	else
		admin_say(a, 200, "ok");
}

static void report(const struct admin_view *v, struct admin_answer *a, const char *type,
		   int (*write)(const struct scoreboard *, struct buf *))
{
	a->type = type;
	if (write(v->shared, a->body) < 0)
		admin_say(a, 500, "no memory");
}

static void metrics(const struct admin_view *v, struct admin_answer *a)
{
	a->has_app_part = true;
	report(v, a, "text/plain; version=0.0.4; charset=utf-8", report_metrics);
}

static void status(const struct admin_view *v, struct admin_answer *a)
{
	report(v, a, "application/json", report_json);
}

static const struct {
	struct str path;
	void (*answer)(const struct admin_view *v, struct admin_answer *a);
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

void admin_answer(const struct admin_view *v, const struct http_head *head,
		  struct admin_answer *ret)
{
	struct str path = path_of(head->target);

	*ret = (struct admin_answer){ .status = 200,
				      .type = "text/plain; charset=utf-8",
				      .body = ret->body };
	ret->body->len = 0;
	if (!str_eq(head->method, STR("GET")) && !str_eq(head->method, STR("HEAD"))) {
		admin_say(ret, 405, "method not allowed");
		ret->fields = "Allow: GET, HEAD\r\n";
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(endpoints); i++)
		if (str_eq(path, endpoints[i].path)) {
			endpoints[i].answer(v, ret);
			return;
		}
	admin_say(ret, 404, "not found");
}
