/* The session table: bounded, renewed by use, and alive when the router that wrote it is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/sealed.h"
#include "ipc/session_memory.h"
#include "router/session/table.h"

static struct sessions *fresh(uint32_t max)
{
	struct sessions *s = NULL;

	assert_int_equal(sessions_open(session_memory_create(max), max, &s), 0);
	return s;
}

static void put(struct sessions *s, const char *sid, uint32_t worker)
{
	sessions_put(s, str_of(sid), worker, 1000, 0);
}

static void remembers_and_forgets(void **state)
{
	struct sessions *s = fresh(16);

	(void)state;
	put(s, "a", 1);
	put(s, "b", 2);
	put(s, "a", 3);
	assert_int_equal(sessions_find(s, STR("a"), 1), 3);
	assert_int_equal(sessions_find(s, STR("b"), 1), 2);
	assert_int_equal(sessions_find(s, STR("c"), 1), 0);
	assert_int_equal(sessions_count(s), 2);
	assert_int_equal(sessions_count_worker(s, 3), 1);
	sessions_remove(s, STR("a"));
	sessions_remove(s, STR("unknown"));
	assert_int_equal(sessions_find(s, STR("a"), 1), 0);
	assert_false(sessions_was_lost(s, STR("b")));
	sessions_remove_worker(s, 2);
	assert_int_equal(sessions_count(s), 0);
	assert_true(sessions_was_lost(s, STR("b")));
	assert_false(sessions_was_lost(s, STR("a")));
	sessions_close(s);
}

static void use_renews(void **state)
{
	struct sessions *s = fresh(16);

	(void)state;
	put(s, "a", 1);
	put(s, "b", 1);
	assert_int_equal(sessions_find(s, STR("a"), 900), 1);
	assert_int_equal(sessions_find(s, STR("a"), 1800), 1);
	assert_int_equal(sessions_find(s, STR("b"), 1800), 0);
	sessions_expire(s, 1801);
	assert_int_equal(sessions_count(s), 1);
	sessions_expire(s, 5000);
	assert_int_equal(sessions_count(s), 0);
	sessions_close(s);
}

static void the_least_recently_used_makes_room(void **state)
{
	struct sessions *s = fresh(100);
	char sid[32];

	(void)state;
	for (int i = 0; i < 100; i++) {
		(void)snprintf(sid, sizeof(sid), "sid-%d", i);
		put(s, sid, 1);
	}
	assert_int_equal(sessions_find(s, STR("sid-0"), 1), 1);
	put(s, "new", 2);
	assert_int_equal(sessions_count(s), 100);
	assert_int_equal(sessions_find(s, STR("sid-0"), 1), 1);
	assert_int_equal(sessions_find(s, STR("sid-1"), 1), 0);
	assert_int_equal(sessions_find(s, STR("new"), 1), 2);
	sessions_close(s);
}

static void the_next_router_finds_everything(void **state)
{
	int fd = session_memory_create(64);
	char longest[SID_MAX];
	struct sessions *s = NULL, *killed;

	(void)state;
	memset(longest, 'x', sizeof(longest));
	assert_int_equal(sessions_open(dup(fd), 64, &s), 0);
	for (int i = 0; i < 40; i++) {
		char sid[32];

		(void)snprintf(sid, sizeof(sid), "s%d", i);
		put(s, sid, 1 + (uint32_t)(i % 3));
	}
	sessions_put(s, (struct str){ longest, sizeof(longest) }, 9, 500, 0);
	sessions_remove(s, STR("s7"));
	killed = s; /* without sessions_close() */
	assert_int_equal(sessions_open(fd, 64, &s), 0);
	assert_int_equal(sessions_count(s), 40);
	assert_int_equal(sessions_find(s, STR("s5"), 600), 3);
	assert_int_equal(sessions_find(s, STR("s7"), 600), 0);
	assert_int_equal(sessions_find(s, (struct str){ longest, sizeof(longest) }, 600), 0);
	put(s, "again", 4);
	assert_int_equal(sessions_count(s), 40);
	sessions_close(s);
	sessions_close(killed);
}

