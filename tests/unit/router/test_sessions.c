/* The session table: bounded, renewed by use, and alive when the router that wrote it is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "router/sessions.h"
#include "router/sid.h"

static struct sessions *fresh(uint32_t max)
{
	struct sessions *s = NULL;

	assert_int_equal(sessions_open(memfd_create("t", 0), max, 0, &s), 0);
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
	sessions_remove_worker(s, 2);
	assert_int_equal(sessions_count(s), 0);
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
	int fd = memfd_create("t", 0);
	char longest[SID_MAX];
	struct sessions *s = NULL, *killed;

	(void)state;
	memset(longest, 'x', sizeof(longest));
	assert_int_equal(sessions_open(dup(fd), 64, 0, &s), 0);
	for (int i = 0; i < 40; i++) {
		char sid[16];

		(void)snprintf(sid, sizeof(sid), "s%d", i);
		put(s, sid, 1 + (uint32_t)(i % 3));
	}
	sessions_put(s, (struct str){ longest, sizeof(longest) }, 9, 500, 0);
	sessions_remove(s, STR("s7"));
	killed = s; /* without sessions_close() */
	assert_int_equal(sessions_open(fd, 64, 600, &s), 0);
	assert_int_equal(sessions_count(s), 39);
	assert_int_equal(sessions_find(s, STR("s5"), 600), 3);
	assert_int_equal(sessions_find(s, STR("s7"), 600), 0);
	assert_int_equal(sessions_find(s, (struct str){ longest, sizeof(longest) }, 600), 0);
	put(s, "again", 4);
	assert_int_equal(sessions_count(s), 40);
	sessions_close(s);
	sessions_close(killed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(remembers_and_forgets),
		cmocka_unit_test(use_renews),
		cmocka_unit_test(the_least_recently_used_makes_room),
		cmocka_unit_test(the_next_router_finds_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
