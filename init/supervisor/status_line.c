/* See status_line.h. */
#include "init/supervisor/status_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "init/supervisor/core.h"
#include "init/system/notify.h"

#include "base/ban.h"

enum { BEATS = 5 };

static const char *begin(const struct init *in)
{
	static const char *const of[] = { [PHASE_STARTING] = "starting, ",
					  [PHASE_SERVING] = "",
					  [PHASE_LAME_DUCK] = "not ready for the outside, ",
					  [PHASE_DRAINING] = "stopping, " };
	uint64_t phase = counter_get(&in->board->phase);

	if (in->pool.reload.all)
		return "reloading, ";
	return of[phase < ARRAY_LEN(of) ? phase : PHASE_STARTING];
}

static void print(const struct init *in, char *dst, size_t size)
{
	uint64_t n = counter_get(&in->board->sessions);
	char sessions[48] = "";

	if (n > 0)
		(void)snprintf(sessions, sizeof(sessions), ", %" PRIu64 " session%s", n,
			       n == 1 ? "" : "s");
	(void)snprintf(dst, size, "%s%u/%u workers ready%s%s", begin(in),
		       pool_count_ready(&in->pool), in->context.wanted, sessions,
		       in->status_line.reload_failed ? "; the last reload failed" : "");
}

void status_line_tell(struct init *in)
{
	struct status_line *s = &in->status_line;
	char line[sizeof(s->told)];

	print(in, line, sizeof(line));
	if (strcmp(line, s->told) == 0)
		return;
	memcpy(s->told, line, sizeof(line));
	notify_status("%s", line);
}

void status_line_reloaded(struct init *in, bool ok)
{
	in->status_line.reload_failed = !ok;
	status_line_tell(in);
	if (in->told_ready)
		notify_ready();
}

void status_line_beat(struct init *in)
{
	if (in->context.wanted == 0 || ++in->status_line.beats < BEATS)
		return;
	in->status_line.beats = 0;
	status_line_tell(in);
}
