/* Users and groups of this machine. What only root can do is skipped for others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init/system/credentials.h"

static char err[256];

static struct credentials resolve(const char *user, const char *group)
{
	struct credentials c;

	assert_int_equal(credentials_resolve(user, group, &c, err, sizeof(err)), 0);
	return c;
}

static void nothing_asked_nothing_changed(void **state)
{
	struct credentials c = resolve(NULL, NULL);
	char *env[CREDENTIALS_ENV_MAX];

	(void)state;
	assert_false(c.change);
	assert_int_equal(credentials_assume(&c), 0);
	credentials_env(&c, env);
	assert_null(env[0]);
	credentials_free(&c);
}

static void refuses_what_is_unknown(void **state)
{
	static const struct {
		const char *user, *group, *says;
	} wrong[] = {
		{ "no-such-user", NULL, "SIOINIT_USER=\"no-such-user\": no such user" },
		{ "no-such-user", "0", "SIOINIT_USER=\"no-such-user\": no such user" },
		{ "4294967295", "0", "no such user" },
		{ "54321", NULL,
		  "SIOINIT_USER=\"54321\" is not in /etc/passwd; set SIOINIT_GROUP" },
		{ NULL, "no-such-group", "SIOINIT_GROUP=\"no-such-group\": no such group" },
	};
	struct credentials c;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_true(
		    credentials_resolve(wrong[i].user, wrong[i].group, &c, err, sizeof(err)) < 0);
		assert_non_null(strstr(err, wrong[i].says));
	}
}

static void knows_a_user_by_name_and_number(void **state)
{
	const struct passwd *pw = getpwnam("nobody");
	uid_t uid;
	struct credentials c;
	char number[16], home[512];

	(void)state;
	if (geteuid() != 0 || !pw)
		skip();
	uid = pw->pw_uid;
	(void)snprintf(number, sizeof(number), "%u", (unsigned)uid);
	(void)snprintf(home, sizeof(home), "HOME=%s", pw->pw_dir);
	for (int i = 0; i < 2; i++) {
		char *env[CREDENTIALS_ENV_MAX];

		c = resolve(i ? number : "nobody", NULL);
		assert_true(c.change);
		assert_int_equal(c.uid, uid);
		assert_true(c.n_groups >= 1);
		credentials_env(&c, env);
		assert_string_equal(env[0], home);
		assert_string_equal(env[1], "USER=nobody");
		assert_string_equal(env[2], "LOGNAME=nobody");
		assert_null(env[3]);
		credentials_free(&c);
	}
}

/* In a child: there is no way back. */
static void becomes_them_for_good(void **state)
{
	struct credentials c;
	gid_t groups[2];
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	c = resolve("54321", "12345");
	pid = fork();
	if (pid == 0)
		_exit(credentials_assume(&c) != 0 || getuid() != 54321 || geteuid() != 54321 ||
		      getgid() != 12345 || getgroups(2, groups) != 1 || groups[0] != 12345 ||
		      setuid(0) == 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	credentials_free(&c);
}

/* Nothing is left of it afterwards. */
static void borrows_and_resumes(void **state)
{
	uid_t r, e, s;
	int ends[2];
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		char byte;

		close(ends[1]);
		_exit(setresuid(54321, 54321, 54321) < 0 || read(ends[0], &byte, 1) < 0);
	}
	close(ends[0]);
	while (getuid() == 0) /* until the child has changed */
		credentials_borrow(pid);
	assert_int_equal(getuid(), 54321);
	assert_int_equal(geteuid(), 0);
	credentials_resume();
	assert_int_equal(getresuid(&r, &e, &s), 0);
	assert_true(r == 0 && e == 0 && s == 0);
	credentials_borrow(getpid());
	assert_int_equal(getuid(), 0);
	close(ends[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void says_what_it_lacks(void **state)
{
	struct credentials c;
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	pid = fork();
	if (pid == 0) {
		bool fine = setresuid(54321, 54321, 54321) == 0;

		fine &= credentials_resolve("nobody", NULL, &c, err, sizeof(err)) < 0 &&
			strstr(err, "CAP_SETUID; it is uid 54321");
		fine &= credentials_resolve("54321", "0", &c, err, sizeof(err)) == 0 && !c.change;
		_exit(!fine);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void are_the_same_after_print_and_parse(void **state)
{
	gid_t groups[] = { 3, 4294967294u };
	struct credentials c = { .uid = 1, .gid = 2, .groups = groups, .n_groups = 2 }, read;
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	(void)state;
	assert_non_null(out);
	credentials_print(&c, out);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, "1:2:3,4294967294");
	assert_int_equal(credentials_parse(text, &read), 0);
	free(text);
	assert_true(read.change && read.uid == 1 && read.gid == 2 && read.n_groups == 2);
	assert_memory_equal(read.groups, groups, sizeof(groups));
	credentials_free(&read);
	assert_int_equal(credentials_parse("5:6:", &read), 0);
	assert_int_equal(read.n_groups, 0);
	credentials_free(&read);
}

static void ids_that_are_none_are_refused(void **state)
{
	static const char *const wrong[] = {
		"", "1", "1:", "a:2:3", "1:-2:3", "1:2:x", "1:2:3,,4", "1:2:4294967295", "1:2:3 4",
	};
	struct credentials c;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(credentials_parse(wrong[i], &c), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_asked_nothing_changed),
		cmocka_unit_test(refuses_what_is_unknown),
		cmocka_unit_test(knows_a_user_by_name_and_number),
		cmocka_unit_test(becomes_them_for_good),
		cmocka_unit_test(borrows_and_resumes),
		cmocka_unit_test(says_what_it_lacks),
		cmocka_unit_test(are_the_same_after_print_and_parse),
		cmocka_unit_test(ids_that_are_none_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
