/* One observation of a histogram's bucket with the trace it is of, as OpenMetrics shows it. In
 * memory that processes share: one writes it, all read it, and who reads what is being written
 * knows. All zeros: there is none. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ipc/counter.h"

struct exemplar {
	counter turn; /* odd while it is written, also by one that died meanwhile */
	counter trace[2], us, at_ms;
};

struct exemplar_values {
	uint64_t trace[2]; /* the id, first half first */
	uint64_t us;       /* what was observed */
	uint64_t at_ms;    /* since 1970 */
};

/* By the writer. */
void exemplar_set(struct exemplar *e, const struct exemplar_values *v);

/* By anyone. False: there is none, or it is just being written. */
bool exemplar_get(const struct exemplar *e, struct exemplar_values *ret);
