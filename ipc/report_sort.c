/* By what the table can be sorted. */
#include "ipc/report_sort.h"

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

#include "base/ban.h"

static double lag_of(const struct report_view *v)
{
	return (double)counter_get(&v->row->lag_ms);
}

static double memory_of(const struct report_view *v)
{
	return (double)v->usage.rss_bytes;
}

static double cpu_of(const struct report_view *v)
{
	return v->usage.cpu_s;
}

static double sessions_of(const struct report_view *v)
{
	return (double)counter_get(&v->row->sessions);
}

static const struct {
	const char *word;
	double (*key)(const struct report_view *v); /* NULL: as they are */
} sorts[REPORT_N_SORTS] = {
	[REPORT_BY_SLOT] = { "slot", NULL },
	[REPORT_BY_LAG] = { "lag", lag_of },
	[REPORT_BY_MEMORY] = { "memory", memory_of },
	[REPORT_BY_CPU] = { "cpu", cpu_of },
	[REPORT_BY_SESSIONS] = { "sessions", sessions_of },
};

bool report_sort_of(const char *word, enum report_sort *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(sorts); i++)
		if (strcmp(word, sorts[i].word) == 0) {
			*ret = (enum report_sort)i;
			return true;
		}
	return false;
}

static int compare(const void *a, const void *b)
{
	const struct report_sorted *x = a, *y = b;

	if (x->key < y->key || x->key > y->key)
		return x->key > y->key ? -1 : 1;
	return (x->view.slot > y->view.slot) - (x->view.slot < y->view.slot);
}

struct report_sorted *report_sorted_rows(const struct scoreboard *b, enum report_sort sort,
					 unsigned rows)
{
	struct report_sorted *entries = calloc(rows + 1, sizeof(*entries));

	for (unsigned i = 0; i < rows && entries; i++) {
		entries[i].view = report_view_of(b, i);
		entries[i].key = sorts[sort].key ? sorts[sort].key(&entries[i].view) : 0;
	}
	if (entries)
		qsort(entries, rows, sizeof(*entries), compare);
	return entries;
}
