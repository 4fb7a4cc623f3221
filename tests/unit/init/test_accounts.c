/* This machine's own users and groups, all of /etc/passwd and /etc/group, compared with libc's
 * answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "init/system/accounts.h"

enum { GROUPS_MAX = 64 };

static void assert_groups(const struct passwd *p)
{
	gid_t wanted[GROUPS_MAX], *got;
	int n_wanted = GROUPS_MAX;
	size_t n;

	assert_true(getgrouplist(p->pw_name, p->pw_gid, wanted, &n_wanted) >= 0);
	assert_int_equal(account_groups(p->pw_name, p->pw_gid, &got, &n), 0);
	assert_int_equal(n, n_wanted);
	assert_memory_equal(got, wanted, n * sizeof(*got));
	free(got);
}

static void knows_every_user(void **state)
{
	FILE *f = fopen("/etc/passwd", "re");
	const struct passwd *p;
	struct account a;

	(void)state;
	while (f && (p = fgetpwent(f))) {
		assert_int_equal(account_by_name(p->pw_name, &a), 0);
		assert_string_equal(a.name, p->pw_name);
		assert_string_equal(a.home, p->pw_dir);
		assert_int_equal(a.uid, p->pw_uid);
		assert_int_equal(a.gid, p->pw_gid);
		assert_int_equal(account_by_uid(p->pw_uid, &a), 0);
		assert_int_equal(a.uid, p->pw_uid);
		assert_groups(p);
	}
	if (f)
		(void)fclose(f);
}

static void knows_every_group(void **state)
{
	FILE *f = fopen("/etc/group", "re");
	const struct group *g;
	gid_t gid;

	(void)state;
	while (f && (g = fgetgrent(f))) {
		assert_int_equal(account_group(g->gr_name, &gid), 0);
		assert_int_equal(gid, g->gr_gid);
	}
	if (f)
		(void)fclose(f);
}

static void knows_who_is_not_there(void **state)
{
	struct account a = { .uid = 7 };
	gid_t gid = 7;

	(void)state;
	assert_int_equal(account_by_name("no such user", &a), -ENOENT);
	assert_int_equal(account_by_name("", &a), -ENOENT);
	assert_int_equal(account_by_uid(4000000000u, &a), -ENOENT);
	assert_int_equal(account_group("no such group", &gid), -ENOENT);
	assert_int_equal(a.uid + gid, 14);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_every_user),
		cmocka_unit_test(knows_every_group),
		cmocka_unit_test(knows_who_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
