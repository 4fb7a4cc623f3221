/* Why workers end: the words of /metrics and of what is told of the dead. */
#pragma once

#include <stdint.h>

enum worker_end_reason {
	WORKER_END_ASKED,     /* as it was told: by a reload, a scale, the stop */
	WORKER_END_EXIT,      /* by itself */
	WORKER_END_SIGNAL,    /* by a signal that is not ours: a crash, or somebody's kill */
	WORKER_END_OOM,       /* killed by the kernel for memory */
	WORKER_END_HANG,      /* killed: it had shown no sign of life for hang-timeout */
	WORKER_END_MEMORY,    /* replaced: more than max-memory, or the container's was short */
	WORKER_END_NOT_READY, /* killed: not ready within ready-timeout */
	WORKER_END_RELAY,     /* drained or killed: it had left the relay, being behind */
	WORKER_END_PROTOCOL,  /* killed: it broke the rules of its IPC channel */
	WORKER_END_LEFT,      /* it had closed its server for good, or left its IPC channel */
	WORKER_END_STOPPED,   /* killed: a signal such as SIGSTOP had stopped it for hang-timeout */
	WORKER_END_FORCED,    /* told to stop, and killed since it did not within stop-timeout */
	WORKER_END_N,
};

/* "asked", "exit", ..., "not-ready"; "unknown" for what is none of them. Static text. */
const char *worker_end_name(uint64_t reason);
