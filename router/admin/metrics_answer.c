/* See metrics_answer.h. */
#include "router/admin/metrics_answer.h"

#include <string.h>

#include "ipc/report.h"
#include "router/admin/admin.h"
#include "router/admin/scrape.h"
#include "router/http/accept.h"
#include "router/http/head.h"

#include "base/ban.h"

static const char *const types[] = {
	[METRICS_TEXT] = "text/plain; version=0.0.4; charset=utf-8",
	[METRICS_OPENMETRICS] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/* How much each format is wanted. */
struct wanted {
	unsigned text, openmetrics;
};

/* Of OpenMetrics we have 1.0. */
static void note_range(const struct accept_range *r, struct wanted *w)
{
	bool is_ours = r->version.n == 0 || str_eq(r->version, STR("1.0.0"));

	if (str_eq_nocase(r->value, STR("application/openmetrics-text")) && is_ours &&
	    r->quality > w->openmetrics)
		w->openmetrics = r->quality;
	else if (str_eq_nocase(r->value, STR("text/plain")) && r->quality > w->text)
		w->text = r->quality;
}

static enum metrics_format format_for(const struct http_head *head)
{
	struct wanted w = { 0 };
	struct accept_range r;

	for (size_t i = 0; i < head->n_fields; i++) {
		struct str list = head->fields[i].value;

		if (!str_eq_nocase(head->fields[i].name, STR("Accept")))
			continue;
		while (list.n) {
			accept_take(&list, &r);
			note_range(&r, &w);
		}
	}
	return w.openmetrics && w.openmetrics >= w.text ? METRICS_OPENMETRICS : METRICS_TEXT;
}

static void put_report(const struct admin_view *v, unsigned parts, struct admin_answer *a)
{
	a->type = types[a->format];
	if (report_metrics(v->shared, a->format, parts, a->body) == 0)
		return;
	a->type = "text/plain; charset=utf-8";
	admin_say(a, 500, "no memory");
}

void metrics_answer(const struct admin_view *v, const struct http_head *head,
		    struct admin_answer *a)
{
	a->format = format_for(head);
	a->has_app_part = counter_get(&v->shared->app_metrics);
	if (!a->has_app_part)
		put_report(v, REPORT_PROCESS | REPORT_END, a);
}

/* Of process_... there is one: the app's, where it has metrics. */
void metrics_with_app(const struct admin_view *v, const struct scrape_part *app,
		      struct admin_answer *a)
{
	unsigned parts = (app->is_apps ? 0 : REPORT_PROCESS) | (app->text.n ? 0 : REPORT_END);

	*a = (struct admin_answer){ .status = 200, .format = app->format, .body = a->body };
	a->body->len = 0;
	put_report(v, parts, a);
}
