/* The scoreboard for Prometheus. What the metrics are is in tables: name, type, help, where it is
 * found. */
#include "ipc/report.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "ipc/control.h"
#include "ipc/metrics_text.h"
#include "ipc/process_usage.h"
#include "ipc/report_sidecars.h"
#include "ipc/report_view.h"

#include "base/ban.h"

static const char prefix[] = "sioinit_";

/* Rows of one name follow each other. */
static const struct metric {
	const char *name, *help, *labels; /* no labels: "" */
	size_t offset;
	enum metric_type type;
	bool summed; /* over the routers; else in struct scoreboard */
} totals[] = {
#define SHARED(name, type, field, help)                                                            \
	{                                                                                          \
		name, help, "", offsetof(struct scoreboard, field), type, false                    \
	}
#define SHARED_BY(name, type, field, labels, help)                                                 \
	{                                                                                          \
		name, help, labels, offsetof(struct scoreboard, field), type, false                \
	}
#define SUM(name, type, field, help)                                                               \
	{                                                                                          \
		name, help, "", offsetof(struct scoreboard_router, field), type, true              \
	}
#define SUM_BY(name, type, field, labels, help)                                                    \
	{                                                                                          \
		name, help, labels, offsetof(struct scoreboard_router, field), type, true          \
	}
#define COUNTER METRIC_COUNTER
#define GAUGE METRIC_GAUGE
	SUM("connections_total", COUNTER, connections, "Client connections accepted."),
	SUM("clients", GAUGE, clients, "Client connections at the router now."),
	SHARED("sessions", GAUGE, sessions, "Engine.IO sessions in the table."),
	SUM("http_requests_total", COUNTER, requests, "Requests passed on to workers."),
	SUM("handshakes_total", COUNTER, handshakes, "Sessions learned from handshakes."),
	SUM("upgrades_total", COUNTER, upgrades, "Connections handed over to workers."),
	SUM("retries_total", COUNTER, retries, "Requests tried again on another connection."),
	SUM("handbacks_total", COUNTER, handbacks, "Hand-offs that a worker did not take."),
	SUM_BY("sid_misses_total", COUNTER, sid_misses, "reason=\"unknown\"",
	       "Requests of a session that nobody knows, or whose worker serves no more."),
	SUM_BY("sid_misses_total", COUNTER, sid_orphans, "reason=\"worker_ended\"", ""),
	SUM("no_worker_total", COUNTER, no_worker, "Requests refused for want of a worker."),
	SUM("admin_viewers", GAUGE, admin_viewers, "Who follow /events now."),
	SHARED("parked_polls", GAUGE, parked, "Waiting polls that outlive their router."),
	SHARED("workers_wanted", GAUGE, wanted, "Workers that there are to be."),
	SHARED("worker_hangs_total", COUNTER, hangs, "Workers killed by the watchdog."),
	SHARED("reloads_total", COUNTER, reloads, "Rolling reloads begun."),
	SHARED("reload_failures_total", COUNTER, reload_failures,
	       "Rolling reloads given up: a new worker did not get ready."),
	SHARED("router_starts_total", COUNTER, router_starts, "Starts of router processes."),
	SHARED("memory_near_misses_total", COUNTER, memory_near_misses,
	       "Times that nine tenths of the memory limit were in use."),
	SHARED("relay_messages_total", COUNTER, relay_messages, "Adapter messages relayed."),
	SHARED("relay_bytes_total", COUNTER, relay_bytes, "Bytes of them, as received."),
	SHARED("relay_evictions_total", COUNTER, relay_evictions,
	       "Workers that left the relay since they were behind or flooded it."),
	SHARED("relay_queued_bytes", GAUGE, relay_used, "What the relay holds, each byte once."),
	SHARED("relay_queue_limit_bytes", GAUGE, relay_max, "What it may hold."),
	SHARED_BY("relay_passed_over_total", COUNTER, relay_passed_over[0], "reason=\"unreadable\"",
		  "Messages of workers not relayed, by reason."),
	SHARED_BY("relay_passed_over_total", COUNTER, relay_passed_over[1], "reason=\"no_room\"",
		  ""),
	SUM_BY("http_responses_total", COUNTER, responses[1], "class=\"1xx\"",
	       "Responses by class of status."),
	SUM_BY("http_responses_total", COUNTER, responses[2], "class=\"2xx\"", ""),
	SUM_BY("http_responses_total", COUNTER, responses[3], "class=\"3xx\"", ""),
	SUM_BY("http_responses_total", COUNTER, responses[4], "class=\"4xx\"", ""),
	SUM_BY("http_responses_total", COUNTER, responses[5], "class=\"5xx\"", ""),
#undef GAUGE
#undef COUNTER
#undef SUM_BY
#undef SUM
#undef SHARED_BY
#undef SHARED
};

