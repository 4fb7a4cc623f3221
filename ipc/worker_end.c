/* Names. See worker_end.h. */
#include "ipc/worker_end.h"

#include "base/ban.h"

const char *worker_end_name(uint64_t reason)
{
	static const char *const names[WORKER_END_N] = {
		[WORKER_END_ASKED] = "asked",         [WORKER_END_EXIT] = "exit",
		[WORKER_END_SIGNAL] = "signal",       [WORKER_END_OOM] = "oom",
		[WORKER_END_HANG] = "hang",           [WORKER_END_MEMORY] = "memory",
		[WORKER_END_NOT_READY] = "not-ready", [WORKER_END_RELAY] = "relay",
		[WORKER_END_PROTOCOL] = "protocol",   [WORKER_END_LEFT] = "left",
		[WORKER_END_STOPPED] = "stopped",     [WORKER_END_FORCED] = "forced",
	};

	return reason < WORKER_END_N ? names[reason] : "unknown";
}