static void nobody_can_resize_the_memory(void **state)
{
	int fd = session_memory_create(64);
	char path[64];
	struct stat st;

	(void)state;
	assert_int_equal(fstat(fd, &st), 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(truncate(path, st.st_size + 1), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	assert_int_equal(errno, EPERM);
	(void)close(fd);
}

static void what_can_be_resized_is_not_mapped(void **state)
{
	size_t size = session_layout(64).size;
	int fd = memfd_create("t", MFD_ALLOW_SEALING);
	struct sessions *s = NULL;

	(void)state;
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(sessions_open(fd, 64, &s), -EINVAL);
}

static void another_size_is_another_table(void **state)
{
	int fd = session_memory_create(64);
	struct sessions *s = NULL, *other = NULL;

	(void)state;
	assert_int_equal(sessions_open(dup(fd), 64, &s), 0);
	assert_int_equal(sessions_open(fd, 6400, &other), -EINVAL);
	sessions_close(s);
}

/* Several routers */

enum {
	STABLE = 40,     /* sessions that nobody touches but to find them */
	TABLE = 64,      /* so that those of the writers push each other out */
	ROUNDS = 60,     /* of killing a writer at any moment */
	STEPS_MAX = 3000 /* instructions of one update, at most */
};

static void name_stable(int i, char dst[static 32])
{
	(void)snprintf(dst, 32, "stable-%d", i);
}

static void put_stable(struct sessions *s)
{
	char sid[32];

	for (int i = 0; i < STABLE; i++) {
		name_stable(i, sid);
		sessions_put(s, str_of(sid), 1 + (uint32_t)(i % 3), 1000000, 0);
	}
}

/* Finding them also keeps them from being the least recently used. */
static void assert_stable(struct sessions *s)
{
	char sid[32];

	for (int i = 0; i < STABLE; i++) {
		name_stable(i, sid);
		assert_int_equal(sessions_find(s, str_of(sid), 1), 1 + (uint32_t)(i % 3));
	}
}

/* Everything that the table counts can be found, and it holds as many as it should. */
static void assert_whole(struct sessions *s)
{
	char sid[32];
	uint32_t of[4] = { 0 };

	for (int i = 0; i < STABLE; i++)
		of[1 + i % 3]++;
	assert_stable(s);
	sessions_remove_worker(s, 7);
	assert_int_equal(sessions_count(s), STABLE);
	for (uint32_t w = 1; w <= 3; w++)
		assert_int_equal(sessions_count_worker(s, w), of[w]);
	for (int i = 0; i < TABLE - STABLE; i++) {
		(void)snprintf(sid, sizeof(sid), "fill-%d", i);
		put(s, sid, 8);
	}
	assert_int_equal(sessions_count(s), TABLE);
	assert_int_equal(sessions_count_worker(s, 8), TABLE - STABLE);
	assert_stable(s);
	sessions_remove_worker(s, 8);
	assert_int_equal(sessions_count(s), STABLE);
}

/* Some updates of every kind, by @seed. */
static void update(struct sessions *s, uint32_t seed)
{
	char sid[32];

	for (uint32_t i = 0; i < 16; i++) {
		(void)snprintf(sid, sizeof(sid), "w-%u", (seed * 7 + i) % 23);
		put(s, sid, 7);
		(void)sessions_find(s, str_of(sid), 1);
		if (i % 3 == 0)
			sessions_remove(s, str_of(sid));
	}
}

static struct sessions *open_copy(int fd)
{
	struct sessions *s = NULL;

	assert_int_equal(sessions_open(dup(fd), TABLE, &s), 0);
	return s;
}

static _Noreturn void write_for_ever(int fd, int ready)
{
	struct sessions *s = open_copy(fd);

	for (uint32_t seed = 0;; seed++) {
		update(s, seed);
		assert_stable(s);
		if (seed == 0)
			(void)!write(ready, "", 1);
	}
}

static pid_t fork_writer(int fd, int ready)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		write_for_ever(fd, ready);
	}
	return pid;
}

static void reap(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void what_one_learns_the_other_knows(void **state)
{
	int fd = session_memory_create(TABLE);
	struct sessions *a = open_copy(fd), *b = open_copy(fd);

	(void)state;
	put(a, "by-a", 1);
	assert_int_equal(sessions_find(b, STR("by-a"), 1), 1);
	sessions_remove(b, STR("by-a"));
	assert_int_equal(sessions_find(a, STR("by-a"), 1), 0);
	put(b, "by-b", 2);
	assert_int_equal(sessions_count_worker(a, 2), 1);
	sessions_close(a);
	sessions_close(b);
	(void)close(fd);
}

/* Three that write, one of which is killed at any moment and replaced, while we read. */
static void writers_that_are_killed_break_nothing(void **state)
{
	int fd = session_memory_create(TABLE), ready[2];
	struct sessions *s = open_copy(fd);
	pid_t writers[3];
	char byte;

	(void)state;
	put_stable(s);
	assert_int_equal(pipe(ready), 0);
	for (int i = 0; i < 3; i++)
		writers[i] = fork_writer(fd, ready[1]);
	for (int i = 0; i < ROUNDS; i++) {
		pid_t *victim = &writers[i % 3];

		assert_int_equal(read(ready[0], &byte, 1), 1);
		for (int n = 0; n < i; n++)
			assert_stable(s);
		(void)kill(*victim, SIGKILL);
		reap(*victim);
		*victim = fork_writer(fd, ready[1]);
	}
	for (int i = 0; i < 3; i++) {
		(void)kill(writers[i], SIGKILL);
		reap(writers[i]);
	}
	assert_whole(s);
	sessions_close(s);
	(void)close(ready[0]);
	(void)close(ready[1]);
	(void)close(fd);
}

/* A child that stops before the update and ends after it. */
static pid_t fork_traced(int fd)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct sessions *s = open_copy(fd);

		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(77);
		(void)raise(SIGSTOP);
		update(s, 1);
		_exit(0);
	}
	return pid;
}

