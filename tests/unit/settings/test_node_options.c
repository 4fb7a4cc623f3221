/* Node's own options, before a script and in NODE_OPTIONS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/macros.h"
#include "settings/node_options.h"

enum { WORDS_MAX = 16 };

static const struct {
	const char *command, *node_options;
	uint32_t expected;
} cases[] = {
	{ "node server.js", NULL, 16384 },
	{ "node --max-http-header-size=65536 server.js", NULL, 65536 },
	{ "node --max-http-header-size 65536 server.js", NULL, 65536 },
	{ "node --max_http_header_size=65536 server.js", NULL, 65536 },
	{ "node --max-http-header-size=1 --max-http-header-size=2 server.js", NULL, 2 },
	{ "node -r ./instrument.js --max-http-header-size=65536 server.js", NULL, 65536 },
	{ "node --max-http-header-size=65536 server", NULL, 65536 },
	{ "node server.js --max-http-header-size=65536", NULL, 16384 },
	{ "node --max-http-header-size=x server.js", NULL, 16384 },
	{ "node --max-http-header-size=0 server.js", NULL, 16384 },
	{ "node --max-http-header-sizes=9 server.js", NULL, 16384 },
	{ "node --max-http-header-size", NULL, 16384 },
	{ "server.js", "--max-http-header-size=32768", 32768 },
	{ "server.js", "--enable-source-maps  --max_http_header_size 32768", 32768 },
	{ "node --max-http-header-size=65536 server.js", "--max-http-header-size=1", 65536 },
	{ "--max-head-bytes=20000 node --max-http-header-size=65536 server.js", NULL, 20000 },
};

static void sets_the_largest_head(void **state)
{
	char text[200], *argv[WORDS_MAX], err[256];
	char *environment[] = { NULL };
	struct config config;
	enum config_action action;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int argc = 0;

		(void)snprintf(text, sizeof(text), "sioinit %s", cases[i].command);
		for (char *save = NULL, *w = strtok_r(text, " ", &save); w;
		     w = strtok_r(NULL, " ", &save))
			argv[argc++] = w;
		argv[argc] = NULL;
		assert_int_equal(
		    config_load(argc, argv, environment, &config, &action, err, sizeof(err)), 0);
		node_options_apply(&config, cases[i].node_options);
		if (config.max_head_bytes != cases[i].expected)
			fail_msg("%s: %u", cases[i].command, config.max_head_bytes);
		config_free(&config);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(sets_the_largest_head) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
