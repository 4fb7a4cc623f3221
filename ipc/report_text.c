/* See report_text.h. */
#include "ipc/report_text.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/macros.h"

#include "base/ban.h"

double report_seconds_since(const counter *ms)
{
	uint64_t then = counter_get(ms), now = (uint64_t)clock_ms();

	return then && now > then ? (double)(now - then) / 1000 : 0;
}

int report_age(double seconds, char dst[static 16])
{
	static const struct {
		double below, unit;
		const char *name;
	} scales[] = {
		{ 120, 1, "s" }, { 7200, 60, "m" }, { 172800, 3600, "h" }, { 1e12, 86400, "d" }
	};

	for (size_t i = 0; i < ARRAY_LEN(scales); i++)
		if (seconds < scales[i].below)
			return snprintf(dst, 16, "%.0f%s", seconds / scales[i].unit,
					scales[i].name);
	return snprintf(dst, 16, "-");
}

int report_json_string(struct str s, struct buf *out)
{
	size_t room = s.n * ESCAPE_GROWTH;
	int r = buf_append(out, "\"", 1);

	r = r < 0 ? r : buf_reserve(out, room);
	if (r < 0)
		return r;
	out->len += escape_json(s, out->p + out->len, room);
	return buf_append(out, "\"", 1);
}
