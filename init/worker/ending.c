/* See ending.h. */
#include "init/worker/ending.h"

#include <sys/wait.h>

#include "init/worker/worker.h"

#include "base/ban.h"

void worker_ends_for(struct worker *w, enum worker_end_reason why)
{
	if (w->ends_for == WORKER_END_ASKED)
		w->ends_for = why;
}

/* Its exit code is its own business once it has been told to stop; before that, while it drains,
 * only a good one is no crash. */
static bool is_as_asked(const struct worker *w, int status)
{
	if (!w->kill_at_ms)
		return false;
	if (WIFSIGNALED(status))
		return w->told_ms && WTERMSIG(status) == w->config->stop_signal;
	return w->told_ms || WEXITSTATUS(status) == 0;
}

enum worker_end_reason worker_end_reason(const struct worker *w, int status, bool oom)
{
	if (oom)
		return WORKER_END_OOM;
	if (w->ends_for != WORKER_END_ASKED)
		return w->ends_for;
	if (w->forced)
		return WORKER_END_FORCED;
	if (w->asked_to_diagnose && WIFSIGNALED(status)) /* and has not answered since */
		return WORKER_END_HANG;
	if (is_as_asked(w, status))
		return WORKER_END_ASKED;
	return WIFSIGNALED(status) ? WORKER_END_SIGNAL : WORKER_END_EXIT;
}
