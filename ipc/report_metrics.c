/* The scoreboard for Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats/
 * What the metrics are is a table: name, type, help, where it is found. */
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

	for (size_t i = 0; i < REPORT_N_PHASES && r == 0; i++)
		r = buf_printf(out, "sioinit_phase{phase=\"%s\"} %d\n", report_phases[i],
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

	for (unsigned i = 0; i < scoreboard_request_bounds.n && r == 0; i++) {
		so_far += TOTAL(b, requests_took.buckets[i]);
		r = buf_printf(out,
			       "sioinit_http_request_duration_seconds_bucket{le=\"%g\"} %llu\n",
			       (double)scoreboard_request_bounds.us[i] / 1e6, so_far);
	}
	so_far += TOTAL(b, requests_took.buckets[scoreboard_request_bounds.n]);
	return r < 0 ? r
		     : buf_printf(out,
				  "sioinit_http_request_duration_seconds_bucket{le=\"+Inf\"} %llu\n"
				  "sioinit_http_request_duration_seconds_sum %.3f\n"
				  "sioinit_http_request_duration_seconds_count %llu\n",
				  so_far, (double)TOTAL(b, requests_took.sum_us) / 1e6, so_far);
}

static double ready_of(const struct report_view *v)
{
	return v->pid && counter_get(&v->row->state) == WORKER_READY;
}

static double lag_of(const struct report_view *v)
{
	return (double)counter_get(&v->row->lag_ms) / 1000;
}

static double rss_of(const struct report_view *v)
{
	return (double)v->usage.rss_bytes;
}

static double cpu_of(const struct report_view *v)
{
	return v->usage.cpu_s;
}

static double uptime_of(const struct report_view *v)
{
	return v->uptime_s;
}

static double sessions_of(const struct report_view *v)
{
	return (double)counter_get(&v->row->sessions);
}

static double sockets_of(const struct report_view *v)
{
	return (double)counter_get(&v->row->sockets);
}

static double backlog_of(const struct report_view *v)
{
	return (double)counter_get(&v->row->backlog);
}

static double in_flight_of(const struct report_view *v)
{
	return (double)SLOT_TOTAL(v, in_flight);
}

static double requests_of(const struct report_view *v)
{
	return (double)SLOT_TOTAL(v, requests);
}

static double starts_of(const struct report_view *v)
{
	return (double)counter_get(&v->row->starts);
}

static const struct {
	const char *name, *type, *help;
	double (*value)(const struct report_view *v);
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
	struct report_view v = report_view_of(b, slot);
	int r = buf_printf(out, "%-24s %u\n%-24s %llu\n%-24s %s\n", "slot", slot, "pid",
			   (unsigned long long)v.pid, "state", v.state);

	for (size_t i = 0; i < ARRAY_LEN(per_worker) && r == 0; i++)
		r = buf_printf(out, "%-24s %.10g\n", per_worker[i].name, per_worker[i].value(&v));
	return r;
}

static int put_column(size_t metric, const struct report_view *views, unsigned rows,
		      struct buf *out)
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
	unsigned rows = report_rows_in_use(b);
	struct report_view *views = calloc(rows + 1, sizeof(*views));
	int r = views ? 0 : -ENOMEM;

	for (unsigned slot = 0; slot < rows && views; slot++)
		views[slot] = report_view_of(b, slot);
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
