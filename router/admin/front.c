/* GET / of the admin address. The page is stored as gzip has made it, which every browser takes. */
#include "router/admin/front.h"

#include <string.h>

#include "ipc/report.h"
#include "router/admin/admin.h"
#include "router/admin/page.h"
#include "router/http/accept.h"
#include "router/http/head.h"

#include "base/ban.h"

enum { FIELDS_MAX = 1024 };

static bool accepts(const struct http_head *head, struct str field, struct str token)
{
	struct str list = http_field_get(head, field);
	struct accept_range r;

	while (list.n) {
		accept_take(&list, &r);
		if (r.quality && str_eq_nocase(r.value, token))
			return true;
	}
	return false;
}

static int page(struct admin_answer *a)
{
	static char fields[FIELDS_MAX];

	if (!fields[0])
		(void)snprintf(fields, sizeof(fields),
			       "Content-Encoding: gzip\r\nContent-Security-Policy: %s\r\n",
			       page_csp);
	a->type = "text/html; charset=utf-8";
	a->fields = fields;
	return buf_append(a->body, page_gz, page_gz_size);
}

void front_answer(const struct admin_view *v, const struct http_head *head, struct admin_answer *a)
{
	bool is_page = accepts(head, STR("Accept"), STR("text/html"));

	if (is_page && !accepts(head, STR("Accept-Encoding"), STR("gzip"))) {
		admin_say(a, 406, "the page is there with Accept-Encoding: gzip only");
		return;
	}
	if ((is_page ? page(a) : report_table(v->shared, a->body)) == 0)
		return;
	a->fields = NULL;
	admin_say(a, 500, "no memory");
}
