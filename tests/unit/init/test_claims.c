/* Who starts the app, what Node is told, who is above a process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "init/system/parent.h"
#include "init/worker/claim_script.h"
#include "init/worker/starters.h"

static void knows_starters(void **state)
{
	static const char *const starters[] = {
		"/app/node_modules/tsx/dist/cli.mjs",
		"/app/node_modules/.pnpm/tsx@4.19.2/node_modules/tsx/dist/cli.mjs",
		"/usr/lib/node_modules/nodemon/bin/nodemon.js",
		"/app/node_modules/@nestjs/cli/bin/nest.js",
		"/usr/share/nodejs/npm/bin/npm-cli.js",
		"/opt/yarn-v1.22.22/bin/yarn.js",
		"/app/.yarn/releases/yarn-4.5.0.cjs",
	};
	static const char *const others[] = {
		"/app/server.js",
		"/app/nodemon.js",
		"/app/node_modules/next/dist/bin/next",
		"/app/npm/server.js",
		"/app/node_modules/tsx-like/cli.js",
		"/app/node_modules/@nx/js/run.js",
		"server.js",
		"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(starters); i++)
		assert_true(starters_have(starters[i]));
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_false(starters_have(others[i]));
}

#define WORDS(...) ((char *[]){ __VA_ARGS__, NULL })

static void reads_the_options_of_node(void **state)
{
	(void)state;
	assert_true(starters_run_by(WORDS("node", "--watch", "a.js")));
	assert_true(starters_run_by(WORDS("node", "--inspect", "--watch-path=src", "a.js")));
	assert_true(starters_run_by(WORDS("node", "--run", "start")));
	assert_false(starters_run_by(WORDS("node", "a.js", "--watch")));
	assert_false(starters_run_by(WORDS("node", "--import", "tsx", "a.ts")));
	assert_false(starters_run_by(WORDS("node", "-r")));
	assert_false(starters_run_by(WORDS("node")));
}

static void tells_node(void **state)
{
	char name[CLAIM_NAME_LEN + 1], *alone, *behind;

	(void)state;
	claim_name(name);
	assert_int_equal(strlen(name), CLAIM_NAME_LEN);
	alone = claim_node_options(NULL, name, 18);
	behind = claim_node_options("--max-old-space-size=64", name, 18);
	assert_non_null(strstr(alone, name));
	assert_int_equal(strncmp(alone, "NODE_OPTIONS=--import=data:", 27), 0);
	assert_int_equal(strncmp(behind, "NODE_OPTIONS=--max-old-space-size=64 --import=", 46), 0);
	assert_null(strpbrk(alone, " \"\\'$\n"));
	free(alone);
	free(behind);
}

static void finds_the_parent(void **state)
{
	(void)state;
	assert_int_equal(parent_in_status("Name:\tnode\nPid:\t9\nPPid:\t7\nTracerPid:\t0\n"), 7);
	assert_int_equal(parent_in_status("Name:\tPPid: 3\n"), 0);
	assert_int_equal(parent_in_status(""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_starters),
		cmocka_unit_test(reads_the_options_of_node),
		cmocka_unit_test(tells_node),
		cmocka_unit_test(finds_the_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
