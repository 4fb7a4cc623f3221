/* See metrics_answer.h. */
#include "router/admin/metrics_answer.h"

#include <string.h>

#include "ipc/report.h"
#include "router/admin/admin.h"
#include "router/admin/scrape.h"
#include "router/http/head.h"

#include "base/ban.h"

enum { QUALITY_ONE = 1000 };

static const char *const types[] = {
	[METRICS_TEXT] = "text/plain; version=0.0.4; charset=utf-8",
	[METRICS_OPENMETRICS] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/* @s up to @end, which is taken off with it. */
static struct str cut(struct str *s, char end)
{
	const char *at = s->n ? memchr(s->p, end, s->n) : NULL;
	struct str first = { s->p, at ? (size_t)(at - s->p) : s->n };
	size_t n = first.n + (at != NULL);

	*s = (struct str){ s->p + n, s->n - n };
	return str_trim(first);
}

/* RFC 9110, 12.4.2, in thousandths. What is no such number is 1. */
static unsigned quality_of(struct str s)
{
	unsigned q = 0, unit = 100;

	if (s.n == 0 || s.p[0] != '0')
		return QUALITY_ONE;
	for (size_t i = 2; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++, unit /= 10)
		q += (unsigned)(s.p[i] - '0') * unit;
	return q;
}

/* How much each format is wanted. */
struct wanted {
	unsigned text, openmetrics;
};

/* Of OpenMetrics we have 1.0. */
static void take_range(struct str range, struct wanted *w)
{
	struct str type = cut(&range, ';');
	unsigned q = QUALITY_ONE;
	bool is_ours = true, is_open = str_eq_nocase(type, STR("application/openmetrics-text"));

	while (range.n) {
		struct str parameter = cut(&range, ';'), name = cut(&parameter, '=');

		if (str_eq_nocase(name, STR("q")))
			q = quality_of(parameter);
		else if (str_eq_nocase(name, STR("version")))
			is_ours = str_eq(parameter, STR("1.0.0"));
	}
	if (is_open && is_ours && q > w->openmetrics)
		w->openmetrics = q;
	else if (str_eq_nocase(type, STR("text/plain")) && q > w->text)
		w->text = q;
}

static enum metrics_format format_for(const struct http_head *head)
{
	struct wanted w = { 0 };

	for (size_t i = 0; i < head->n_fields; i++) {
		struct str list = head->fields[i].value;

		if (!str_eq_nocase(head->fields[i].name, STR("Accept")))
			continue;
		while (list.n)
			take_range(cut(&list, ','), &w);
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
