/* The session table: which worker holds which Engine.IO session. Bounded, least recently used out
 * first.
 *
 * It lives in a memfd that init keeps and that all routers map: what one of them learns, the others
 * know at once, and it outlives them. A router may be killed in the middle of an update: the next
 * one that asks makes the index again from the sessions that are complete, so at worst the one
 * session that was being written is forgotten. What a router that goes wrong writes there costs
 * sessions, and nothing else. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct sessions;

/* Maps @fd, which session_memory_create() has made for @max sessions (consumed always). 0 and *ret,
 * or -errno; -EINVAL: it is for another number. */
int sessions_open(int fd, uint32_t max, struct sessions **ret);
void sessions_close(struct sessions *s);

/* The worker that holds @sid, or 0. Renews the session. */
uint32_t sessions_find(struct sessions *s, struct str sid, uint64_t now_ms);

/* Remembers @sid (1 to SID_MAX bytes) until it has not been asked for during @idle_ms. When the
 * table is full the least recently used session makes room. */
void sessions_put(struct sessions *s, struct str sid, uint32_t worker, uint32_t idle_ms,
		  uint64_t now_ms);
void sessions_remove(struct sessions *s, struct str sid);

/* Slots that are looked at while the lock is held: 0.1 ms. */
enum { SESSIONS_SWEEP = 512 };

/* Forgets every session of a worker that is dead: sessions_find() knows them no more. They are
 * removed by sessions_sweep(), the first SESSIONS_SWEEP slots at once. */
void sessions_remove_worker(struct sessions *s, uint32_t worker);

/* Whether @sid, which sessions_find() does not know, is remembered to have been a dead worker's.
 * Some thousands are, for statistics: a few answers are wrong. */
bool sessions_was_lost(const struct sessions *s, struct str sid);

/* Removes some of what dead workers have left. True: there is more, so call again, in another turn
 * of the loop. */
bool sessions_sweep(struct sessions *s);

/* Sessions held, and held by one worker, expired ones excluded as far as sessions_expire() has seen
 * them. */
uint32_t sessions_count(const struct sessions *s);
uint32_t sessions_count_worker(const struct sessions *s, uint32_t worker);
/* Another number than before: calls of these functions may have changed the counts in between; what
 * other routers change is not in it. */
uint32_t sessions_changes(const struct sessions *s);

/* Drops what has expired, at most some hundred a call; cheap when nothing has. */
void sessions_expire(struct sessions *s, uint64_t now_ms);
