/* The memory of the session table: init makes it, routers keep sessions in it
 * (router/session/table.c).
 *
 * A table, then slots, links, buckets, each from a page of its own. All is zeros at first, which is
 * an empty table. Whatever is in it may have been written by a process that went wrong, so an index
 * is one only when it has been compared with .n_slots. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "ipc/shared_lock.h"

enum { SID_MAX = 256, SESSION_WORKERS = 65536, SESSION_LOST = 16384 };

struct session_slot {
	_Atomic uint32_t committed; /* a mark, or 0: free */
	_Atomic uint32_t worker;
	uint32_t idle_ms;
	_Atomic uint32_t len;
	uint64_t expires_ms;
	char sid[SID_MAX];
};

/* Bookkeeping of a slot: indices of slots. Slot 0 is never used, so that 0 means none. */
struct session_link {
	_Atomic uint32_t chain;        /* next with the same hash bucket, or next free */
	_Atomic uint32_t newer, older; /* order of use */
};

struct session_table {
	struct shared_lock lock;
	_Atomic uint32_t n_touched; /* slots 1..n_touched have been in use */
	_Atomic uint32_t newest, oldest, free_head;
	/* read without the lock */
	_Atomic uint32_t n_used;
	_Atomic uint32_t per_worker[SESSION_WORKERS]; /* by id modulo: live workers would share one
							 only if 65536 starts lay between theirs */
	/* of sessions whose workers have ended: hashes, each at its place until another one comes
	   there */
	_Atomic uint32_t lost[SESSION_LOST];
};

/* Where everything is. */
struct session_layout {
	uint32_t n_slots, n_buckets;        /* with slot 0; a power of two */
	size_t slots, links, buckets, size; /* in bytes from the start */
};

/* For @max sessions, at most INT32_MAX. */
struct session_layout session_layout(uint32_t max);

/* The memory, to be mapped with sealed_map(): a descriptor owned by the caller, or -errno. */
int session_memory_create(uint32_t max);
