/* The scoreboard for programs: docs/status.md, docs/status.schema.json. */
#include "ipc/report.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/macros.h"
#include "ipc/control.h"
#include "ipc/report_parts.h"
#include "ipc/report_sidecars.h"
#include "ipc/report_view.h"

#include "base/ban.h"

enum { SCHEMA = 1 };

static int put_row(const struct report_view *v, struct buf *out)
{
	const struct scoreboard_row *row = v->row;
	uint64_t limit = counter_get(&row->memory_limit);
	int r = buf_printf(
	    out,
	    "%s{\"slot\":%u,\"pid\":%llu,\"state\":\"%s\",\"state_since_s\":%.3f,"
	    "\"uptime_s\":%.3f,\"lag_s\":%.3f,\"rss_b\":%llu,\"cpu_s\":%.2f,"
	    "\"sessions\":%llu,\"sockets\":%llu,\"in_flight\":%llu,\"requests\":%llu,"
	    "\"handoffs\":%llu,\"starts\":%llu,\"ends\":%llu,\"backlog_b\":%llu,"
	    "\"evictions\":%llu,\"done\":%s,\"memory_limit_b\":",
	    v->slot ? "," : "", v->slot, (unsigned long long)v->pid, v->state,
	    report_seconds_since(&row->state_since_ms), v->uptime_s,
	    (double)counter_get(&row->lag_ms) / 1000, (unsigned long long)v->usage.rss_bytes,
	    v->usage.cpu_s, n(&row->sessions), n(&row->sockets), SLOT_TOTAL(v, in_flight),
	    SLOT_TOTAL(v, requests), SLOT_TOTAL(v, handoffs), n(&row->starts), n(&row->ends),
	    n(&row->backlog), n(&row->evictions), counter_get(&row->done) ? "true" : "false");

	if (r < 0)
		return r;
	return limit ? buf_printf(out, "%llu}", (unsigned long long)limit)
		     : buf_append(out, "null}", 5);
}

