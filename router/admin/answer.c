/* See answer.h. */
#include "router/admin/answer.h"

#include "base/ban.h"

void admin_say(struct admin_answer *a, unsigned status, const char *text)
{
	a->status = status;
	a->body->len = 0;
	(void)buf_printf(a->body, "%s\n", text);
}
