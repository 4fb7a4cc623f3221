/* Lines on stderr. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static int saved_stderr, read_end;

/* Catches stderr in a pipe until text_logged(). */
static void catch_stderr(void)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	saved_stderr = dup(STDERR_FILENO);
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	close(ends[1]);
	read_end = ends[0];
}

static const char *text_logged(void)
{
	static char text[8192];
	ssize_t n;

	assert_int_equal(dup2(saved_stderr, STDERR_FILENO), STDERR_FILENO);
	close(saved_stderr);
	n = read(read_end, text, sizeof(text) - 1);
	assert_true(n >= 0);
	text[n] = '\0';
	close(read_end);
	return text;
}

static void writes_logfmt(void **state)
{
	const char *text;

	(void)state;
	catch_stderr();
	log_warn("worker[%d]: %s", 3, "gone");
	text = text_logged();
	assert_memory_equal(text, "time=2", 6);
	assert_memory_equal(text + strlen("time=2026-11-25T04:00:00.123"), "Z ", 2);
	assert_string_equal(strchr(text, ' '), " level=warn msg=\"worker[3]: gone\"\n");
}

static void names_the_component(void **state)
{
	(void)state;
	log_set_component("router");
	catch_stderr();
	log_error("x");
	log_set_component(NULL);
	assert_non_null(strstr(text_logged(), " level=error component=router msg=\"x\"\n"));
}

static void makes_one_line_of_anything(void **state)
{
	(void)state;
	catch_stderr();
	log_info("a\nb\"c\\d\x1b\x7f");
	assert_non_null(strstr(text_logged(), "msg=\"a\\x0ab\\\"c\\\\d\\x1b\\x7f\"\n"));
}

static void cuts_what_is_too_long(void **state)
{
	static char long_text[20001];
	const char *text;

	(void)state;
	memset(long_text, '\n', sizeof(long_text) - 1);
	catch_stderr();
	log_info("%s", long_text);
	text = text_logged();
	assert_true(strlen(text) < 2300);
	assert_string_equal(text + strlen(text) - 6, "\\x0a\"\n");
}

static void obeys_the_level_and_keeps_errno(void **state)
{
	(void)state;
	catch_stderr();
	errno = EXDEV;
	log_debug("hidden");
	log_set_level(LOG_LEVEL_ERROR);
	log_warn("hidden");
	log_set_level(LOG_LEVEL_DEBUG);
	close(STDERR_FILENO);
	log_debug("stderr is closed");
	assert_int_equal(errno, EXDEV);
	log_set_level(LOG_LEVEL_INFO);
	assert_string_equal(text_logged(), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_logfmt),
		cmocka_unit_test(names_the_component),
		cmocka_unit_test(makes_one_line_of_anything),
		cmocka_unit_test(cuts_what_is_too_long),
		cmocka_unit_test(obeys_the_level_and_keeps_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
