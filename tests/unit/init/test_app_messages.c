/* What is said of messages that nobody answers: each kind once, with advice where the library is
 * known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "init/worker/app_messages.h"

static struct app_messages messages;
static int log_fd, stderr_fd;

/* What is logged can be read at log_fd. */
static int setup(void **state)
{
	(void)state;
	messages = (struct app_messages){ 0 };
	log_fd = memfd_create("log", 0);
	stderr_fd = dup(STDERR_FILENO);
	return log_fd >= 0 && stderr_fd >= 0 && dup2(log_fd, STDERR_FILENO) >= 0 ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	(void)dup2(stderr_fd, STDERR_FILENO);
	(void)close(stderr_fd);
	return close(log_fd);
}

/* Whether the log has @text since the last question; an empty @text: anything at all. */
static bool is_said(const char *text)
{
	static char said[64 << 10];
	ssize_t n = pread(log_fd, said, sizeof(said) - 1, 0);

	assert_true(n >= 0);
	said[n] = '\0';
	assert_int_equal(ftruncate(log_fd, 0), 0);
	(void)lseek(log_fd, 0, SEEK_SET);
	return n > 0 && strstr(said, text);
}

static bool judge(const char *json, bool relays)
{
	return app_messages_judge(&messages, SERIAL_JSON, 1, str_of(json), relays);
}

static void a_known_library_is_named_once(void **state)
{
	(void)state;
	assert_false(judge("{\"topic\":\"log4js:message\",\"data\":\"{}\"}", false));
	assert_true(is_said("disableClustering: true"));
	assert_false(judge("{\"topic\":\"log4js:message\",\"data\":\"{}\"}", false));
	assert_false(is_said(""));
	assert_false(judge("{\"channel\":\"rate_limiter_flexible\",\"type\":\"init\"}", false));
	assert_true(is_said("RateLimiterRedis"));
	assert_false(judge("{\"isSharedMemoryMessage\":true,\"method\":\"get\"}", false));
	assert_true(is_said("cluster-shared-memory"));
}

static void what_is_for_pm2_is_no_news(void **state)
{
	(void)state;
	assert_false(judge("{\"type\":\"axm:monitor\",\"data\":{}}", false));
	assert_false(judge("{\"type\":\"axm:option:configuration\",\"data\":{}}", true));
	assert_false(is_said(""));
}

static void unknown_ones_are_named_by_their_mark(void **state)
{
	(void)state;
	assert_false(judge("{\"type\":\"greeting\",\"n\":1}", false));
	assert_true(is_said("with type=greeting: nobody reads it"));
	assert_false(judge("{\"type\":\"greeting\",\"n\":2}", false));
	assert_false(is_said(""));
	assert_false(judge("{\"cmd\":\"greet\"}", false));
	assert_true(is_said("with cmd=greet"));
	assert_false(judge("{\"hello\":1}", false));
	assert_true(is_said("without type, cmd or topic"));
	assert_false(judge("[1]", false));
	assert_true(is_said("that is no object"));
	assert_false(judge("\"online\"", false));
	assert_false(is_said(""));
}

static void there_is_an_end_of_it(void **state)
{
	char json[64];

	(void)state;
	for (int i = 0; i < APP_MESSAGES_UNKNOWN_MAX; i++) {
		(void)snprintf(json, sizeof(json), "{\"type\":\"t%d\"}", i);
		assert_false(judge(json, false));
		assert_true(is_said("with type=t"));
	}
	assert_false(judge("{\"type\":\"one more\"}", false));
	assert_false(is_said(""));
	assert_false(judge("{\"topic\":\"log4js:message\"}", false));
	assert_true(is_said("log4js"));
}

static void what_the_others_get_is_not_lost(void **state)
{
	(void)state;
	assert_true(judge("{\"hello\":1}", true));
	assert_true(judge("{\"topic\":\"log4js:message\"}", true));
	assert_false(is_said(""));
	assert_false(judge("{\"channel\":\"rate_limiter_flexible\"}", true));
	assert_true(is_said("RateLimiterRedis"));
}

#define MESSAGE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MESSAGE_TEST(a_known_library_is_named_once),
		MESSAGE_TEST(what_is_for_pm2_is_no_news),
		MESSAGE_TEST(unknown_ones_are_named_by_their_mark),
		MESSAGE_TEST(there_is_an_end_of_it),
		MESSAGE_TEST(what_the_others_get_is_not_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
