/* futex(2), as in Drepper's "Futexes are tricky", with the holder's process id for its state, so
 * that who waits sees whether the holder still lives. Not pthread's robust mutex: that keeps the
 * list of its holder's locks in the memory itself, and another process could bend it.
 *
 * A lock is held for microseconds, so waiting is rare; a holder that is stopped keeps the others
 * for as long as PATIENCE lasts, once. */
#include "ipc/shared_lock.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/ban.h"

enum { SPINS = 100, WAIT_NS = 1000000, PRICE_OF_WAIT = 100, PATIENCE = 1000 * PRICE_OF_WAIT };

static const uint32_t WAITED_FOR = 1u << 31;

static bool change(struct shared_lock *l, uint32_t from, uint32_t to)
{
	return atomic_compare_exchange_strong_explicit(&l->word, &from, to, memory_order_acq_rel,
						       memory_order_relaxed);
}

/* True: nothing happened in that time. */
static bool wait_for_change(struct shared_lock *l, uint32_t from)
{
	struct timespec most = { .tv_nsec = WAIT_NS };

	return syscall(SYS_futex, &l->word, FUTEX_WAIT, from, &most, NULL, 0) < 0 &&
	       errno == ETIMEDOUT;
}

/* A process that was killed counts until it is reaped. */
static bool is_gone(uint32_t holder)
{
	return kill((pid_t)holder, 0) < 0 && errno == ESRCH;
}

static int wait_and_take(struct shared_lock *l, uint32_t self)
{
	uint32_t mine = self | WAITED_FOR;

	for (int patience = PATIENCE; patience > 0; patience--) {
		uint32_t seen = atomic_load_explicit(&l->word, memory_order_relaxed);
		uint32_t holder = seen & ~WAITED_FOR;

		if (holder == 0) {
			if (change(l, seen, mine))
				return 0;
		} else if (holder == self || is_gone(holder)) {
			if (change(l, seen, mine))
				return SHARED_LOCK_INHERITED;
		} else if (seen & WAITED_FOR || change(l, seen, seen | WAITED_FOR)) {
			if (wait_for_change(l, seen | WAITED_FOR))
				patience -= PRICE_OF_WAIT;
		}
	}
	atomic_store_explicit(&l->word, mine, memory_order_seq_cst);
	return SHARED_LOCK_INHERITED;
}

int shared_lock_take(struct shared_lock *l, pid_t self)
{
	for (int i = 0; i < SPINS; i++)
		if (change(l, 0, (uint32_t)self))
			return 0;
	return wait_and_take(l, (uint32_t)self);
}

void shared_lock_release(struct shared_lock *l, pid_t self)
{
	if (change(l, (uint32_t)self, 0))
		return;
	if (change(l, (uint32_t)self | WAITED_FOR, 0))
		(void)syscall(SYS_futex, &l->word, FUTEX_WAKE, 1, NULL, NULL, 0);
}
