/* Three views of one board. What the metrics are is a table: name, type, help, where it is found.
 */
#include "ipc/report.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/macros.h"
#include "ipc/control.h"
#include "ipc/process_usage.h"
#include "ipc/report_sidecars.h"

#include "base/ban.h"

static const char *const states[] = {
	[WORKER_SPAWNED] = "spawned",   [WORKER_BOOTING] = "booting",
	[WORKER_READY] = "ready",       [WORKER_SUSPECT] = "suspect",
	[WORKER_CLOSED] = "closed",     [WORKER_DRAINING] = "draining",
	[WORKER_STOPPING] = "stopping", [WORKER_DEAD] = "dead",
};

static const char *const phases[] = {
	[PHASE_STARTING] = "starting",
	[PHASE_SERVING] = "serving",
	[PHASE_LAME_DUCK] = "lame-duck",
	[PHASE_DRAINING] = "draining",
};

/* What is read of a row once, so that all columns speak of the same moment. */
struct view {
	const struct scoreboard *board;
	unsigned slot;
	const struct scoreboard_row *row;
	uint64_t pid;
	struct process_usage usage;
	const char *state;
	double uptime_s;
};

static struct view view_of(const struct scoreboard *b, unsigned slot)
{
	const struct scoreboard_row *row = &b->rows[slot];
	uint64_t state = counter_get(&row->state);
	struct view v = { .board = b, .slot = slot, .row = row, .pid = counter_get(&row->pid) };

	v.state = v.pid && state < ARRAY_LEN(states) ? states[state] : "none";
	v.uptime_s = v.pid ? report_seconds_since(&row->started_ms) : 0;
	process_usage_read(v.pid, &v.usage);
	return v;
}

static unsigned rows_in_use(const struct scoreboard *b)
{
	uint64_t n = counter_get(&b->wanted);

	return n < SCOREBOARD_ROWS ? (unsigned)n : SCOREBOARD_ROWS;
}

static const char *phase_of(const struct scoreboard *b)
{
	uint64_t p = counter_get(&b->phase);

	return p < ARRAY_LEN(phases) ? phases[p] : "unknown";
}

static unsigned long long n(const counter *c)
{
	return counter_get(c);
}

/* What the routers have counted, together. */
#define TOTAL(b, field)                                                                            \
	((unsigned long long)scoreboard_total(b, offsetof(struct scoreboard_router, field)))
#define SLOT_TOTAL(v, field)                                                                       \
	((unsigned long long)scoreboard_slot_total((v)->board, (v)->slot,                          \
						   offsetof(struct scoreboard_share, field)))

/* For people */

int report_table(const struct scoreboard *b, struct buf *out)
{
	char uptime[16];
	int r;

	(void)report_age(report_seconds_since(&b->started_ms), uptime);
	r = buf_printf(out,
		       "sioinit %s  %s  up %s  %llu sessions  %llu requests  %llu upgrades\n"
		       "%4s %7s %-8s %6s %6s %7s %8s %8s %8s %9s %7s\n",
		       SIOINIT_VERSION, phase_of(b), uptime, n(&b->sessions), TOTAL(b, requests),
		       TOTAL(b, upgrades), "SLOT", "PID", "STATE", "UP", "LAG", "RSS", "CPU",
		       "SESSIONS", "SOCKETS", "REQUESTS", "STARTS");
	for (unsigned i = 0; i < rows_in_use(b) && r == 0; i++) {
		struct view v = view_of(b, i);

		(void)report_age(v.uptime_s, uptime);
		r = buf_printf(
		    out, "%4u %7llu %-8s %6s %4llums %6.1fM %7.1fs %8llu %8llu %9llu %7llu\n", i,
		    (unsigned long long)v.pid, v.state, uptime, n(&v.row->lag_ms),
		    (double)v.usage.rss_bytes / (1 << 20), v.usage.cpu_s, n(&v.row->sessions),
		    n(&v.row->sockets), SLOT_TOTAL(&v, requests), n(&v.row->starts));
	}
	return r < 0 ? r : report_sidecars_table(b, out);
}