static const struct counted {
	const char *name, *help;
	size_t offset;
	const struct histogram_bounds *bounds;
	bool summed;    /* as above */
	bool is_traced; /* scoreboard_exemplar() is of it */
} durations[] = {
	/* the time in which a poll waits for the app to have something to say is no duration */
	{ "http_request_duration_seconds",
	  "Requests but polls, from their head to the end of the response.",
	  offsetof(struct scoreboard_router, requests_took), &scoreboard_request_bounds, true,
	  true },
	{ "handoff_duration_seconds",
	  "Connections handed over, from the decision to the word of the worker that took them.",
	  offsetof(struct scoreboard, handoffs_took), &scoreboard_handoff_bounds, false, false },
	{ "event_loop_lag_seconds", "What event loops took to answer, each time one was asked.",
	  offsetof(struct scoreboard, lags), &scoreboard_lag_bounds, false, false },
	{ "worker_ready_duration_seconds", "Workers that got ready, since their start.",
	  offsetof(struct scoreboard, got_ready), &scoreboard_ready_bounds, false, false },
	{ "worker_drain_duration_seconds",
	  "Workers that have ended, since they began to be drained.",
	  offsetof(struct scoreboard, drained), &scoreboard_drain_bounds, false, false },
};

static uint64_t found(const struct scoreboard *b, size_t offset, bool summed)
{
	return summed ? scoreboard_total(b, offset)
		      : counter_get((const counter *)(const void *)((const char *)b + offset));
}

static void put_totals(const struct scoreboard *b, struct metrics_text *t)
{
	const char *last = "";

	for (size_t i = 0; i < ARRAY_LEN(totals); i++) {
		const struct metric *m = &totals[i];

		if (strcmp(m->name, last) != 0)
			metrics_family(t, prefix, m->name, m->type, m->help);
		metrics_sample(t, (double)found(b, m->offset, m->summed), "%s", m->labels);
		last = m->name;
	}
}

static void put_durations(const struct scoreboard *b, struct metrics_text *t)
{
	for (size_t i = 0; i < ARRAY_LEN(durations); i++) {
		const struct counted *d = &durations[i];
		uint64_t counts[HISTOGRAM_BOUNDS_MAX + 1];
		struct exemplar_values shown[HISTOGRAM_BOUNDS_MAX + 1];
		size_t sum = d->offset + offsetof(struct histogram, sum_us);

		for (unsigned k = 0; k <= d->bounds->n; k++) {
			counts[k] = found(b,
					  d->offset + offsetof(struct histogram, buckets) +
					      k * sizeof(counter),
					  d->summed);
			if (d->is_traced)
				(void)scoreboard_exemplar(b, k, &shown[k]);
		}
		metrics_family(t, prefix, d->name, METRIC_HISTOGRAM, d->help);
		metrics_histogram(t, d->bounds, counts, found(b, sum, d->summed),
				  d->is_traced ? shown : NULL);
	}
}

