/* Metrics as text, in the two formats that Prometheus reads. A metric is described once, by the
 * names of the older format; what differs in the other is done here: a counter's family has no
 * _total, an info's no _info, units are told, and the end is marked.
 * https://prometheus.io/docs/instrumenting/exposition_formats/ (text 0.0.4, OpenMetrics 1.0) */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "ipc/exemplar.h"
#include "ipc/histogram.h"

enum metrics_format { METRICS_TEXT, METRICS_OPENMETRICS, METRICS_N_FORMATS };

enum metric_type { METRIC_GAUGE, METRIC_COUNTER, METRIC_HISTOGRAM, METRIC_INFO, METRIC_N_TYPES };

struct metrics_text {
	struct buf *out; /* borrowed; appended to */
	enum metrics_format format;
	int err;       /* the first: -EMSGSIZE or -ENOMEM; nothing is written after it */
	char name[96]; /* of the samples of the family that was begun last */
};

/* A family, whose samples follow: its name is @prefix and @name, a counter's ends with _total, an
 * info's with _info; one with a unit has it (_seconds, _bytes) as its last word before these. @help
 * is plain text: no quotes, backslashes or ends of lines. */
void metrics_family(struct metrics_text *t, const char *prefix, const char *name,
		    enum metric_type type, const char *help);

/* A sample of it; @labels is what is between the braces, by printf, or "". Values of labels are
 * such that nothing in them has to be escaped. */
void metrics_sample(struct metrics_text *t, double value, const char *labels, ...)
    __attribute__((format(printf, 3, 4)));

/* All samples of a histogram without further labels. @counts: bounds->n + 1 of them, as struct
 * histogram has them; @shown: as many exemplars, those whose .at_ms is 0 being none, or NULL. The
 * older format has no exemplars. */
void metrics_histogram(struct metrics_text *t, const struct histogram_bounds *bounds,
		       const uint64_t *counts, uint64_t sum_us,
		       const struct exemplar_values *shown);

/* Nothing follows. */
void metrics_end(struct metrics_text *t);
