/* The scoreboard for people. */
#include "ipc/report.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/macros.h"
#include "ipc/conditions.h"
#include "ipc/control.h"
#include "ipc/process_usage.h"
#include "ipc/report_sidecars.h"
#include "ipc/report_sort.h"
#include "ipc/report_view.h"

#include "base/ban.h"

/* "all is well", or what is not. */
static int put_conditions(const struct scoreboard *b, struct buf *out)
{
	struct conditions found;
	int r;

	conditions_find(b, (uint64_t)clock_ms(), &found);
	r = buf_printf(out, conditions_are_ok(&found) ? "all is well\n" : "not all is well:\n");
	for (unsigned i = 0; i < found.n && r == 0; i++) {
		const struct condition *c = &found.list[i];
		char since[16];

		(void)report_age(c->since_s, since);
		r = buf_printf(out, "  %-5s  %s", condition_severity_name(c->severity), c->text);
		r = r < 0 || c->since_s < 0 ? r : buf_printf(out, " (for %s)", since);
		r = r < 0 ? r : buf_printf(out, "\n");
	}
	if (r == 0 && found.left_out)
		r = buf_printf(out, "  and %u more\n", found.left_out);
	return r;
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
	struct report_sorted *entries = report_sorted_rows(b, sort, rows);
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
	r = put_conditions(b, out);
	if (r < 0)
		return r;
	r = buf_printf(out,
		       "sioinit %s  %s  up %s  %llu sessions  %llu requests  %llu upgrades\n"
		       "%4s %7s %-8s %6s %6s %7s %8s %8s %8s %9s %7s\n",
		       SIOINIT_VERSION, report_phase_of(b), uptime, n(&b->sessions),
		       TOTAL(b, requests), TOTAL(b, upgrades), "SLOT", "PID", "STATE", "UP", "LAG",
		       "RSS", "CPU", "SESSIONS", "SOCKETS", "REQUESTS", "STARTS");
	r = r < 0 ? r : put_rows(b, sort, out);
	return r < 0 ? r : report_sidecars_table(b, out);
}
