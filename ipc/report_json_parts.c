/* What is not about a single process. */
#include "base/macros.h"
#include "ipc/report.h"
#include "ipc/report_parts.h"
#include "ipc/report_text.h"
#include "ipc/report_view.h"

#include "base/ban.h"

static int put_or_null(const char *name, bool is_known, double value, struct buf *out)
{
	return is_known ? buf_printf(out, "\"%s\":%.3f", name, value)
			: buf_printf(out, "\"%s\":null", name);
}

static int put_slot(bool is_known, uint64_t slot, struct buf *out)
{
	return is_known ? buf_printf(out, "\"slot\":%llu", (unsigned long long)slot)
			: buf_printf(out, "\"slot\":null");
}

static int put_condition(const struct condition *c, struct buf *out)
{
	int r = buf_printf(out, "{\"severity\":\"%s\",\"id\":\"%s\",",
			   condition_severity_name(c->severity), c->id);

	r = r < 0 ? r : put_slot(c->slot >= 0, (uint64_t)c->slot, out);
	r = r < 0 ? r : buf_printf(out, ",\"text\":");
	r = r < 0 ? r : report_json_string(str_of(c->text), out);
	r = r < 0 ? r : buf_printf(out, ",");
	r = r < 0 ? r : put_or_null("since_s", c->since_s >= 0, c->since_s, out);
	return r < 0 ? r : buf_printf(out, "}");
}

int report_json_conditions(const struct conditions *cs, struct buf *out)
{
	int r = 0;

	for (unsigned i = 0; i < cs->n && r == 0; i++) {
		r = i ? buf_printf(out, ",") : 0;
		r = r < 0 ? r : put_condition(&cs->list[i], out);
	}
	return r;
}

static const char *word_of(const char *const *names, size_t n, const counter *value)
{
	uint64_t i = counter_get(value);

	return i < n ? names[i] : "unknown";
}

static int put_reload(const struct scoreboard *b, struct buf *out)
{
	static const char *const states[] = { "idle", "booting", "draining" };
	static const char *const results[] = { "none", "ok", "failed" };
	bool is_idle = counter_get(&b->reload_state) == SCOREBOARD_RELOAD_IDLE;
	int r = buf_printf(out, "\"reload\":{\"state\":\"%s\",",
			   word_of(states, ARRAY_LEN(states), &b->reload_state));

	r = r < 0 ? r : put_slot(!is_idle, counter_get(&b->reload_slot), out);
	r = r < 0 ? r
		  : buf_printf(out, ",\"done\":%llu,\"of\":%llu,\"last\":\"%s\",",
			       n(&b->reload_done), n(&b->reload_of),
			       word_of(results, ARRAY_LEN(results), &b->reload_last));
	r = r < 0 ? r
		  : put_or_null("last_ago_s", counter_get(&b->reload_last_ms) != 0,
				report_seconds_since(&b->reload_last_ms), out);
	return r < 0 ? r : buf_printf(out, "},");
}

static int put_drain(const struct scoreboard *b, struct buf *out)
{
	static const char *const stages[] = { "none",    "held",     "lame-duck", "leaving",
					      "goodbye", "draining", "stopping" };

	return buf_printf(out, "\"drain\":{\"stage\":\"%s\",\"since_s\":%.3f},",
			  word_of(stages, ARRAY_LEN(stages), &b->drain_stage),
			  report_seconds_since(&b->drain_since_ms));
}

int report_json_stages(const struct scoreboard *b, struct buf *out)
{
	int r = put_reload(b, out);

	return r < 0 ? r : put_drain(b, out);
}
