/* Admin endpoints. Machines look at the status only, people at the one line of text.
 *   /livez   200 while the router runs and init answers: one dead worker is no reason to restart a
 * pod /readyz  200 while traffic is welcome: a worker is ready and no stop has begun /healthz the
 * same as /readyz (the name Kubernetes deprecated in 1.16) */
#include "router/admin/admin.h"

#include <stdio.h>

#include "base/macros.h"
#include "router/client.h"
#include "router/core.h"
#include "router/reply.h"

#include "base/ban.h"

struct verdict {
	unsigned status;
	char text[96];
};

static void livez(struct router *r, struct verdict *v)
{
	(void)r;
	*v = (struct verdict){ 200, "ok\n" };
}

static void readyz(struct router *r, struct verdict *v)
{
	v->status = 503;
	if (r->phase != PHASE_SERVING)
		(void)snprintf(v->text, sizeof(v->text), "shutting down\n");
	else if (r->workers.n_ready == 0)
		(void)snprintf(v->text, sizeof(v->text), "no worker is ready\n");
	else
		*v = (struct verdict){ 200, "ok\n" };
}

static const struct {
	struct str path;
	void (*judge)(struct router *r, struct verdict *v);
} endpoints[] = {
	{ { "/livez", 6 }, livez },
	{ { "/readyz", 7 }, readyz },
	{ { "/healthz", 8 }, readyz },
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

static void judge(struct router *r, const struct http_head *head, struct verdict *v)
{
	struct str path = path_of(head->target);

	*v = (struct verdict){ 404, "not found\n" };
	if (!str_eq(head->method, STR("GET")) && !str_eq(head->method, STR("HEAD"))) {
		*v = (struct verdict){ 405, "method not allowed\n" };
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(endpoints); i++)
		if (str_eq(path, endpoints[i].path))
			endpoints[i].judge(r, v);
}

void admin_serve(struct client *c, const struct http_head *head)
{
	struct router *r = c->router;
	struct verdict v;

	judge(r, head, &v);
	r->out.len = 0;
	if (reply_write_text(v.status, STR("text/plain; charset=utf-8"), str_of(v.text), &r->out) <
	    0)
		client_close(c, "no memory");
	else
		client_finish_with(c, buf_str(&r->out), (struct str){ 0 });
}
