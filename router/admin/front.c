/* GET / of the admin address. The page is stored as gzip has made it, which every browser takes. */
#include "router/admin/front.h"

#include <string.h>

#include "ipc/report.h"
#include "router/admin/admin.h"
#include "router/admin/page.h"
#include "router/http/head.h"

#include "base/ban.h"

enum { FIELDS_MAX = 1024 };

/* Parameters with q=0, q=0.0 and the like. */
static bool is_refused(struct str parameters)
{
	const char *end = parameters.p + parameters.n,
		   *q = parameters.n ? memmem(parameters.p, parameters.n, "q=0", 3) : NULL;

	if (!q)
		return false;
	for (q += 3; q < end && (*q == '.' || *q == '0');)
		q++;
	return q == end || *q < '1' || *q > '9';
}

/* The member of a list, parameters behind it. */
static bool is_wanted(struct str member, struct str token)
{
	const char *semicolon = member.n ? memchr(member.p, ';', member.n) : NULL;
	size_t n = semicolon ? (size_t)(semicolon - member.p) : member.n;

	return str_eq_nocase(str_trim((struct str){ member.p, n }), token) &&
	       !is_refused((struct str){ member.p + n, member.n - n });
}

static bool accepts(const struct http_head *head, struct str field, struct str token)
{
	struct str all = http_field_get(head, field);

	while (all.n > 0) {
		const char *comma = memchr(all.p, ',', all.n);
		size_t n = comma ? (size_t)(comma - all.p) : all.n;

		if (is_wanted((struct str){ all.p, n }, token))
			return true;
		n += comma != NULL;
		all = (struct str){ all.p + n, all.n - n };
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