/* For programs */

static int json_row(const struct view *v, struct buf *out)
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
	    SIOINIT_VERSION, phase_of(b), upstream_of(b), report_seconds_since(&b->started_ms),
	    n(&b->wanted), TOTAL(b, clients), TOTAL(b, connections), n(&b->sessions),
	    TOTAL(b, requests), TOTAL(b, handshakes), TOTAL(b, upgrades), TOTAL(b, retries),
	    TOTAL(b, sid_misses), TOTAL(b, no_worker), n(&b->worker_ends), n(&b->hangs),
	    n(&b->reloads), n(&b->router_starts), n(&b->relay_messages), n(&b->relay_bytes));

	for (unsigned i = 0; i < rows_in_use(b) && r == 0; i++) {
		struct view v = view_of(b, i);

		r = json_row(&v, out);
	}
	r = r < 0 ? r : buf_printf(out, "],\"sidecars\":[");
	r = r < 0 ? r : report_sidecars_json(b, out);
	return r < 0 ? r : buf_printf(out, "]}\n");
}

/* For Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats/ */

static const struct metric {
	const char *name, *type, *help;
	size_t offset;
	bool summed; /* over the routers; else in struct scoreboard */
} totals[] = {
#define SHARED(name, type, field, help)                                                            \
	{                                                                                          \
		name, type, help, offsetof(struct scoreboard, field), false                        \
	}
#define SUM(name, type, field, help)                                                               \
	{                                                                                          \
		name, type, help, offsetof(struct scoreboard_router, field), true                  \
	}
	SUM("connections_total", "counter", connections, "Client connections accepted."),
	SUM("clients", "gauge", clients, "Client connections at the router now."),
	SHARED("sessions", "gauge", sessions, "Engine.IO sessions in the table."),
	SUM("http_requests_total", "counter", requests, "Requests passed on to workers."),
	SUM("handshakes_total", "counter", handshakes, "Sessions learned from handshakes."),
	SUM("upgrades_total", "counter", upgrades, "Connections handed over to workers."),
	SUM("retries_total", "counter", retries, "Requests tried again on another connection."),
	SUM("handbacks_total", "counter", handbacks, "Hand-offs that a worker did not take."),
	SUM("sid_misses_total", "counter", sid_misses, "Requests of a session nobody knows."),
	SUM("sid_orphans_total", "counter", sid_orphans,
	    "Requests of a session whose worker serves no more."),
	SUM("no_worker_total", "counter", no_worker, "Requests refused for want of a worker."),
	SHARED("parked_polls", "gauge", parked, "Waiting polls that outlive their router."),
	SHARED("worker_ends_total", "counter", worker_ends, "Ends of worker processes."),
	SHARED("worker_hangs_total", "counter", hangs, "Workers killed by the watchdog."),
	SHARED("reloads_total", "counter", reloads, "Rolling reloads begun."),
	SHARED("router_starts_total", "counter", router_starts, "Starts of router processes."),
	SHARED("relay_messages_total", "counter", relay_messages, "Adapter messages relayed."),
	SHARED("relay_bytes_total", "counter", relay_bytes, "Bytes of them, as received."),
	SHARED("relay_evictions_total", "counter", relay_evictions,
	       "Workers that left the relay since they were behind or flooded it."),
	SHARED("relay_queued_bytes", "gauge", relay_used, "What the relay holds, each byte once."),
	SHARED("relay_queue_limit_bytes", "gauge", relay_max, "What it may hold."),
#undef SUM
#undef SHARED
};

static unsigned long long total(const struct scoreboard *b, const struct metric *m)
{
	return m->summed ? scoreboard_total(b, m->offset)
			 : n((const counter *)(const void *)((const char *)b + m->offset));
}

