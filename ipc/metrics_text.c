/* See metrics_text.h. */
#include "ipc/metrics_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/str.h"

#include "base/ban.h"

enum { LABELS_MAX = 128 };

/* What Prometheus' older format has no word for is a gauge there. */
static const struct {
	const char *in[METRICS_N_FORMATS];
	const char *ends_with; /* its samples; not the family of OpenMetrics */
} types[METRIC_N_TYPES] = {
	[METRIC_GAUGE] = { { "gauge", "gauge" }, "" },
	[METRIC_COUNTER] = { { "counter", "counter" }, "_total" },
	[METRIC_HISTOGRAM] = { { "histogram", "histogram" }, "" },
	[METRIC_INFO] = { { "gauge", "info" }, "_info" },
};

static const char *const units[] = { "seconds", "bytes" };

static void put(struct metrics_text *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void put(struct metrics_text *t, const char *format, ...)
{
	char text[512];
	va_list args;
	int n;

	if (t->err < 0)
		return;
	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	t->err = buf_append(t->out, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

static bool ends_with(struct str s, struct str end)
{
	return s.n >= end.n && memcmp(s.p + s.n - end.n, end.p, end.n) == 0;
}

static struct str family_of(const struct metrics_text *t, enum metric_type type)
{
	struct str name = str_of(t->name), end = str_of(types[type].ends_with);

	if (t->format == METRICS_OPENMETRICS && ends_with(name, end))
		name.n -= end.n;
	return name;
}

static const char *unit_of(struct str family)
{
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (ends_with(family, str_of(units[i])))
			return units[i];
	return NULL;
}

void metrics_family(struct metrics_text *t, const char *prefix, const char *name,
		    enum metric_type type, const char *help)
{
	struct str family;
	const char *unit;

	(void)snprintf(t->name, sizeof(t->name), "%s%s", prefix, name);
	family = family_of(t, type);
	unit = t->format == METRICS_OPENMETRICS ? unit_of(family) : NULL;
	put(t, "# HELP %.*s %s\n# TYPE %.*s %s\n", (int)family.n, family.p, help, (int)family.n,
	    family.p, types[type].in[t->format]);
	if (unit)
		put(t, "# UNIT %.*s %s\n", (int)family.n, family.p, unit);
}

void metrics_sample(struct metrics_text *t, double value, const char *labels, ...)
{
	char text[LABELS_MAX];
	va_list args;

	va_start(args, labels);
	(void)vsnprintf(text, sizeof(text), labels, args);
	va_end(args);
	put(t, *text ? "%s{%s} %.15g\n" : "%s%s %.15g\n", t->name, text, value);
}

static void put_bucket(struct metrics_text *t, const char *le, uint64_t so_far,
		       const struct exemplar_values *shown)
{
	put(t, "%s_bucket{le=\"%s\"} %llu", t->name, le, (unsigned long long)so_far);
	if (t->format == METRICS_OPENMETRICS && shown && shown->at_ms)
		put(t, " # {trace_id=\"%016" PRIx64 "%016" PRIx64 "\"} %.15g %.3f", shown->trace[0],
		    shown->trace[1], (double)shown->us / 1e6, (double)shown->at_ms / 1e3);
	put(t, "\n");
}

/* A float, the same in both formats, as labels are text: 1.0, not 1. */
static void print_bound(uint64_t us, char *dst, size_t size)
{
	(void)snprintf(dst, size, us % 1000000 ? "%.15g" : "%.1f", (double)us / 1e6);
}

void metrics_histogram(struct metrics_text *t, const struct histogram_bounds *bounds,
		       const uint64_t *counts, uint64_t sum_us, const struct exemplar_values *shown)
{
	uint64_t so_far = 0;
	char le[32];

	for (unsigned i = 0; i < bounds->n; i++) {
		so_far += counts[i];
		print_bound(bounds->us[i], le, sizeof(le));
		put_bucket(t, le, so_far, shown ? &shown[i] : NULL);
	}
	so_far += counts[bounds->n];
	put_bucket(t, "+Inf", so_far, shown ? &shown[bounds->n] : NULL);
	put(t, "%s_sum %.15g\n%s_count %llu\n", t->name, (double)sum_us / 1e6, t->name,
	    (unsigned long long)so_far);
}

void metrics_end(struct metrics_text *t)
{
	if (t->format == METRICS_OPENMETRICS)
		put(t, "# EOF\n");
}
