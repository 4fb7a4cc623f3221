/* A lock in memory that processes share and that any of them may damage: who waits for it never
 * follows a pointer and never waits for ever. Zero is an open lock. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

struct shared_lock {
	_Atomic uint32_t word; /* the holder's process id, the highest bit: somebody waits; or 0 */
};

/* What it guards may be half done: the last holder has died, or has not released it within the
 * second or so that its successor waits. */
enum { SHARED_LOCK_INHERITED = 1 };

/* @self is the caller's process id. 0 or SHARED_LOCK_INHERITED; it is the caller's in both cases.
 */
int shared_lock_take(struct shared_lock *l, pid_t self);

/* Nothing happens when it was taken away from @self. */
void shared_lock_release(struct shared_lock *l, pid_t self);
