/* What is refused or rewritten is said once for each kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "router/client/identity.h"
#include "router/client/notices.h"
#include "router/http/head.h"
#include "router/session/sid.h"

static struct notices notices;
static struct identity client;
static struct http_head head;
static char said[8192];

/* Takes what stderr gets meanwhile into said[]. */
static void hear(void (*act)(void))
{
	FILE *f = tmpfile();
	int kept = dup(STDERR_FILENO);
	size_t n;

	assert_non_null(f);
	assert_true(dup2(fileno(f), STDERR_FILENO) >= 0);
	act();
	assert_true(dup2(kept, STDERR_FILENO) >= 0);
	(void)close(kept);
	rewind(f);
	n = fread(said, 1, sizeof(said) - 1, f);
	said[n] = '\0';
	(void)fclose(f);
}

static unsigned lines(void)
{
	unsigned n = 0;

	for (const char *at = said; (at = strchr(at, '\n')); at++)
		n++;
	return n;
}

static void say_all_twice(void)
{
	for (int i = 0; i < 2; i++)
		for (enum notice kind = 0; kind < NOTICE_N_KINDS; kind++)
			notice(&notices, kind, "10.0.0.1");
}

static void says_each_kind_once(void **state)
{
	(void)state;
	hear(say_all_twice);
	assert_int_equal(lines(), NOTICE_N_KINDS);
	assert_non_null(strstr(said, "10.0.0.1 sends are left out; if it is a proxy of yours, name "
				     "it in SIOINIT_TRUSTED_PROXIES (not said again)"));
}

static const char *request;

static void see_request(void)
{
	char text[512];
	struct sid_request sid;

	(void)snprintf(text, sizeof(text), "GET /%s\r\n\r\n", request);
	assert_int_equal(http_parse_request(str_of(text), sizeof(text), &head), HTTP_HEAD_COMPLETE);
	sid_of_target(head.target, STR("sid"), &sid);
	notice_request(&notices, &client, &head, &sid);
}

static void assert_said(const char *what, bool trusted, const char *expected)
{
	notices = (struct notices){ 0 };
	request = what;
	client.trusted = trusted;
	hear(see_request);
	if (lines() != (expected != NULL) || (expected && !strstr(said, expected)))
		fail_msg("%s: %s", what, said);
}

static void knows_what_a_request_loses(void **state)
{
	(void)state;
	assert_said(" HTTP/1.1\r\nHost: h", false, NULL);
	assert_said(" HTTP/1.1\r\nHost: h\r\nX_Forwarded_Proto: https", false, "TRUSTED_PROXIES");
	assert_said(" HTTP/1.1\r\nHost: h\r\nX-Forwarded-Proto: https", true, NULL);
	assert_said("?EIO=4&transport=websocket HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.1.1.1"
		    "\r\nConnection: Upgrade\r\nUpgrade: websocket",
		    false, "TRUSTED_PROXIES");
	assert_said("?EIO=4&transport=websocket HTTP/1.0\r\nHost: h", true, "without its upgrade");
	assert_said("?EIO=4&transport=polling HTTP/1.1\r\nHost: h", true, NULL);
	assert_said(" HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c",
		    true, "no WebSocket's");
}

static int set_up(void **state)
{
	(void)state;
	notices = (struct notices){ 0 };
	client = (struct identity){ .addr = "10.0.0.1" };
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(says_each_kind_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(knows_what_a_request_loses, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