static int put_totals(const struct scoreboard *b, struct buf *out)
{
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(totals) && r == 0; i++) {
		const struct metric *m = &totals[i];

		r = buf_printf(out, "# HELP sioinit_%s %s\n# TYPE sioinit_%s %s\nsioinit_%s %llu\n",
			       m->name, m->help, m->name, m->type, m->name, total(b, m));
	}
	return r;
}

/* A state set, as OpenMetrics calls it: 1 for the phase that it is in. */
static int put_phase(const struct scoreboard *b, struct buf *out)
{
	int r = buf_printf(out, "# HELP sioinit_phase 1 for the phase that sioinit is in.\n"
				"# TYPE sioinit_phase gauge\n");

	for (size_t i = 0; i < ARRAY_LEN(phases) && r == 0; i++)
		r = buf_printf(out, "sioinit_phase{phase=\"%s\"} %d\n", phases[i],
			       counter_get(&b->phase) == i);
	return r;
}

static int put_passed_over(const struct scoreboard *b, struct buf *out)
{
	return buf_printf(out,
			  "# HELP sioinit_relay_passed_over_total Messages of workers not relayed, "
			  "by reason.\n"
			  "# TYPE sioinit_relay_passed_over_total counter\n"
			  "sioinit_relay_passed_over_total{reason=\"unreadable\"} %llu\n"
			  "sioinit_relay_passed_over_total{reason=\"no_room\"} %llu\n",
			  n(&b->relay_passed_over[0]), n(&b->relay_passed_over[1]));
}

static int put_responses(const struct scoreboard *b, struct buf *out)
{
	int r =
	    buf_printf(out, "# HELP sioinit_http_responses_total Responses by class of status.\n"
			    "# TYPE sioinit_http_responses_total counter\n");

	for (unsigned i = 1; i <= 5 && r == 0; i++)
		r = buf_printf(out, "sioinit_http_responses_total{class=\"%uxx\"} %llu\n", i,
			       TOTAL(b, responses[i]));
	return r;
}

/* The time in which a poll waits for the app to have something to say is no duration. */
static int put_durations(const struct scoreboard *b, struct buf *out)
{
	unsigned long long so_far = 0;
	int r =
	    buf_printf(out, "# HELP sioinit_http_request_duration_seconds Requests but polls, from "
			    "their head to the end of the response.\n"
			    "# TYPE sioinit_http_request_duration_seconds histogram\n");

	for (unsigned i = 0; i < SCOREBOARD_BUCKETS && r == 0; i++) {
		so_far += TOTAL(b, took[i]);
		r = buf_printf(out,
			       "sioinit_http_request_duration_seconds_bucket{le=\"%g\"} %llu\n",
			       scoreboard_bounds_ms[i] / 1000.0, so_far);
	}
	so_far += TOTAL(b, took[SCOREBOARD_BUCKETS]);
	return r < 0 ? r
		     : buf_printf(out,
				  "sioinit_http_request_duration_seconds_bucket{le=\"+Inf\"} %llu\n"
				  "sioinit_http_request_duration_seconds_sum %.3f\n"
				  "sioinit_http_request_duration_seconds_count %llu\n",
				  so_far, (double)TOTAL(b, took_ms) / 1000, so_far);
}

static double ready_of(const struct view *v)
{
	return v->pid && counter_get(&v->row->state) == WORKER_READY;
}

static double lag_of(const struct view *v)
{
	return (double)counter_get(&v->row->lag_ms) / 1000;
}

static double rss_of(const struct view *v)
{
	return (double)v->usage.rss_bytes;
}

static double cpu_of(const struct view *v)
{
	return v->usage.cpu_s;
}

static double uptime_of(const struct view *v)
{
	return v->uptime_s;
}

static double sessions_of(const struct view *v)
{
	return (double)counter_get(&v->row->sessions);
}

static double sockets_of(const struct view *v)
{
	return (double)counter_get(&v->row->sockets);
}

static double backlog_of(const struct view *v)
{
	return (double)counter_get(&v->row->backlog);
}

static double in_flight_of(const struct view *v)
{
	return (double)SLOT_TOTAL(v, in_flight);
}