/* False: it has ended. */
static bool single_step(pid_t pid, unsigned n)
{
	int status = 0;

	while (n-- > 0) {
		if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) < 0 ||
		    waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
			return false;
	}
	return true;
}

static void any_instruction_may_be_the_last(void **state)
{
	int fd = session_memory_create(TABLE), status;
	struct sessions *s = open_copy(fd);

	(void)state;
	put_stable(s);
	update(s, 0); /* the table has free slots and used ones */
	for (unsigned n = 0; n < STEPS_MAX; n += 1 + n / 24) {
		pid_t pid = fork_traced(fd);

		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status)) /* ptrace is not allowed here */
			skip();
		assert_true(single_step(pid, n));
		(void)kill(pid, SIGKILL);
		reap(pid);
		assert_whole(s);
		update(s, n);
	}
	sessions_close(s);
	(void)close(fd);
}

/* Who repairs may die as well. */
static void the_repair_may_be_cut_short(void **state)
{
	int fd = session_memory_create(TABLE), status;
	struct sessions *s = open_copy(fd);

	(void)state;
	put_stable(s);
	for (unsigned n = 200; n < STEPS_MAX; n += n / 6) {
		pid_t first = fork_traced(fd), second;

		assert_int_equal(waitpid(first, &status, 0), first);
		if (WIFEXITED(status))
			skip();
		assert_true(single_step(first, n / 2));
		second = fork_traced(fd);
		assert_int_equal(waitpid(second, &status, 0), second);
		(void)kill(first, SIGKILL);
		reap(first);
		assert_true(single_step(second, n));
		(void)kill(second, SIGKILL);
		reap(second);
		assert_whole(s);
	}
	sessions_close(s);
	(void)close(fd);
}

/* Many sessions */

enum { MANY = 262144 };

/* Others wait for the lock meanwhile, so it is never held for long. */
static void a_dead_worker_is_removed_a_part_at_a_time(void **state)
{
	struct sessions *s = fresh(MANY);
	uint32_t left;
	char sid[32];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(sid, sizeof(sid), "many-%d", i);
		put(s, sid, i % 4 ? 1 : 2);
	}
	left = sessions_count_worker(s, 1);
	sessions_remove_worker(s, 1);
	assert_in_range(left - sessions_count_worker(s, 1), 1, SESSIONS_SWEEP);
	(void)snprintf(sid, sizeof(sid), "many-%d", MANY - 1);
	assert_int_equal(sessions_find(s, str_of(sid), 1), 0);
	sessions_remove_worker(s, 2);
	do {
		left = sessions_count(s);
		(void)snprintf(sid, sizeof(sid), "next-%u", left);
		put(s, sid, 3);
		(void)sessions_sweep(s);
		assert_in_range(left + 1 - sessions_count(s), 0, SESSIONS_SWEEP);
	} while (sessions_count_worker(s, 1) + sessions_count_worker(s, 2) > 0);
	while (sessions_sweep(s))
		;
	assert_int_equal(sessions_count(s), sessions_count_worker(s, 3));
	(void)snprintf(sid, sizeof(sid), "next-%u", left);
	assert_int_equal(sessions_find(s, str_of(sid), 1), 3);
	sessions_close(s);
}

/* More than can wait. */
static void many_dead_workers_are_removed(void **state)
{
	enum { WORKERS = 40 };
	struct sessions *s = fresh(MANY);
	char sid[32];

	(void)state;
	for (int i = 0; i < 100 * WORKERS; i++) {
		(void)snprintf(sid, sizeof(sid), "many-%d", i);
		put(s, sid, 1 + (uint32_t)(i % WORKERS));
	}
	for (uint32_t w = 1; w <= WORKERS; w++)
		sessions_remove_worker(s, w);
	assert_int_equal(sessions_find(s, str_of(sid), 1), 0);
	while (sessions_sweep(s))
		;
	assert_int_equal(sessions_count(s), 0);
	sessions_close(s);
}

/* A router that writes anything */

enum { SMALL = 32, SEEDS = 300 };

