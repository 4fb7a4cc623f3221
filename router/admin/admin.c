/* Admin endpoints, by table.
 *	/livez, /readyz, /healthz  see router/admin/probes.h
 *	/metrics                   for Prometheus
 *	/status                    the same numbers as JSON */
#include "router/admin/admin.h"

#include "base/macros.h"
#include "ipc/report.h"
#include "router/admin/metrics_answer.h"
#include "router/admin/probes.h"
#include "router/http/head.h"

#include "base/ban.h"

void admin_say(struct admin_answer *a, unsigned status, const char *text)
{
	a->status = status;
	a->body->len = 0;
	(void)buf_printf(a->body, "%s\n", text);
}

static void status(const struct admin_view *v, const struct http_head *head, struct admin_answer *a)
{
	(void)head;
	a->type = "application/json";
	if (report_json(v->shared, a->body) < 0)
		admin_say(a, 500, "no memory");
}

static const struct {
	struct str path;
	void (*answer)(const struct admin_view *v, const struct http_head *head,
		       struct admin_answer *a);
} endpoints[] = {
	{ { "/livez", 6 }, probe_livez },     { { "/readyz", 7 }, probe_readyz },
	{ { "/healthz", 8 }, probe_healthz }, { { "/metrics", 8 }, metrics_answer },
	{ { "/status", 7 }, status },
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
			endpoints[i].answer(v, head, ret);
			return;
		}
	admin_say(ret, 404, "not found");
}
