/* Admin endpoints, by table.
 *	/livez, /readyz, /healthz  see router/admin/probes.h
 *	/metrics                   for Prometheus
 *	/status                    the same numbers as JSON
 *	/events                    the same each second, as server-sent events
 *	/                          the same as a page, or as a table
 *	/access, /deaths, /settings, /actions/  init answers, see router/admin/questions.h */
#include "router/admin/admin.h"

#include "base/macros.h"
#include "ipc/report.h"
#include "router/admin/front.h"
#include "router/admin/guard.h"
#include "router/admin/metrics_answer.h"
#include "router/admin/probes.h"
#include "router/http/head.h"

#include "base/ban.h"

static void status(const struct admin_view *v, const struct http_head *head, struct admin_answer *a)
{
	(void)head;
	a->type = "application/json";
	if (report_json(v->shared, a->body) < 0)
		admin_say(a, 500, "no memory");
}

enum { FOR_ALL = 1, IS_FOLDER = 2 }; /* no matter who asks; what follows the path are its words */

static const struct endpoint {
	struct str path;
	unsigned is;
	enum admin_way way;
	const char *methods;
	void (*answer)(const struct admin_view *v, const struct http_head *head,
		       struct admin_answer *a); /* NULL: .way says who does */
} endpoints[] = {
#define GET "GET, HEAD"
	{ { "/livez", 6 }, FOR_ALL, ADMIN_IS_ANSWERED, GET, probe_livez },
	{ { "/readyz", 7 }, FOR_ALL, ADMIN_IS_ANSWERED, GET, probe_readyz },
	{ { "/healthz", 8 }, FOR_ALL, ADMIN_IS_ANSWERED, GET, probe_healthz },
	{ { "/metrics", 8 }, 0, ADMIN_IS_ANSWERED, GET, metrics_answer },
	{ { "/status", 7 }, 0, ADMIN_IS_ANSWERED, GET, status },
	{ { "/", 1 }, 0, ADMIN_IS_ANSWERED, GET, front_answer },
	{ { "/events", 7 }, 0, ADMIN_GETS_EVENTS, GET, NULL },
	{ { "/access", 7 }, 0, ADMIN_WANTS_ACCESS, GET, NULL },
	{ { "/deaths", 7 }, 0, ADMIN_WANTS_DEATHS, GET, NULL },
	{ { "/settings", 9 }, 0, ADMIN_WANTS_SETTINGS, GET, NULL },
	{ { "/actions/", 9 }, IS_FOLDER, ADMIN_WANTS_ACTION, "POST", NULL },
#undef GET
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

static const struct endpoint *find(struct str path)
{
	for (size_t i = 0; i < ARRAY_LEN(endpoints); i++) {
		const struct endpoint *e = &endpoints[i];

		if (e->is & IS_FOLDER ? str_has_prefix(path, e->path) : str_eq(path, e->path))
			return e;
	}
	return NULL;
}

/* Of the list of methods. */
static bool takes(const struct endpoint *e, struct str method)
{
	const char *at = e->methods;
	size_t n;

	for (; *at; at += n + strspn(at + n, ", ")) {
		n = strcspn(at, ",");
		if (str_eq(method, (struct str){ at, n }))
			return true;
	}
	return false;
}

static void refuse_method(const struct endpoint *e, struct admin_answer *a)
{
	admin_say(a, 405, "method not allowed");
	a->fields = e->methods[0] == 'P' ? "Allow: POST\r\n" : "Allow: GET, HEAD\r\n";
}

static void answer(const struct admin_view *v, const struct endpoint *e,
		   const struct http_head *head, struct str path, struct admin_answer *a)
{
	a->way = e->way;
	a->words = (struct str){ path.p + e->path.n, path.n - e->path.n };
	if (e->answer)
		e->answer(v, head, a);
}

void admin_answer(const struct admin_view *v, const struct http_head *head,
		  struct admin_answer *ret)
{
	struct str path = path_of(head->target);
	const struct endpoint *e = find(path);
	const char *fault = e && e->is & FOR_ALL ? NULL : guard_judge(v->guard, head);

	*ret = (struct admin_answer){ .status = 200,
				      .type = "text/plain; charset=utf-8",
				      .body = ret->body };
	ret->body->len = 0;
	if (fault)
		admin_say(ret, 403, fault);
	else if (!e)
		admin_say(ret, 404, "not found");
	else if (!takes(e, head->method))
		refuse_method(e, ret);
	else if (!head->body.done)
		admin_say(ret, 400, "no body is wanted");
	else
		answer(v, e, head, path, ret);
}