static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Some words get a random value, a small one, or that of all bits. */
static void scribble(char *memory, size_t from, size_t to, unsigned n, uint64_t *seed)
{
	for (unsigned i = 0; i < n; i++) {
		size_t at =
		    from + next_random(seed) % ((to - from) / sizeof(uint32_t)) * sizeof(uint32_t);
		uint32_t kinds[] = { (uint32_t)next_random(seed),
				     (uint32_t)(next_random(seed) % (2 * SMALL)), UINT32_MAX };
		uint32_t word = kinds[next_random(seed) % 3];

		memcpy(memory + at, &word, sizeof(word));
	}
}

static void use_all(struct sessions *s, uint64_t *seed)
{
	for (int i = 0; i < 8; i++) {
		update(s, (uint32_t)next_random(seed));
		sessions_remove_worker(s, 1 + (uint32_t)(next_random(seed) % 8));
		sessions_expire(s, next_random(seed) % 2000);
		(void)sessions_count(s);
	}
}

/* Everything that the table is for works again, with what it is given from then on. */
static void assert_works(struct sessions *s)
{
	char sid[32];

	for (int i = 0; i < SMALL; i++) {
		(void)snprintf(sid, sizeof(sid), "sound-%d", i);
		sessions_put(s, str_of(sid), 9, 1000000, 0);
		assert_int_equal(sessions_find(s, str_of(sid), 1), 9);
	}
}

static void what_is_written_over_costs_sessions_at_worst(void **state)
{
	struct session_layout at = session_layout(SMALL);
	size_t counters = offsetof(struct session_table, per_worker);

	(void)state;
	for (uint64_t round = 1; round <= SEEDS; round++) {
		uint64_t seed = round * 0x9e3779b97f4a7c15u;
		int fd = session_memory_create(SMALL);
		char *memory = sealed_map(fd, at.size);
		struct sessions *s = NULL;

		assert_non_null(memory);
		assert_int_equal(sessions_open(fd, SMALL, &s), 0);
		use_all(s, &seed);
		for (int i = 0; i < 4; i++) {
			scribble(memory, sizeof(struct shared_lock), counters, 2, &seed);
			scribble(memory, at.slots, at.links, 200, &seed);
			scribble(memory, at.links, at.buckets, 20, &seed);
			scribble(memory, at.buckets, at.size, 200, &seed);
			use_all(s, &seed);
			assert_works(s);
		}
		sessions_close(s);
		assert_int_equal(munmap(memory, at.size), 0);
	}
}

static void nothing_but_ones_costs_sessions_at_worst(void **state)
{
	struct session_layout at = session_layout(SMALL);
	int fd = session_memory_create(SMALL);
	char *memory = sealed_map(fd, at.size);
	struct sessions *s = NULL;
	uint64_t seed = 1;

	(void)state;
	assert_int_equal(sessions_open(fd, SMALL, &s), 0);
	memset(memory, 0xff, at.size);
	use_all(s, &seed);
	assert_works(s);
	sessions_close(s);
	assert_int_equal(munmap(memory, at.size), 0);
}

/* As one that is stopped in the middle of an update. */
static void a_lock_that_is_not_released_is_taken_over(void **state)
{
	struct session_layout at = session_layout(SMALL);
	int fd = session_memory_create(SMALL);
	struct session_table *t = sealed_map(fd, at.size);
	struct sessions *s = NULL;

	(void)state;
	assert_int_equal(sessions_open(fd, SMALL, &s), 0);
	put(s, "a", 1);
	atomic_store(&t->lock.word, (uint32_t)getppid());
	assert_int_equal(sessions_find(s, STR("a"), 1), 1);
	put(s, "b", 2);
	assert_int_equal(sessions_find(s, STR("b"), 1), 2);
	sessions_close(s);
	assert_int_equal(munmap(t, at.size), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(remembers_and_forgets),
		cmocka_unit_test(use_renews),
		cmocka_unit_test(the_least_recently_used_makes_room),
		cmocka_unit_test(the_next_router_finds_everything),
		cmocka_unit_test(another_size_is_another_table),
		cmocka_unit_test(nobody_can_resize_the_memory),
		cmocka_unit_test(what_can_be_resized_is_not_mapped),
		cmocka_unit_test(what_is_written_over_costs_sessions_at_worst),
		cmocka_unit_test(a_dead_worker_is_removed_a_part_at_a_time),
		cmocka_unit_test(many_dead_workers_are_removed),
		cmocka_unit_test(nothing_but_ones_costs_sessions_at_worst),
		cmocka_unit_test(a_lock_that_is_not_released_is_taken_over),
		cmocka_unit_test(what_one_learns_the_other_knows),
		cmocka_unit_test(writers_that_are_killed_break_nothing),
		cmocka_unit_test(any_instruction_may_be_the_last),
		cmocka_unit_test(the_repair_may_be_cut_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
