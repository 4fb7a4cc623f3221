/* What reading the settings file again changes, tells and leaves alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "settings/config_reload.h"

static char path[] = "/tmp/sioinit-test-reload-XXXXXX";
static struct config config;
static char err[512], told[1024];

static void write_file(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* The command line and the environment stay as they are; the file says @text. */
static void load(const char *text)
{
	static char env[64], limit[] = "SIOINIT_MAX_SESSIONS=7", name[] = "sioinit", app[] = "x";
	static char *envp[] = { env, limit, NULL }, *argv[] = { name, app, NULL };
	enum config_action action;

	(void)snprintf(env, sizeof(env), "SIOINIT_CONFIG=%s", path);
	write_file(text);
	config_free(&config);
	if (config_load(2, argv, envp, &config, &action, err, sizeof(err)) < 0)
		fail_msg("%s", err);
}

static void on_change(const struct config_change *change, void *ctx)
{
	static const char *const when[] = { "restart", "new workers", "now" };
	size_t n = strlen(told);

	assert_ptr_equal(ctx, &config);
	(void)snprintf(told + n, sizeof(told) - n, "%s: %s -> %s, %s\n", change->name,
		       change->before, change->after, when[change->when]);
}

static int reload(const char *text)
{
	told[0] = err[0] = '\0';
	return config_reload(&config, str_of(text), on_change, &config, err, sizeof(err));
}

static void takes_over_what_it_can(void **state)
{
	(void)state;
	load("stop-timeout=9\nport=1000\nmax-age=3\n");
	assert_int_equal(reload("stop-timeout=9\nport=1000\nmax-age=3\n"), 0);
	assert_string_equal(told, "");
	assert_int_equal(reload("heap=64\nport=2000\nstop-timeout=10\nmax-age=3\n"), 3);
	assert_string_equal(told, "SIOINIT_PORT: 1000 -> 2000, restart\n"
				  "SIOINIT_STOP_TIMEOUT: 9 -> 10, now\n"
				  "SIOINIT_HEAP: off -> 64, new workers\n");
	assert_int_equal(config.stop_timeout_ms, 10000);
	assert_int_equal(config.heap_mb, 64);
	assert_int_equal(config.port, 1000);
}

static void a_secret_is_not_told(void **state)
{
	(void)state;
	load("admin-token=0123456789abcdef\n");
	assert_int_equal(reload("admin-token=0123456789abcdef\n"), 0);
	assert_int_equal(reload("admin-token=another-one-of-now\n"), 1);
	assert_string_equal(told, "SIOINIT_ADMIN_TOKEN: ... -> ..., restart\n");
	assert_int_equal(reload("admin-token=too-short\n"), -EINVAL);
	assert_null(strstr(err, "too-short"));
}

static void a_line_that_is_gone_leaves_the_value_before_it(void **state)
{
	(void)state;
	load("stop-timeout=9\n");
	assert_int_equal(reload(""), 1);
	assert_string_equal(told, "SIOINIT_STOP_TIMEOUT: 9 -> 25, now\n");
	config.ecosystem = "ecosystem.config.js";
	load("stop-timeout=9\n");
	config.ecosystem = "ecosystem.config.js";
	assert_int_equal(reload(""), 1);
	assert_string_equal(told, "SIOINIT_STOP_TIMEOUT: 9 -> 25, restart\n");
	assert_int_equal(config.stop_timeout_ms, 9000);
}

static void what_comes_first_stays(void **state)
{
	(void)state;
	load("");
	assert_int_equal(reload("max-sessions=9\n"), 0);
	assert_int_equal(config.max_sessions, 7);
}

static void a_wrong_file_changes_nothing(void **state)
{
	char wanted[256];

	(void)state;
	load("stop-timeout=9\n");
	assert_int_equal(reload("stop-timeout=10\nmax-age=x\n"), -EINVAL);
	(void)snprintf(wanted, sizeof(wanted), "%s:2: max-age=\"x\": ", path);
	assert_non_null(strstr(err, wanted));
	assert_string_equal(told, "");
	assert_int_equal(config.stop_timeout_ms, 9000);
}

/* The text is gone by the time that the settings are printed. */
static void keeps_nothing_of_the_text(void **state)
{
	char *text = strdup("stop-timeout=10\nsignal-map=USR2=none\n"), *printed = NULL;
	size_t n;
	FILE *out = open_memstream(&printed, &n);

	(void)state;
	load("");
	assert_int_equal(reload(text), 2);
	memset(text, 'x', strlen(text));
	free(text);
	config_print(&config, out);
	(void)fclose(out);
	assert_non_null(
	    strstr(printed, "SIOINIT_STOP_TIMEOUT=10 (the settings file, read again)\n"));
	assert_non_null(strstr(printed, "SIOINIT_SIGNAL_MAP=USR2=none (the settings file,"));
	free(printed);
}

static int begin(void **state)
{
	(void)state;
	return close(mkstemp(path));
}

static int end(void **state)
{
	(void)state;
	config_free(&config);
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_over_what_it_can),
		cmocka_unit_test(a_secret_is_not_told),
		cmocka_unit_test(a_line_that_is_gone_leaves_the_value_before_it),
		cmocka_unit_test(what_comes_first_stays),
		cmocka_unit_test(a_wrong_file_changes_nothing),
		cmocka_unit_test(keeps_nothing_of_the_text),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
