/* Who may act by HTTP, and which actions there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "init/supervisor/admin_action.h"
#include "init/supervisor/admin_token.h"
#include "settings/config.h"

#define TOKEN "0123456789abcdef"

static uv_loop_t loop;
static struct admin_token token;

static void take(const char *text)
{
	struct config c = { .admin_token = text };

	admin_token_init(&token, &loop, &c);
}

static int judge(const char *sent, uint64_t now_ms)
{
	return (int)admin_token_judge(&token, str_of(sent), now_ms);
}

static void without_a_token_nobody_is_known(void **state)
{
	(void)state;
	take(NULL);
	assert_int_equal(judge("", 1), ADMIN_NO_TOKEN);
	assert_int_equal(judge(TOKEN, 1), ADMIN_NO_TOKEN);
}

static void only_the_same_token_is_known(void **state)
{
	static const char *const wrong[] = { "0",
					     "0123456789abcde",
					     "0123456789abcdeg",
					     "1123456789abcdef",
					     "0123456789abcdef0",
					     "0123456789ABCDEF" };
	char most[ADMIN_TOKEN_MAX + 2];
	uint64_t now_ms = 1000;

	(void)state;
	take(TOKEN);
	assert_int_equal(judge("", now_ms), ADMIN_UNKNOWN);
	assert_int_equal(judge(TOKEN, now_ms), ADMIN_KNOWN);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(judge(wrong[i], now_ms += 1000), ADMIN_WRONG);
	memset(most, 'x', sizeof(most) - 1);
	most[sizeof(most) - 1] = '\0';
	assert_int_equal(judge(most, now_ms += 1000), ADMIN_WRONG);
	most[ADMIN_TOKEN_MAX] = '\0';
	take(most);
	assert_int_equal(judge(most, now_ms += 1000), ADMIN_KNOWN);
	most[ADMIN_TOKEN_MAX] = 'x'; /* one more */
	assert_int_equal(judge(most, now_ms += 1000), ADMIN_WRONG);
}

static void who_guesses_is_not_listened_to_for_a_while(void **state)
{
	(void)state;
	take(TOKEN);
	for (int i = 0; i < ADMIN_WRONG_MAX; i++)
		assert_int_equal(judge("guess", 5000), ADMIN_WRONG);
	assert_int_equal(judge("guess", 5999), ADMIN_IMPATIENT);
	assert_int_equal(judge(TOKEN, 5999), ADMIN_IMPATIENT);
	assert_int_equal(judge("", 5999), ADMIN_UNKNOWN);
	assert_int_equal(judge(TOKEN, 6000), ADMIN_KNOWN);
	for (int i = 0; i < 100; i++)
		assert_int_equal(judge(TOKEN, 6000), ADMIN_KNOWN);
}

