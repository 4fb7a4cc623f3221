#include "ipc/app_answers.h"

#include <stdlib.h>
#include <string.h>

#include "base/ban.h"

/* Of one slot, as they came: the older worker's is not always first. */
static int by_slot(const void *a, const void *b)
{
	const struct app_answer *x = a, *y = b;

	if (x->slot != y->slot)
		return x->slot < y->slot ? -1 : 1;
	return x->at < y->at ? -1 : 1;
}

size_t app_answers_find(const char *bytes, size_t size,
			struct app_answer list[static APP_ANSWERS_MAX])
{
	struct app_answer_head head;
	size_t at = 0, n = 0;

	while (n < APP_ANSWERS_MAX && size - at >= sizeof(head)) {
		memcpy(&head, bytes + at, sizeof(head));
		at += sizeof(head);
		if (size - at < head.n)
			break;
		list[n++] = (struct app_answer){ head.slot, at, head.n };
		at += head.n;
	}
	qsort(list, n, sizeof(*list), by_slot);
	return n;
}
