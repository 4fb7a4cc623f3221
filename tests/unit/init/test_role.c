/* What another process of ours, a router, is told by its environment, and what it is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "init/system/credentials.h"
#include "init/system/role.h"
#include "settings/config.h"

static char **env;

static void make(char *const *ours, const struct credentials *ids)
{
	static char *const argv[] = { "sioinit", "x", NULL };
	static struct config config;
	enum config_action action;
	char err[256], **before = environ;

	assert_int_equal(config_load(2, argv, ours, &config, &action, err, sizeof(err)), 0);
	environ = (char **)ours;
	env = role_env("router", &config, ids, 7);
	environ = before;
	config_free(&config);
	assert_non_null(env);
}

static bool has(const char *entry)
{
	for (char **e = env; *e; e++)
		if (strcmp(*e, entry) == 0)
			return true;
	return false;
}

static bool mentions(const char *name)
{
	for (char **e = env; *e; e++)
		if (strstr(*e, name))
			return true;
	return false;
}

static void settings_and_little_else(void **state)
{
	char *ours[] = { "SECRET=x",
			 "PATH=/bin",
			 "SIOINIT_PORT=81",
			 "SIOINIT_PRE_START=PGPASSWORD=secret migrate",
			 "SIOINIT_SIDECAR_A=ship --key secret",
			 "JOURNAL_STREAM=1:2",
			 "NODE_OPTIONS=--inspect",
			 NULL };

	(void)state;
	make(ours, &(struct credentials){ .change = false });
	assert_true(has("SIOINIT_PORT=81"));
	assert_true(has("SIOINIT_BALANCE=least-sessions"));
	assert_true(has("SIOINIT_ROLE=router"));
	assert_true(has("SIOINIT_ROLE_FD=7"));
	assert_true(has("JOURNAL_STREAM=1:2"));
	assert_false(mentions("SECRET") || has("PATH=/bin") || mentions("NODE_OPTIONS") ||
		     mentions("secret") || mentions("SIOINIT_IDS"));
	free(env);
}

static void whom_it_becomes(void **state)
{
	char *ours[] = { NULL };
	gid_t groups[] = { 3, 4 };
	struct credentials ids = {
		.change = true, .uid = 1, .gid = 2, .groups = groups, .n_groups = 2
	};

	(void)state;
	make(ours, &ids);
	assert_true(has("SIOINIT_IDS=1:2:3,4"));
	free(env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_and_little_else),
		cmocka_unit_test(whom_it_becomes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
