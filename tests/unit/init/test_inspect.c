/* A port of the inspector for each worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "init/worker/inspect.h"

enum { WORDS_MAX = 8 };

static void split(char *text, char *argv[WORDS_MAX])
{
	size_t n = 0;
	char *save = NULL;

	for (char *w = strtok_r(text, " ", &save); w && n + 2 < WORDS_MAX;
	     w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	argv[n] = NULL;
}

static void adds_the_slot_to_the_port_that_is_asked_for(void **state)
{
	static const struct {
		const char *words, *options;
		unsigned slot, port;
	} cases[] = {
		{ "node a.js", NULL, 1, 0 },
		{ "node --inspect a.js", NULL, 0, 0 },
		{ "node --inspect a.js", NULL, 2, 9231 },
		{ "node --inspect=9500 a.js", NULL, 1, 9501 },
		{ "node --inspect-brk=127.0.0.1:9500 a.js", NULL, 1, 9501 },
		{ "node --inspect=[::1]:9500 a.js", NULL, 1, 9501 },
		{ "node --inspect-port=9500 --inspect=localhost a.js", NULL, 1, 9230 },
		{ "node --inspect-port=9500 --inspect a.js", NULL, 1, 9501 },
		{ "node --inspect-port 9500 --inspect a.js", NULL, 1, 9501 },
		{ "node --debug-port=9500 a.js", NULL, 3, 9503 },
		{ "node --inspect=0 a.js", NULL, 1, 0 },
		{ "node --inspect=65535 a.js", NULL, 1, 1024 },
		{ "node --inspect-publish-uid=http a.js", NULL, 1, 0 },
		{ "node -r --inspect a.js", NULL, 1, 0 },
		{ "node a.js --inspect", NULL, 1, 0 },
		{ "node a.js", "--inspect=9400 -r x", 1, 9401 },
		{ "node --inspect-port=9500 a.js", "--inspect=9400", 1, 9501 },
		{ NULL, " --inspect-port 9400 --inspect", 1, 9401 },
		{ NULL, "", 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[128], *argv[WORDS_MAX];
		unsigned port;

		(void)snprintf(text, sizeof(text), "%s", cases[i].words ? cases[i].words : "");
		split(text, argv);
		port = inspect_port(cases[i].words ? argv : NULL, cases[i].options, cases[i].slot);
		if (port != cases[i].port)
			fail_msg("%s, %s: %u", cases[i].words, cases[i].options, port);
	}
}

static void puts_the_word_behind_the_last_that_asks(void **state)
{
	char text[] = "node --inspect --inspect-port 9500 -r x a.js", *argv[WORDS_MAX + 1];
	char other[] = "node a.js --inspect", *others[WORDS_MAX];

	(void)state;
	split(text, argv);
	assert_true(inspect_put(argv, "--inspect-port=9501"));
	assert_string_equal(argv[3], "9500");
	assert_string_equal(argv[4], "--inspect-port=9501");
	assert_string_equal(argv[5], "-r");
	split(other, others);
	assert_false(inspect_put(others, "--inspect-port=9501"));
	assert_string_equal(others[1], "a.js");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adds_the_slot_to_the_port_that_is_asked_for),
		cmocka_unit_test(puts_the_word_behind_the_last_that_asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
