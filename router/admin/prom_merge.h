/* Metrics of several workers made one, as prom-client's AggregatorRegistry does it (prom-client 15
 * lib/cluster.js, lib/metricAggregators.js), and their text in Prometheus' formats. Pure; any tree
 * is safe.
 *
 * A metric is aggregated as the first worker that has it says: sum, first, min, max, average, omit.
 * Samples belong together when name and labels are the same. Left out and counted is what is no
 * metric of Prometheus' or has a name that begins with sioinit_.
 *
 * Samples have the same names in both formats. A counter whose name does not end with _total, or is
 * another metric's without that, is of no known type for OpenMetrics. */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/buf.h"
#include "ipc/metrics_text.h"

struct prom_merge;

enum {
	PROM_SAMPLES_MAX = 200000, /* of one worker */
	PROM_LABELS_MAX = 64,      /* of one sample */
	PROM_NUMBER_SIZE = 32,
};

/* NULL: no memory. */
struct prom_merge *prom_merge_new(void);
/* NULL is fine. */
void prom_merge_free(struct prom_merge *m);

/* Adds a worker's answer, { metrics: [ [ metric ... ] ... ] }, borrowed during the call. 0,
 * -EBADMSG (no such thing, or the worker reports an error), -ENOMEM. */
int prom_merge_add(struct prom_merge *m, const json_t *answer);

/* Appends the text, but for the end of it, without the metrics for which there is no room in @out.
 * 0, or -ENOMEM: the text is cut. */
int prom_merge_write(struct prom_merge *m, enum metrics_format format, struct buf *out);

/* Metrics and samples that are left out. */
size_t prom_merge_left_out(const struct prom_merge *m);

/* A number as JavaScript's String() spells it, but for NaN, +Inf and -Inf. */
void prom_number(double d, char dst[static PROM_NUMBER_SIZE]);
