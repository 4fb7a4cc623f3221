/* The settings file: its lines, its place among the sources, and what is said about wrong ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/macros.h"
#include "settings/config.h"
#include "settings/config_file.h"

static char path[] = "/tmp/sioinit-settings-XXXXXX";
static char err[512];
static struct config config;

static int write_file(const char *text, size_t n)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	return fclose(f);
}

static int load(const char *text, char *env, char *flag)
{
	static char file[64]; /* borrowed by the settings */
	char *argv[] = { "sioinit", flag, NULL }, *envp[] = { file, env, NULL };
	enum config_action action;

	assert_int_equal(write_file(text, strlen(text)), 0);
	(void)snprintf(file, sizeof(file), "SIOINIT_CONFIG=%s", path);
	err[0] = '\0';
	return config_load(flag ? 2 : 1, argv, envp, &config, &action, err, sizeof(err));
}

static void assert_shown(const char *line)
{
	char *text = NULL, wanted[256];
	size_t n;
	FILE *f = open_memstream(&text, &n);

	config_print(&config, f);
	(void)fclose(f);
	(void)snprintf(wanted, sizeof(wanted), line, path);
	if (!strstr(text, wanted))
		fail_msg("%s: not in\n%s", wanted, text);
	free(text);
	config_free(&config);
}

static void assert_refused(const char *text, const char *why)
{
	char wanted[256];

	assert_int_equal(load(text, NULL, NULL), -EINVAL);
	(void)snprintf(wanted, sizeof(wanted), why, path);
	assert_string_equal(err, wanted);
}

static void takes_either_name(void **state)
{
	(void)state;
	assert_int_equal(load("workers=3\n", NULL, NULL), 0);
	assert_shown("SIOINIT_WORKERS=3 (%s:1)\n");
	assert_int_equal(load("# comment\r\n\r\n \t SIOINIT_WORKERS =\t4 \r\n", NULL, NULL), 0);
	assert_shown("SIOINIT_WORKERS=4 (%s:3)\n");
	assert_int_equal(load("app=my app=1.js", NULL, NULL), 0);
	assert_shown("SIOINIT_APP=my app=1.js (%s:1)\n");
	assert_int_equal(load("workers=3\nworkers=5", NULL, NULL), 0);
	assert_shown("SIOINIT_WORKERS=5 (%s:2)\n");
	assert_int_equal(load("workers=\n", NULL, NULL), 0);
	assert_shown("SIOINIT_WORKERS=max (default)\n");
	assert_int_equal(load("", NULL, NULL), 0);
	assert_shown("SIOINIT_CONFIG=%s (SIOINIT_CONFIG)\n");
}

static void comes_after_environment_and_flags(void **state)
{
	(void)state;
	assert_int_equal(load("port=1\n", "PORT=2", NULL), 0);
	assert_shown("SIOINIT_PORT=2 (PORT)\n");
	assert_int_equal(load("port=1\n", NULL, "--port=3"), 0);
	assert_shown("SIOINIT_PORT=3 (--port)\n");
	assert_int_equal(load("drain-time=1\n", "KUBERNETES_SERVICE_HOST=x", NULL), 0);
	assert_shown("SIOINIT_DRAIN_TIME=1 (%s:1)\n");
}

static void says_where_it_is_wrong(void **state)
{
	(void)state;
	assert_refused("port=1\nSIOINIT_PROT=1\n",
		       "%s:2: SIOINIT_PROT is no setting; did you mean SIOINIT_PORT?");
	assert_refused("PORT=1", "%s:1: PORT is no setting; did you mean port?");
	assert_refused("max_memory=1", "%s:1: max_memory is no setting; did you mean max-memory?");
	assert_refused("=1", "%s:1:  is no setting; did you mean app?");
	assert_refused("\nport=x", "%s:2: port=\"x\": not a port number (1 to 65535)");
	assert_refused("port 1", "%s:1: not NAME=value, a # comment or empty");
	assert_refused("app=\"a b\"", "%s:1: quotes would be part of the value: leave them out");
	assert_refused("config=other",
		       "%s:1: config: not here: it is for the environment or an option");
	assert_int_equal(load("port=x", "PORT=2", NULL), -EINVAL); /* checked though unused */
}

