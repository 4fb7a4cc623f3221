/* Lines on stderr. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/log_storm.h"
#include "tests/unit/clock.h"

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

static int bytes_logged(void)
{
	int n = 0;

	assert_int_equal(ioctl(read_end, FIONREAD, &n), 0);
	return n;
}

static const char *text_logged(void)
{
	static char text[64 << 10];
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
	log_warn(SIO_500, "worker[%d]: %s", 3, "gone");
	text = text_logged();
	assert_memory_equal(text, "time=2", 6);
	assert_memory_equal(text + strlen("time=2026-11-25T04:00:00.123"), "Z ", 2);
	assert_string_equal(strchr(text, ' '), " level=warn msg=\"worker[3]: gone\" id=SIO-500\n");
}

static void names_the_component(void **state)
{
	(void)state;
	log_set_component("router");
	catch_stderr();
	log_error(SIO_500, "x");
	log_set_component(NULL);
	assert_non_null(
	    strstr(text_logged(), " level=error component=router msg=\"x\" id=SIO-500\n"));
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
	log_warn(SIO_500, "hidden");
	log_set_level(LOG_LEVEL_DEBUG);
	close(STDERR_FILENO);
	log_debug("stderr is closed");
	assert_int_equal(errno, EXDEV);
	log_set_level(LOG_LEVEL_INFO);
	assert_string_equal(text_logged(), "");
}

static void writes_json(void **state)
{
	const char *text;

	(void)state;
	log_set_format(LOG_FORMAT_JSON);
	log_set_component("init");
	catch_stderr();
	log_warn(SIO_500, "a\n\"b\" \xff");
	log_set_component(NULL);
	log_set_format(LOG_FORMAT_LOGFMT);
	text = text_logged();
	assert_memory_equal(text, "{\"time\":\"2", 10);
	assert_string_equal(strchr(text, ','),
			    ",\"level\":\"warn\",\"component\":\"init\",\"msg\":\"a\\n\\\"b\\\" "
			    "\xef\xbf\xbd\",\"id\":\"SIO-500\"}\n");
}

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		n++;
	return n;
}

/* Storms of two kinds at a time; numbers make no difference, words do. */
/* In either format behind the message; a field that has no room is left out, and the line is whole.
 */
static void writes_events_with_fields(void **state)
{
	static char long_text[4000];
	const struct log_field fields[] = { { "name", "a \"b\"\n", 0 },
					    { "us", NULL, UINT64_MAX },
					    { "long", long_text, 0 },
					    { "worker", NULL, 0 } };
	const char *text;

	(void)state;
	memset(long_text, 'x', sizeof(long_text) - 1);
	log_set_level(LOG_LEVEL_ERROR);
	catch_stderr();
	log_fields("done", fields, 4);
	text = text_logged();
	assert_string_equal(strchr(text, ' '), " level=info msg=\"done\" name=\"a \\\"b\\\"\\x0a\" "
					       "us=18446744073709551615 worker=0\n");
	log_set_format(LOG_FORMAT_JSON);
	catch_stderr();
	log_fields("done", fields, 4);
	text = text_logged();
	log_set_format(LOG_FORMAT_LOGFMT);
	log_set_level(LOG_LEVEL_INFO);
	assert_string_equal(strstr(text, "\"level\""),
			    "\"level\":\"info\",\"msg\":\"done\",\"name\":\"a \\\"b\\\"\\n\","
			    "\"us\":18446744073709551615,\"worker\":0}\n");
}

static void sums_up_a_storm(void **state)
{
	const char *text;
	int before;

	(void)state;
	catch_stderr();
	for (unsigned i = 0; i < LOG_SAME_MAX + 23; i++)
		log_warn(SIO_500, "%u lost", i);
	log_warn(SIO_500, "found");
	before = bytes_logged();
	clock_advance(999);
	assert_int_equal(log_due_ms(), 1);
	log_settle();
	assert_int_equal(bytes_logged(), before);
	clock_advance(1);
	log_settle();
	log_settle();
	assert_int_equal(log_due_ms(), -1);
	text = text_logged();
	assert_int_equal(count(text, " lost\" id=SIO-500\n"), LOG_SAME_MAX + 1);
	assert_int_equal(count(text, "found"), 1);
	assert_int_equal(
	    count(text, "level=warn msg=\"log: 23 more in 1 s like: 27 lost\" id=SIO-500\n"), 1);
	clock_advance(2000);
	log_settle();
}