/* In a process of its own, as it may die. The exit code. */
static int take_file(const char *bytes, size_t n)
{
	char path[] = "/tmp/sioinit-token-XXXXXX";
	int fd = mkstemp(path), status = 0;
	struct config c = { .admin_token_file = path };
	pid_t pid;

	assert_true(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
	pid = fork();
	if (pid == 0) {
		log_set_level(LOG_LEVEL_ERROR);
		admin_token_init(&token, &loop, &c);
		_exit(judge(TOKEN, 1) == ADMIN_KNOWN ? 0 : 1);
	}
	assert_int_equal(wait(&status), pid);
	(void)close(fd);
	(void)unlink(path);
	return WEXITSTATUS(status);
}

static void a_file_is_one_line(void **state)
{
	struct config none = { .admin_token_file = "/nowhere/at/all" };
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(take_file(TOKEN, 16), 0);
	assert_int_equal(take_file(TOKEN "\n", 17), 0);
	assert_int_equal(take_file(TOKEN "\r\n", 18), 0);
	assert_int_equal(take_file(TOKEN "\n\n", 18), EXIT_BAD_CONFIG);
	assert_int_equal(take_file(TOKEN "\n" TOKEN, 33), EXIT_BAD_CONFIG);
	assert_int_equal(take_file(TOKEN " ", 17), EXIT_BAD_CONFIG);
	assert_int_equal(take_file(TOKEN "\0", 17), EXIT_BAD_CONFIG);
	assert_int_equal(take_file(TOKEN, 15), EXIT_BAD_CONFIG);
	assert_int_equal(take_file("", 0), EXIT_BAD_CONFIG);
	pid = fork();
	if (pid == 0) {
		admin_token_init(&token, &loop, &none);
		_exit(0);
	}
	assert_int_equal(wait(&status), pid);
	assert_int_equal(WEXITSTATUS(status), EXIT_BAD_CONFIG);
}

static void a_question_has_a_token_and_words(void **state)
{
	char much[ADMIN_ASK_MAX + 2] = { 0 };
	struct str sent, words;

	(void)state;
	assert_int_equal(admin_ask_read(STR("t\0reload"), &sent, &words), 0);
	assert_true(str_eq(sent, STR("t")) && str_eq(words, STR("reload")));
	assert_int_equal(admin_ask_read(STR("\0"), &sent, &words), 0);
	assert_true(sent.n == 0 && words.n == 0);
	assert_int_equal(admin_ask_read(STR(""), &sent, &words), -EBADMSG);
	assert_int_equal(admin_ask_read(STR("token"), &sent, &words), -EBADMSG);
	assert_int_equal(admin_ask_read(STR("t\0reload\0"), &sent, &words), -EBADMSG);
	memset(much, 'x', sizeof(much));
	much[ADMIN_TOKEN_MAX + 1] = '\0';
	assert_int_equal(admin_ask_read((struct str){ much, ADMIN_ASK_MAX }, &sent, &words), 0);
	assert_int_equal(sent.n, ADMIN_TOKEN_MAX + 1);
	assert_int_equal(admin_ask_read((struct str){ much, ADMIN_ASK_MAX + 1 }, &sent, &words),
			 -EBADMSG);
}

static void few_commands_are_actions(void **state)
{
	static const struct {
		const char *words;
		int command; /* -1: refused */
	} rows[] = {
		{ "reload", ADMIN_RELOAD },
		{ "restart/3", ADMIN_RESTART },
		{ "scale/4", ADMIN_SCALE },
		{ "scale/+1", ADMIN_SCALE },
		{ "scale/-1", ADMIN_SCALE },
		{ "drain", ADMIN_DRAIN },
		{ "drain/off", ADMIN_DRAIN },
		{ "rebalance", ADMIN_REBALANCE },
		{ "", -1 },
		{ "/", -1 },
		{ "stop", -1 },
		{ "signal/0/KILL", -1 },
		{ "status", -1 },
		{ "describe/0", -1 },
		{ "logs/--death", -1 },
		{ "pid", -1 },
		{ "reload/0", -1 },
		{ "restart", -1 },
		{ "restart/0/1", -1 },
		{ "scale", -1 },
		{ "scale/0", -1 },
		{ "scale/app/4", -1 },
		{ "scale/1025", -1 },
		{ "scale/4x", -1 },
		{ "drain/on", -1 },
		{ "rebalance/now", -1 },
		{ "reload?x", -1 },
		{ "RELOAD", -1 },
	};
	struct admin_action action;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int r = admin_action_read(str_of(rows[i].words), &action);

		if ((r == 0) != (rows[i].command >= 0) ||
		    (r == 0 && (int)action.request.command != rows[i].command))
			fail_msg("%s", rows[i].words);
	}
	assert_int_equal(admin_action_read(STR("restart/3"), &action), 0);
	assert_string_equal(action.request.targets[0], "3");
	assert_int_equal(admin_action_read(STR("scale/-2"), &action), 0);
	assert_int_equal(action.request.sign, -1);
	assert_int_equal(action.request.number, 2);
	assert_int_equal(admin_action_read(STR("reload\0x"), &action), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_token_nobody_is_known),
		cmocka_unit_test(only_the_same_token_is_known),
		cmocka_unit_test(who_guesses_is_not_listened_to_for_a_while),
		cmocka_unit_test(a_file_is_one_line),
		cmocka_unit_test(a_question_has_a_token_and_words),
		cmocka_unit_test(few_commands_are_actions),
	};

	if (uv_loop_init(&loop) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
