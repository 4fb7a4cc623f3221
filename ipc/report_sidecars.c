/* Rows of sidecars. */
#include "ipc/report_sidecars.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "ipc/metrics_text.h"
#include "ipc/process_usage.h"

#include "base/ban.h"

static const char *const states[] = {
	[SIDECAR_WAITING] = "waiting",
	[SIDECAR_RUNNING] = "running",
	[SIDECAR_STOPPING] = "stopping",
	[SIDECAR_DONE] = "done",
};

/* What is read of a row once. */
struct view {
	int name_len; /* the board may be written by routers: no NUL is taken for granted */
	const char *name, *state;
	unsigned long long pid, starts;
	struct process_usage usage;
	double uptime_s;
};

static struct view view_of(const struct scoreboard_sidecar *row)
{
	uint64_t state = counter_get(&row->state);
	struct view v = { .name = row->name,
			  .name_len = (int)strnlen(row->name, sizeof(row->name)),
			  .pid = counter_get(&row->pid),
			  .starts = counter_get(&row->starts) };

	v.state = state < ARRAY_LEN(states) ? states[state] : "unknown";
	v.uptime_s = v.pid ? report_seconds_since(&row->started_ms) : 0;
	process_usage_read(v.pid, &v.usage);
	return v;
}

static unsigned rows_in_use(const struct scoreboard *b)
{
	uint64_t n = counter_get(&b->n_sidecars);

	return n < SCOREBOARD_SIDECARS ? (unsigned)n : SCOREBOARD_SIDECARS;
}

int report_sidecars_table(const struct scoreboard *b, struct buf *out)
{
	unsigned n = rows_in_use(b);
	int r = n ? buf_printf(out, "%-20s %7s %-8s %6s %7s %8s %7s\n", "SIDECAR", "PID", "STATE",
			       "UP", "RSS", "CPU", "STARTS")
		  : 0;

	for (unsigned i = 0; i < n && r == 0; i++) {
		struct view v = view_of(&b->sidecars[i]);
		char uptime[16];

		(void)report_age(v.uptime_s, uptime);
		r = buf_printf(out, "%-20.*s %7llu %-8s %6s %6.1fM %7.1fs %7llu\n", v.name_len,
			       v.name, v.pid, v.state, uptime,
			       (double)v.usage.rss_bytes / (1 << 20), v.usage.cpu_s, v.starts);
	}
	return r;
}

int report_sidecars_json(const struct scoreboard *b, struct buf *out)
{
	int r = 0;

	for (unsigned i = 0; i < rows_in_use(b) && r == 0; i++) {
		struct view v = view_of(&b->sidecars[i]);

		r = buf_printf(out, "%s{\"name\":", i ? "," : "");
		r = r < 0 ? r : report_json_string((struct str){ v.name, (size_t)v.name_len }, out);
		r = r < 0 ? r
			  : buf_printf(out,
				       ",\"pid\":%llu,\"state\":\"%s\",\"uptime_s\":%.3f,"
				       "\"rss_b\":%llu,\"cpu_s\":%.2f,\"starts\":%llu}",
				       v.pid, v.state, v.uptime_s,
				       (unsigned long long)v.usage.rss_bytes, v.usage.cpu_s,
				       v.starts);
	}
	return r;
}

static double running_of(const struct view *v)
{
	return v->state == states[SIDECAR_RUNNING];
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

static double starts_of(const struct view *v)
{
	return (double)v->starts;
}

static const struct {
	const char *name;
	enum metric_type type;
	const char *help;
	double (*value)(const struct view *v);
} metrics[] = {
	{ "running", METRIC_GAUGE, "1 when it runs.", running_of },
	{ "resident_memory_bytes", METRIC_GAUGE, "Resident memory.", rss_of },
	{ "cpu_seconds_total", METRIC_COUNTER, "CPU time used.", cpu_of },
	{ "uptime_seconds", METRIC_GAUGE, "Since it was started.", uptime_of },
	{ "starts_total", METRIC_COUNTER, "Its starts.", starts_of },
};

static void put_column(size_t metric, const struct view *views, unsigned n, struct metrics_text *t)
{
	metrics_family(t, "sioinit_sidecar_", metrics[metric].name, metrics[metric].type,
		       metrics[metric].help);
	for (unsigned i = 0; i < n; i++)
		metrics_sample(t, metrics[metric].value(&views[i]), "sidecar=\"%.*s\"",
			       views[i].name_len, views[i].name);
}

void report_sidecars_metrics(const struct scoreboard *b, struct metrics_text *t)
{
	struct view views[SCOREBOARD_SIDECARS];
	unsigned n = rows_in_use(b);

	for (unsigned i = 0; i < n; i++)
		views[i] = view_of(&b->sidecars[i]);
	for (size_t i = 0; i < ARRAY_LEN(metrics) && n; i++)
		put_column(i, views, n, t);
}
