/* Ends of workers, in words and as JSON. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "ipc/report.h"
#include "ipc/report_parts.h"
#include "ipc/report_text.h"
#include "ipc/worker_end.h"

#include "base/ban.h"

enum { SIGNAL_NAME_SIZE = 16 };

static bool has_signal(const struct death *d)
{
	return d->signal != 0;
}

static void signal_name(const struct death *d, char dst[static SIGNAL_NAME_SIZE])
{
	const char *abbrev = d->signal < NSIG ? sigabbrev_np((int)d->signal) : NULL;

	if (abbrev)
		(void)snprintf(dst, SIGNAL_NAME_SIZE, "SIG%s", abbrev);
	else
		(void)snprintf(dst, SIGNAL_NAME_SIZE, "SIG%u", (unsigned)d->signal % 1000);
}

/* What happened to it. NULL: its exit code or signal says it. */
static const char *const reasons[WORKER_END_N] = {
	[WORKER_END_ASKED] = "as asked",
	[WORKER_END_OOM] = "out of memory (cgroup)",
	[WORKER_END_HANG] = "killed: event loop silent",
	[WORKER_END_MEMORY] = "replaced: used more memory than it may",
	[WORKER_END_NOT_READY] = "killed: not ready in time",
	[WORKER_END_RELAY] = "replaced: could not keep up with the other workers' messages",
	[WORKER_END_PROTOCOL] = "killed: broke the rules of its IPC channel",
	[WORKER_END_LEFT] = "left its cluster",
	[WORKER_END_STOPPED] = "killed: stopped by a signal",
	[WORKER_END_FORCED] = "killed: did not end within its stop timeout",
};

static int put_how(const struct death *d, char *dst, size_t size)
{
	char name[SIGNAL_NAME_SIZE];

	if (!has_signal(d))
		return snprintf(dst, size, "exit code %u", (unsigned)d->code & 0xff);
	signal_name(d, name);
	return snprintf(dst, size, "%s", name);
}

void report_death_text(const struct death *d, char dst[static REPORT_DEATH_TEXT])
{
	const char *what = d->reason < WORKER_END_N ? reasons[d->reason] : NULL;
	char lived[16], silent[16];
	int n;

	(void)report_age((double)d->lived_ms / 1000, lived);
	(void)report_age((double)d->silent_ms / 1000, silent);
	n = what ? snprintf(dst, REPORT_DEATH_TEXT, "%s", what)
		 : put_how(d, dst, REPORT_DEATH_TEXT);
	if (d->silent_ms)
		n += snprintf(dst + n, REPORT_DEATH_TEXT - (size_t)n, " for %s,", silent);
	(void)snprintf(dst + n, REPORT_DEATH_TEXT - (size_t)n, " after %s%s", lived,
		       d->was_ready ? "" : ", not ready yet");
}

static int put_end(const struct death *d, struct buf *out)
{
	char name[SIGNAL_NAME_SIZE];

	if (!has_signal(d))
		return buf_printf(out, "\"code\":%u,\"signal\":null", (unsigned)d->code & 0xff);
	signal_name(d, name);
	return buf_printf(out, "\"code\":null,\"signal\":\"%s\"", name);
}

int report_death_members(const struct death *d, uint64_t now_ms, struct buf *out)
{
	double ago_s = now_ms > d->at_ms ? (double)(now_ms - d->at_ms) / 1000 : 0;
	char text[REPORT_DEATH_TEXT];
	int r = buf_printf(out, "\"ago_s\":%.3f,\"slot\":%llu,\"pid\":%llu,\"reason\":\"%s\",",
			   ago_s, (unsigned long long)d->slot, (unsigned long long)d->pid,
			   worker_end_name(d->reason));

	report_death_text(d, text);
	r = r < 0 ? r : put_end(d, out);
	return r < 0
		   ? r
		   : buf_printf(out, ",\"lived_s\":%.3f,\"ready\":%s,\"text\":\"%s\"",
				(double)d->lived_ms / 1000, d->was_ready ? "true" : "false", text);
}

int report_json_deaths(const struct scoreboard *b, uint64_t now_ms, struct buf *out)
{
	struct death deaths[DEATHS_MAX];
	unsigned n = deaths_read(&b->deaths, deaths);
	int r = 0;

	for (unsigned i = 0; i < n && r == 0; i++) {
		r = buf_printf(out, i ? ",{" : "{");
		r = r < 0 ? r : report_death_members(&deaths[i], now_ms, out);
		r = r < 0 ? r : buf_printf(out, "}");
	}
	return r;
}
