/* GET / of the admin address. The page is stored as gzip has made it, which every browser takes. */
#include "router/admin/front.h"

#include <string.h>

#include "ipc/report.h"
#include "router/admin/admin.h"
#include "router/admin/page.h"
#include "router/http/head.h"

#include "base/ban.h"

enum { FIELDS_MAX = 1024 };

/* The member of a list, ";q=0" and other parameters behind it. */
static bool is_wanted(struct str member, struct str token)
{
	const char *semicolon = member.n ? memchr(member.p, ';', member.n) : NULL;
	size_t n = semicolon ? (size_t)(semicolon - member.p) : member.n;
	struct str rest = { member.p + n, member.n - n };
	const char *q = rest.n ? memmem(rest.p, rest.n, "q=0", 3) : NULL;

	if (!str_eq_nocase(str_trim((struct str){ member.p, n }), token))
		return false;
	/* 0, 0.0 and the like; not 0.5 */
	for (q = q ? q + 3 : NULL; q && q < rest.p + rest.n; q++)
		if (*q >= '1' && *q <= '9')
			return true;
	return !memmem(rest.p, rest.n, "q=0", 3);
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
