/* The last minutes. */
#include <stdio.h>

#include "base/macros.h"
#include "ipc/report_parts.h"
#include "ipc/report_view.h"

#include "base/ban.h"

static const struct {
	const char *name;
	enum history_number what;
} series[] = {
	{ "requests", HISTORY_REQUESTS },
	{ "broadcasts", HISTORY_BROADCASTS },
	{ "connects", HISTORY_CONNECTS },
	{ "errors", HISTORY_ERRORS },
};

static double per_second(const struct history_step *s, enum history_number what)
{
	return (double)s->counted[what] / (s->took_ms ? (double)s->took_ms / 1000 : 1);
}

static int put_series(const struct scoreboard *b, struct history_span span, size_t which,
		      struct buf *out)
{
	int r = buf_printf(out, ",\"%s\":[", series[which].name);

	for (unsigned i = 0; i < span.count && r == 0; i++) {
		struct history_step s = history_step(b, span.first + i);

		r = buf_printf(out, i ? ",%.6g" : "%.6g", per_second(&s, series[which].what));
	}
	return r < 0 ? r : buf_printf(out, "]");
}

/* By hand: there are thousands of them where there are many workers, and nearly all are small. */
static int put_lag(uint64_t lag_ms, bool is_first, struct buf *out)
{
	char text[] = ",0.000";

	if (lag_ms >= 1000)
		return buf_printf(out, is_first ? "%.3f" : ",%.3f", (double)lag_ms / 1000);
	for (int i = 5; i > 2; i--) {
		text[i] = (char)('0' + lag_ms % 10);
		lag_ms /= 10;
	}
	return buf_append(out, text + is_first, sizeof(text) - 1 - is_first);
}

static int put_slot(const struct scoreboard *b, struct history_span span, unsigned slot,
		    struct buf *out)
{
	int r = buf_printf(out, slot ? ",[" : "[");

	for (unsigned i = 0; i < span.count && r == 0; i++)
		r = put_lag(history_lag_ms(b, slot, span.first + i), i == 0, out);
	return r < 0 ? r : buf_append(out, "]", 1);
}

int report_json_history(const struct scoreboard *b, struct buf *out)
{
	struct history_span span = history_span(b);
	int r = buf_printf(out, "\"history\":{\"step_s\":%d", HISTORY_STEP_MS / 1000);

	for (size_t i = 0; i < ARRAY_LEN(series) && r == 0; i++)
		r = put_series(b, span, i, out);
	r = r < 0 ? r : buf_printf(out, ",\"lag_s\":[");
	for (unsigned i = 0; i < report_rows_in_use(b) && i < HISTORY_SLOTS && r == 0; i++)
		r = put_slot(b, span, i, out);
	return r < 0 ? r : buf_printf(out, "]},");
}
