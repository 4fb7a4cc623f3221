/* Where prom-client counts as installed: as Node would find it, and as pnpm puts it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/supervisor/app_metrics.h"

static char root[] = "/tmp/sioinit-test-XXXXXX";

static int setup(void **state)
{
	(void)state;
	return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command); /* NOLINT(cert-env33-c) */
}

static char *under_root(const char *path)
{
	static char whole[256];

	(void)snprintf(whole, sizeof(whole), "%s/%s", root, path);
	return whole;
}

/* An empty file and the folders above it. */
static void make_file(const char *path)
{
	char *whole = under_root(path);
	FILE *f;

	for (char *p = whole + strlen(root) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		(void)mkdir(whole, 0700);
		*p = '/';
	}
	f = fopen(whole, "we");
	assert_non_null(f);
	assert_int_equal(fclose(f), 0);
}

static void is_found_in_the_folder_and_above_it(void **state)
{
	(void)state;
	make_file("app/node_modules/prom-client/package.json");
	make_file("app/dist/server/main.js");
	make_file("other/main.js");
	assert_true(app_metrics_installed(under_root("app")));
	assert_true(app_metrics_installed(under_root("app/dist/server")));
	assert_true(app_metrics_installed(under_root("app/dist/server/main.js")));
	assert_false(app_metrics_installed(under_root("other")));
	assert_false(app_metrics_installed(""));
}

static void is_found_where_another_package_needs_it(void **state)
{
	(void)state;
	make_file("pnpm/node_modules/.pnpm/node_modules/prom-client/package.json");
	assert_true(app_metrics_installed(under_root("pnpm/src")));
}

static void a_path_without_end_is_none(void **state)
{
	static char path[8192];

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	assert_false(app_metrics_installed(path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_found_in_the_folder_and_above_it),
		cmocka_unit_test(is_found_where_another_package_needs_it),
		cmocka_unit_test(a_path_without_end_is_none),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