static void put_general(const struct scoreboard *b, struct metrics_text *t)
{
	metrics_family(t, prefix, "build_info", METRIC_INFO, "The version that runs.");
	metrics_sample(t, 1, "version=\"%s\"", SIOINIT_VERSION);
	metrics_family(t, prefix, "uptime_seconds", METRIC_GAUGE, "Since init was started.");
	metrics_sample(t, report_seconds_since(&b->started_ms), "%s", "");
	metrics_family(t, prefix, "phase", METRIC_GAUGE, "1 for the phase that sioinit is in.");
	for (size_t i = 0; i < REPORT_N_PHASES; i++)
		metrics_sample(t, counter_get(&b->phase) == i, "phase=\"%s\"", report_phases[i]);
}

static void put_ends(const struct scoreboard *b, struct metrics_text *t)
{
	metrics_family(t, prefix, "worker_ends_total", METRIC_COUNTER,
		       "Ends of worker processes, by reason.");
	for (unsigned i = 0; i < WORKER_END_N; i++)
		metrics_sample(t, (double)counter_get(&b->worker_ends_by[i]), "reason=\"%s\"",
			       worker_end_name(i));
}

static void put_memory(const struct scoreboard *b, struct metrics_text *t)
{
	uint64_t limit = counter_get(&b->memory_limit);

	if (!limit)
		return;
	metrics_family(t, prefix, "memory_usage_bytes", METRIC_GAUGE,
		       "Memory of the container in use; from nine tenths of the limit on without "
		       "what the kernel can free at once.");
	metrics_sample(t, (double)counter_get(&b->memory_used), "%s", "");
	metrics_family(t, prefix, "memory_limit_bytes", METRIC_GAUGE, "Its limit.");
	metrics_sample(t, (double)limit, "%s", "");
}

/* Processes of our own */

static unsigned routers_in_use(const struct scoreboard *b)
{
	uint64_t n = counter_get(&b->n_routers);

	return n < ROUTERS_MAX ? (unsigned)n : ROUTERS_MAX;
}

static void put_routers(const struct scoreboard *b, struct metrics_text *t)
{
	struct process_usage usage[ROUTERS_MAX];
	unsigned n = routers_in_use(b);

	for (unsigned i = 0; i < n; i++)
		process_usage_read(counter_get(&b->routers[i].pid), &usage[i]);
	metrics_family(t, prefix, "router_resident_memory_bytes", METRIC_GAUGE, "Resident memory.");
	for (unsigned i = 0; i < n; i++)
		metrics_sample(t, (double)usage[i].rss_bytes, "router=\"%u\"", i);
	metrics_family(t, prefix, "router_cpu_seconds_total", METRIC_COUNTER, "CPU time used.");
	for (unsigned i = 0; i < n; i++)
		metrics_sample(t, usage[i].cpu_s, "router=\"%u\"", i);
}

/* The names that all of Prometheus' libraries have. */
static void put_init(const struct scoreboard *b, struct metrics_text *t)
{
	uint64_t pid = counter_get(&b->pid);
	struct process_usage usage;
	long fds = process_fds(pid);

	process_usage_read(pid, &usage);
	metrics_family(t, "process_", "cpu_seconds_total", METRIC_COUNTER,
		       "CPU time that init has used.");
	metrics_sample(t, usage.cpu_s, "%s", "");
	metrics_family(t, "process_", "resident_memory_bytes", METRIC_GAUGE,
		       "Resident memory of init.");
	metrics_sample(t, (double)usage.rss_bytes, "%s", "");
	metrics_family(t, "process_", "virtual_memory_bytes", METRIC_GAUGE,
		       "Virtual memory of init.");
	metrics_sample(t, (double)usage.virtual_bytes, "%s", "");
	metrics_family(t, "process_", "start_time_seconds", METRIC_GAUGE,
		       "When init was started, since 1970.");
	metrics_sample(t, (double)counter_get(&b->started_unix_ms) / 1000, "%s", "");
	metrics_family(t, "process_", "max_fds", METRIC_GAUGE, "Files that init may have open.");
	metrics_sample(t, (double)counter_get(&b->fds_max), "%s", "");
	if (fds < 0)
		return;
	metrics_family(t, "process_", "open_fds", METRIC_GAUGE,
		       "Files that init has open (from Linux 6.2 on).");
	metrics_sample(t, (double)fds, "%s", "");
}