/* One that goes on for two minutes costs eight lines after the first second; then it is over. */
static void tells_less_and_less_of_a_long_storm(void **state)
{
	const char *text;

	(void)state;
	catch_stderr();
	for (unsigned i = 0; i < 1280; i++) {
		log_error(SIO_500, "%u of many", i);
		clock_advance(100);
	}
	clock_advance(4900);
	log_error(SIO_500, "2000 of many");
	text = text_logged();
	assert_int_equal(count(text, "\n"), LOG_SAME_MAX + 8 + 1);
	assert_int_equal(count(text, "log: 5 more in 1 s like: 9 of many"), 1);
	assert_int_equal(count(text, "log: 20 more in 2 s like: 29 of many"), 1);
	assert_int_equal(count(text, "msg=\"2000 of many\""), 1);
	assert_string_equal(log_last_error(), "2000 of many");
}

/* Many workers may start in one second, and each is told of. */
static void lets_workers_tell_of_themselves(void **state)
{
	(void)state;
	catch_stderr();
	for (unsigned i = 0; i < 64; i++)
		log_info("worker[%u]: booting -> ready", i);
	assert_int_equal(count(text_logged(), "\n"), 64);
}

static void is_for_people_where_it_is_told_to(void **state)
{
	const char *text;

	(void)state;
	(void)setenv("TZ", "UTC-2", 1);
	(void)setenv("NO_COLOR", "1", 1);
	log_set_format(LOG_FORMAT_PRETTY);
	log_set_component("init");
	catch_stderr();
	log_info("worker[2]: booting -> ready pid=%d", 17);
	log_warn(SIO_500, "sidecar[shipper-1]: \"%s\"", "\x1b[31m\n\xc2\x9b\xe2\x80\xae\\\xff");
	log_warn(SIO_500, "router: worker[2] speaks TLS");
	log_info("serving");
	log_info("worker[2: x");
	log_info("other[2]: y");
	log_set_component(NULL);
	log_error(SIO_500, "no sioinit is running here");
	(void)unsetenv("NO_COLOR");
	(void)setenv("CLICOLOR_FORCE", "1", 1);
	log_set_format(LOG_FORMAT_PRETTY);
	log_error(SIO_500, "worker[0]: x");
	(void)unsetenv("CLICOLOR_FORCE");
	log_set_format(LOG_FORMAT_LOGFMT);
	text = text_logged();
	assert_string_equal(
	    strchr(text, ' '),
	    " info  worker 2  booting -> ready pid=17\n"
	    "02:00:00 warn  sidecar shipper-1  \"\\x1b[31m\\x0a\\x9b\\u202e\\\\\xef\xbf\xbd\"  "
	    "SIO-500\n"
	    "02:00:00 warn  router    worker[2] speaks TLS  SIO-500\n"
	    "02:00:00 info  init      serving\n"
	    "02:00:00 info  init      worker[2: x\n"
	    "02:00:00 info  init      other[2]: y\n"
	    "02:00:00 error sioinit   no sioinit is running here  SIO-500\n"
	    "\x1b[2m02:00:00 \x1b[0m\x1b[1;31merror\x1b[0m \x1b[36mworker 0  \x1b[0mx  "
	    "\x1b[2mSIO-500\x1b[0m\n");
}

/* In a process of its own: there is no way back from log_open(). */
static void tells_the_journal_the_priority(void **state)
{
	char stream[64], text[512] = "";
	struct stat st;
	int ends[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(fstat(ends[1], &st), 0);
	(void)snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		       (unsigned long long)st.st_ino);
	pid = fork();
	if (pid == 0) {
		(void)setenv("JOURNAL_STREAM", stream, 1);
		(void)dup2(ends[1], STDERR_FILENO);
		(void)log_open();
		log_warn(SIO_500, "x");
		die(7, SIO_500, "y");
	}
	close(ends[1]);
	while (read(ends[0], text + strlen(text), sizeof(text) - 1 - strlen(text)) > 0)
		;
	close(ends[0]);
	assert_memory_equal(text, "<4>time=2", 9);
	assert_non_null(strstr(text, "\n<3>time=2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_logfmt),
		cmocka_unit_test(names_the_component),
		cmocka_unit_test(makes_one_line_of_anything),
		cmocka_unit_test(cuts_what_is_too_long),
		cmocka_unit_test(writes_json),
		cmocka_unit_test(writes_events_with_fields),
		cmocka_unit_test(is_for_people_where_it_is_told_to),
		cmocka_unit_test(lets_workers_tell_of_themselves),
		cmocka_unit_test(sums_up_a_storm),
		cmocka_unit_test(tells_less_and_less_of_a_long_storm),
		cmocka_unit_test(tells_the_journal_the_priority),
		cmocka_unit_test(obeys_the_level_and_keeps_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
