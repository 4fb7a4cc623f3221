/* The scoreboard for people. */
#include "ipc/report.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "ipc/control.h"
#include "ipc/process_usage.h"
#include "ipc/report_sidecars.h"
#include "ipc/report_view.h"

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

/* A row to be sorted: what it is sorted by is read once. */
struct entry {
	struct report_view view;
	double key;
};

static int compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->key < y->key || x->key > y->key)
		return x->key > y->key ? -1 : 1;
	return (x->view.slot > y->view.slot) - (x->view.slot < y->view.slot);
}

static struct entry *sorted_rows(const struct scoreboard *b, enum report_sort sort, unsigned rows)
{
	struct entry *entries = calloc(rows + 1, sizeof(*entries));

	for (unsigned i = 0; i < rows && entries; i++) {
		entries[i].view = report_view_of(b, i);
		entries[i].key = sorts[sort].key ? sorts[sort].key(&entries[i].view) : 0;
	}
	if (entries)
		qsort(entries, rows, sizeof(*entries), compare);
	return entries;
}

static int put_row(const struct report_view *v, struct buf *out)
{
	char uptime[16];

	(void)report_age(v->uptime_s, uptime);
	return buf_printf(out, "%4u %7llu %-8s %6s %4llums %6.1fM %7.1fs %8llu %8llu %9llu %7llu\n",
			  v->slot, (unsigned long long)v->pid, v->state, uptime, n(&v->row->lag_ms),
			  (double)v->usage.rss_bytes / (1 << 20), v->usage.cpu_s,
			  n(&v->row->sessions), n(&v->row->sockets), SLOT_TOTAL(v, requests),
			  n(&v->row->starts));
}

static int put_rows(const struct scoreboard *b, enum report_sort sort, struct buf *out)
{
	unsigned rows = report_rows_in_use(b);
	struct entry *entries = sorted_rows(b, sort, rows);
	int r = entries ? 0 : -ENOMEM;

	for (unsigned i = 0; i < rows && r == 0; i++)
		r = put_row(&entries[i].view, out);
	free(entries);
	return r;
}

int report_table(const struct scoreboard *b, struct buf *out)
{
	return report_table_sorted(b, REPORT_BY_SLOT, out);
}

int report_table_sorted(const struct scoreboard *b, enum report_sort sort, struct buf *out)
{
	char uptime[16];
	int r;

	(void)report_age(report_seconds_since(&b->started_ms), uptime);
	r = buf_printf(out,
		       "sioinit %s  %s  up %s  %llu sessions  %llu requests  %llu upgrades\n"
		       "%4s %7s %-8s %6s %6s %7s %8s %8s %8s %9s %7s\n",
		       SIOINIT_VERSION, report_phase_of(b), uptime, n(&b->sessions),
		       TOTAL(b, requests), TOTAL(b, upgrades), "SLOT", "PID", "STATE", "UP", "LAG",
		       "RSS", "CPU", "SESSIONS", "SOCKETS", "REQUESTS", "STARTS");
	r = r < 0 ? r : put_rows(b, sort, out);
	return r < 0 ? r : report_sidecars_table(b, out);
}