/* Workers */

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

static double evictions_of(const struct report_view *v)
{
	return (double)counter_get(&v->row->evictions);
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
	const char *name;
	enum metric_type type;
	const char *help;
	double (*value)(const struct report_view *v);
} per_worker[] = {
	{ "ready", METRIC_GAUGE, "1 when it gets new sessions.", ready_of },
	{ "event_loop_lag_seconds", METRIC_GAUGE,
	  "What its event loop, or health path, last took to answer.", lag_of },
	{ "resident_memory_bytes", METRIC_GAUGE, "Resident memory.", rss_of },
	{ "cpu_seconds_total", METRIC_COUNTER, "CPU time used.", cpu_of },
	{ "uptime_seconds", METRIC_GAUGE, "Since it was started.", uptime_of },
	{ "sessions", METRIC_GAUGE, "Engine.IO sessions it holds.", sessions_of },
	{ "sockets", METRIC_GAUGE, "Client sockets it holds.", sockets_of },
	{ "relay_backlog_bytes", METRIC_GAUGE, "Messages of the others that wait for it.",
	  backlog_of },
	{ "relay_evictions_total", METRIC_COUNTER, "Times that a worker of it left the relay.",
	  evictions_of },
	{ "requests_in_flight", METRIC_GAUGE, "Requests it is answering.", in_flight_of },
	{ "requests_total", METRIC_COUNTER, "Requests passed on to the slot.", requests_of },
	{ "starts_total", METRIC_COUNTER, "Starts of the slot's workers.", starts_of },
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

static void put_column(size_t metric, const struct report_view *views, unsigned rows,
		       struct metrics_text *t)
{
	metrics_family(t, "sioinit_worker_", per_worker[metric].name, per_worker[metric].type,
		       per_worker[metric].help);
	for (unsigned i = 0; i < rows; i++)
		metrics_sample(t, per_worker[metric].value(&views[i]), "worker=\"%u\"",
			       views[i].slot);
}

static void put_ready(const struct report_view *views, unsigned rows, struct metrics_text *t)
{
	double ready = 0;

	for (unsigned i = 0; i < rows; i++)
		ready += ready_of(&views[i]);
	metrics_family(t, prefix, "workers_ready", METRIC_GAUGE, "Workers that get new sessions.");
	metrics_sample(t, ready, "%s", "");
}

static int put_workers(const struct scoreboard *b, struct metrics_text *t)
{
	unsigned rows = report_rows_in_use(b);
	struct report_view *views = calloc(rows + 1, sizeof(*views));

	if (!views)
		return -ENOMEM;
	for (unsigned slot = 0; slot < rows; slot++)
		views[slot] = report_view_of(b, slot);
	put_ready(views, rows, t);
	for (size_t i = 0; i < ARRAY_LEN(per_worker); i++)
		put_column(i, views, rows, t);
	free(views);
	return 0;
}

int report_metrics(const struct scoreboard *b, enum metrics_format format, unsigned parts,
		   struct buf *out)
{
	struct metrics_text t = { .out = out, .format = format };
	int r;

	put_general(b, &t);
	put_totals(b, &t);
	put_ends(b, &t);
	put_memory(b, &t);
	put_durations(b, &t);
	r = put_workers(b, &t);
	report_sidecars_metrics(b, &t);
	put_routers(b, &t);
	if (parts & REPORT_PROCESS)
		put_init(b, &t);
	if (parts & REPORT_END)
		metrics_end(&t);
	return r < 0 ? r : t.err;
}