static double requests_of(const struct view *v)
{
	return (double)SLOT_TOTAL(v, requests);
}

static double starts_of(const struct view *v)
{
	return (double)counter_get(&v->row->starts);
}

static const struct {
	const char *name, *type, *help;
	double (*value)(const struct view *v);
} per_worker[] = {
	{ "ready", "gauge", "1 when it gets new sessions.", ready_of },
	{ "event_loop_lag_seconds", "gauge",
	  "What its event loop, or health path, last took to answer.", lag_of },
	{ "resident_memory_bytes", "gauge", "Resident memory.", rss_of },
	{ "cpu_seconds_total", "counter", "CPU time used.", cpu_of },
	{ "uptime_seconds", "gauge", "Since it was started.", uptime_of },
	{ "sessions", "gauge", "Engine.IO sessions it holds.", sessions_of },
	{ "sockets", "gauge", "Client sockets it holds.", sockets_of },
	{ "relay_backlog_bytes", "gauge", "Messages of the others that wait for it.", backlog_of },
	{ "requests_in_flight", "gauge", "Requests it is answering.", in_flight_of },
	{ "requests_total", "counter", "Requests passed on to the slot.", requests_of },
	{ "starts_total", "counter", "Starts of the slot's workers.", starts_of },
};

int report_worker(const struct scoreboard *b, unsigned slot, struct buf *out)
{
	struct view v = view_of(b, slot);
	int r = buf_printf(out, "%-24s %u\n%-24s %llu\n%-24s %s\n", "slot", slot, "pid",
			   (unsigned long long)v.pid, "state", v.state);

	for (size_t i = 0; i < ARRAY_LEN(per_worker) && r == 0; i++)
		r = buf_printf(out, "%-24s %.10g\n", per_worker[i].name, per_worker[i].value(&v));
	return r;
}

static int put_column(size_t metric, const struct view *views, unsigned rows, struct buf *out)
{
	int r = buf_printf(out, "# HELP sioinit_worker_%s %s\n# TYPE sioinit_worker_%s %s\n",
			   per_worker[metric].name, per_worker[metric].help,
			   per_worker[metric].name, per_worker[metric].type);

	for (unsigned i = 0; i < rows && r == 0; i++)
		r = buf_printf(out, "sioinit_worker_%s{worker=\"%u\"} %.10g\n",
			       per_worker[metric].name, views[i].slot,
			       per_worker[metric].value(&views[i]));
	return r;
}

static int put_workers(const struct scoreboard *b, struct buf *out)
{
	unsigned rows = rows_in_use(b);
	struct view *views = calloc(rows + 1, sizeof(*views));
	int r = views ? 0 : -ENOMEM;

	for (unsigned slot = 0; slot < rows && views; slot++)
		views[slot] = view_of(b, slot);
	for (size_t i = 0; i < ARRAY_LEN(per_worker) && r == 0; i++)
		r = put_column(i, views, rows, out);
	free(views);
	return r;
}

int report_metrics(const struct scoreboard *b, struct buf *out)
{
	int r = buf_printf(out,
			   "# HELP sioinit_build_info The version that runs.\n"
			   "# TYPE sioinit_build_info gauge\n"
			   "sioinit_build_info{version=\"%s\"} 1\n"
			   "# HELP sioinit_uptime_seconds Since init was started.\n"
			   "# TYPE sioinit_uptime_seconds gauge\nsioinit_uptime_seconds %.3f\n",
			   SIOINIT_VERSION, report_seconds_since(&b->started_ms));

	r = r < 0 ? r : put_phase(b, out);
	r = r < 0 ? r : put_totals(b, out);
	r = r < 0 ? r : put_passed_over(b, out);
	r = r < 0 ? r : put_responses(b, out);
	r = r < 0 ? r : put_durations(b, out);
	r = r < 0 ? r : put_workers(b, out);
	return r < 0 ? r : report_sidecars_metrics(b, out);
}