int report_json_workers(const struct scoreboard *b, struct buf *out)
{
	int r = 0;

	for (unsigned i = 0; i < report_rows_in_use(b) && r == 0; i++) {
		struct report_view v = report_view_of(b, i);

		r = put_row(&v, out);
	}
	return r;
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

static unsigned long long wall_clock_ms(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (unsigned long long)now.tv_sec * 1000 + (unsigned long long)now.tv_nsec / 1000000;
}

static int put_who(const struct scoreboard *b, struct buf *out)
{
	struct str host = { b->host, strnlen(b->host, sizeof(b->host)) };
	int r =
	    buf_printf(out, "{\"schema\":%d,\"version\":\"%s\",\"host\":", SCHEMA, SIOINIT_VERSION);

	r = r < 0 ? r : report_json_string(host, out);
	return r < 0 ? r
		     : buf_printf(out,
				  ",\"now_ms\":%llu,\"phase\":\"%s\",\"uptime_s\":%.3f,"
				  "\"upstream\":\"%s\",",
				  wall_clock_ms(), report_phase_of(b),
				  report_seconds_since(&b->started_ms), upstream_of(b));
}

static int put_verdict(const struct scoreboard *b, uint64_t now_ms, struct buf *out)
{
	struct conditions found;
	int r;

	conditions_find(b, now_ms, &found);
	r = buf_printf(out, "\"ok\":%s,\"conditions\":[",
		       conditions_are_ok(&found) ? "true" : "false");
	r = r < 0 ? r : report_json_conditions(&found, out);
	return r < 0 ? r : buf_printf(out, "],\"conditions_left_out\":%u,", found.left_out);
}

static unsigned workers_ready(const struct scoreboard *b)
{
	unsigned ready = 0;

	for (unsigned i = 0; i < report_rows_in_use(b); i++)
		ready +=
		    counter_get(&b->rows[i].pid) && counter_get(&b->rows[i].state) == WORKER_READY;
	return ready;
}

static int put_memory(const struct scoreboard *b, struct buf *out)
{
	if (counter_get(&b->memory_limit))
		return buf_printf(out,
				  "\"memory\":{\"used_b\":%llu,\"limit_b\":%llu,\"near_misses\":%"
				  "llu},",
				  n(&b->memory_used), n(&b->memory_limit),
				  n(&b->memory_near_misses));
	return buf_printf(out, "\"memory\":{\"used_b\":null,\"limit_b\":null,\"near_misses\":0},");
}

static int put_means(const struct scoreboard *b, struct buf *out)
{
	int r = buf_printf(out,
			   "\"workers_wanted\":%u,\"workers_ready\":%u,\"cpus\":%.2f,"
			   "\"routers\":%llu,",
			   report_rows_in_use(b), workers_ready(b),
			   (double)counter_get(&b->cpus_milli) / 1000, n(&b->n_routers));

	return r < 0 ? r : put_memory(b, out);
}

static int put_counts(const struct scoreboard *b, struct buf *out)
{
	int r = buf_printf(out,
			   "\"clients\":%llu,\"connections\":%llu,\"sessions\":%llu,"
			   "\"requests\":%llu,\"handshakes\":%llu,\"upgrades\":%llu,"
			   "\"retries\":%llu,\"sid_misses\":%llu,\"no_worker\":%llu,"
			   "\"responses\":{",
			   TOTAL(b, clients), TOTAL(b, connections), n(&b->sessions),
			   TOTAL(b, requests), TOTAL(b, handshakes), TOTAL(b, upgrades),
			   TOTAL(b, retries), TOTAL(b, sid_misses), TOTAL(b, no_worker));

	for (unsigned i = 1; i <= 5 && r == 0; i++)
		r = buf_printf(out, "%s\"%uxx\":%llu", i > 1 ? "," : "", i, TOTAL(b, responses[i]));
	return r < 0 ? r
		     : buf_printf(out,
				  "},\"worker_ends\":%llu,\"hangs\":%llu,\"reloads\":%llu,"
				  "\"router_starts\":%llu,\"relay_messages\":%llu,"
				  "\"relay_bytes\":%llu,",
				  n(&b->worker_ends), n(&b->hangs), n(&b->reloads),
				  n(&b->router_starts), n(&b->relay_messages), n(&b->relay_bytes));
}

static int put_relay(const struct scoreboard *b, struct buf *out)
{
	return buf_printf(out,
			  "\"relay\":{\"queued_b\":%llu,\"limit_b\":%llu,\"evictions\":%llu,"
			  "\"passed_over\":%llu},",
			  n(&b->relay_used), n(&b->relay_max), n(&b->relay_evictions),
			  n(&b->relay_passed_over[0]) + n(&b->relay_passed_over[1]));
}

static int put_lists(const struct scoreboard *b, uint64_t now_ms, struct buf *out)
{
	int r = buf_printf(out, "\"workers\":[");

	r = r < 0 ? r : report_json_workers(b, out);
	r = r < 0 ? r : buf_printf(out, "],\"deaths\":[");
	r = r < 0 ? r : report_json_deaths(b, now_ms, out);
	r = r < 0 ? r : buf_printf(out, "],");
	r = r < 0 ? r : report_json_history(b, out);
	r = r < 0 ? r : buf_printf(out, "\"sidecars\":[");
	r = r < 0 ? r : report_sidecars_json(b, out);
	return r < 0 ? r : buf_printf(out, "]}\n");
}

int report_json(const struct scoreboard *b, struct buf *out)
{
	uint64_t now_ms = (uint64_t)clock_ms();
	int r = put_who(b, out);

	r = r < 0 ? r : put_verdict(b, now_ms, out);
	r = r < 0 ? r : put_means(b, out);
	r = r < 0 ? r : put_counts(b, out);
	r = r < 0 ? r : put_relay(b, out);
	r = r < 0 ? r : report_json_stages(b, out);
	return r < 0 ? r : put_lists(b, now_ms, out);
}
