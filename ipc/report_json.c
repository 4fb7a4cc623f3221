/* The scoreboard for programs. */
#include "ipc/report.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/macros.h"
#include "ipc/control.h"
#include "ipc/process_usage.h"
#include "ipc/report_sidecars.h"
#include "ipc/report_view.h"

#include "base/ban.h"

static int json_row(const struct report_view *v, struct buf *out)
{
	return buf_printf(
	    out,
	    "%s{\"slot\":%u,\"pid\":%llu,\"state\":\"%s\",\"uptime_s\":%.3f,\"lag_s\":%.3f,"
	    "\"rss_b\":%llu,\"cpu_s\":%.2f,\"sessions\":%llu,\"sockets\":%llu,\"in_flight\":%llu,"
	    "\"requests\":%llu,\"handoffs\":%llu,\"starts\":%llu}",
	    v->slot ? "," : "", v->slot, (unsigned long long)v->pid, v->state, v->uptime_s,
	    (double)counter_get(&v->row->lag_ms) / 1000, (unsigned long long)v->usage.rss_bytes,
	    v->usage.cpu_s, n(&v->row->sessions), n(&v->row->sockets), SLOT_TOTAL(v, in_flight),
	    SLOT_TOTAL(v, requests), SLOT_TOTAL(v, handoffs), n(&v->row->starts));
}

/* The least of what the routers have. */
static const char *upstream_of(const struct scoreboard *b)
{
	static const char *const names[] = { "tcp", "unix", "native" };
	uint64_t least = SCOREBOARD_NATIVE;

	for (uint64_t i = 0; i < counter_get(&b->n_routers) && i < ROUTERS_MAX; i++)
		if (counter_get(&b->routers[i].upstream) < least)
			least = counter_get(&b->routers[i].upstream);
	return names[least];
}

int report_json(const struct scoreboard *b, struct buf *out)
{
	int r = buf_printf(
	    out,
	    "{\"version\":\"%s\",\"phase\":\"%s\",\"upstream\":\"%s\",\"uptime_s\":%.3f,\"workers_"
	    "wanted\":%llu,"
	    "\"clients\":%llu,\"connections\":%llu,\"sessions\":%llu,\"requests\":%llu,"
	    "\"handshakes\":%llu,\"upgrades\":%llu,\"retries\":%llu,\"sid_misses\":%llu,"
	    "\"no_worker\":%llu,\"worker_ends\":%llu,\"hangs\":%llu,\"reloads\":%llu,"
	    "\"router_starts\":%llu,\"relay_messages\":%llu,\"relay_bytes\":%llu,\"workers\":[",
	    SIOINIT_VERSION, report_phase_of(b), upstream_of(b),
	    report_seconds_since(&b->started_ms), n(&b->wanted), TOTAL(b, clients),
	    TOTAL(b, connections), n(&b->sessions), TOTAL(b, requests), TOTAL(b, handshakes),
	    TOTAL(b, upgrades), TOTAL(b, retries), TOTAL(b, sid_misses), TOTAL(b, no_worker),
	    n(&b->worker_ends), n(&b->hangs), n(&b->reloads), n(&b->router_starts),
	    n(&b->relay_messages), n(&b->relay_bytes));

	for (unsigned i = 0; i < report_rows_in_use(b) && r == 0; i++) {
		struct report_view v = report_view_of(b, i);

		r = json_row(&v, out);
	}
	r = r < 0 ? r : buf_printf(out, "],\"sidecars\":[");
	r = r < 0 ? r : report_sidecars_json(b, out);
	return r < 0 ? r : buf_printf(out, "]}\n");
}