static void says_that_there_is_none(void **state)
{
	char *argv[] = { "sioinit", "--config=/nowhere/settings", NULL }, *envp[] = { NULL };
	enum config_action action;

	(void)state;
	assert_int_equal(config_load(2, argv, envp, &config, &action, err, sizeof(err)), -EINVAL);
	assert_string_equal(
	    err, "settings file /nowhere/settings (SIOINIT_CONFIG): No such file or directory");
	argv[1] = "--config=/tmp";
	assert_int_equal(config_load(2, argv, envp, &config, &action, err, sizeof(err)), -EINVAL);
	assert_string_equal(err, "settings file /tmp (SIOINIT_CONFIG): Is a directory");
}

static void refuses_bytes_that_are_no_text(void **state)
{
	struct config_file f = { .rest = STR("a=1\nb=\0\n") };
	struct config_line line;

	(void)state;
	assert_int_equal(config_file_next(&f, &line), 1);
	assert_int_equal(config_file_next(&f, &line), -EINVAL);
	assert_int_equal(f.line, 2);
	assert_string_equal(f.wrong, "not a text file");
}

static void has_a_largest_size(void **state)
{
	static char text[65538];

	(void)state;
	memset(text, '#', 65536);
	assert_int_equal(load(text, NULL, NULL), 0);
	config_free(&config);
	text[65536] = '#';
	assert_int_equal(load(text, NULL, NULL), -EINVAL);
	assert_non_null(strstr(err, "File too large"));
}

/* What the router is given: the settings in force, and no file to read again. */
static void names_sidecars(void **state)
{
	(void)state;
	assert_int_equal(load("SIOINIT_SIDECAR_A=one 1=2\nsidecar=b=two\nSIOINIT_SIDECAR_C=three",
			      "SIOINIT_SIDECAR_C=env", NULL),
			 0);
	assert_int_equal(config.sidecars.n, 3);
	for (unsigned i = 0; i < 3; i++) {
		const struct config_sidecar *s = &config.sidecars.list[i];

		assert_string_equal(s->line, s->name[0] == 'a'   ? "one 1=2"
					     : s->name[0] == 'b' ? "two"
								 : "env");
	}
	config_free(&config);
	assert_int_equal(load("SIOINIT_SIDECAR_A='x", NULL, NULL), -EINVAL);
	assert_non_null(strstr(err, ":1: SIOINIT_SIDECAR_A=\"'x\": no command, or a quote"));
}

static void goes_on_as_environment(void **state)
{
	char *text, *again, *words[CONFIG_SETTINGS_MAX + 1] = { NULL },
							 *argv[] = { "sioinit", NULL };
	enum config_action action;
	size_t n = 0;

	(void)state;
	assert_int_equal(load("workers=3\nmax-memory=1.5G", "SIOINIT_PORT=7", "--stop-timeout=9"),
			 0);
	text = config_environment(&config, CONFIG_FROM_DEFAULT);
	config_free(&config);
	for (char *e = text; *e; e += strlen(e) + 1)
		words[n++] = e;
	assert_int_equal(config_load(1, argv, words, &config, &action, err, sizeof(err)), 0);
	assert_int_equal(config.workers.n, 3);
	assert_int_equal(config.max_memory, 3 << 29);
	assert_int_equal(config.port, 7);
	assert_int_equal(config.stop_timeout_ms, 9000);
	assert_null(config.config_file);
	again = config_environment(&config, CONFIG_FROM_DEFAULT);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(again + (words[i] - text), words[i]);
	free(again);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_either_name),
		cmocka_unit_test(comes_after_environment_and_flags),
		cmocka_unit_test(says_where_it_is_wrong),
		cmocka_unit_test(says_that_there_is_none),
		cmocka_unit_test(refuses_bytes_that_are_no_text),
		cmocka_unit_test(has_a_largest_size),
		cmocka_unit_test(names_sidecars),
		cmocka_unit_test(goes_on_as_environment),
	};
	int fd = mkstemp(path), failed;

	if (fd < 0)
		return 1;
	(void)close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)unlink(path);
	return failed;
}
