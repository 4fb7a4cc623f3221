/* Who is let in at the admin address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/macros.h"
#include "router/admin/guard.h"

/* Fields as they would come, those too that the parser of heads refuses before. */
static size_t split(const char *fields, struct http_field *ret)
{
	size_t n = 0;

	for (const char *end; (end = strstr(fields, "\r\n")); fields = end + 2) {
		const char *colon = strchr(fields, ':');

		ret[n].name = (struct str){ fields, (size_t)(colon - fields) };
		ret[n++].value = str_trim((struct str){ colon + 1, (size_t)(end - colon) - 1 });
	}
	return n;
}

static const char *judge_at(const struct guard *g, const char *line, const char *fields)
{
	struct http_head head = { .method = { line, strcspn(line, " ") },
				  .minor = (unsigned)(line[strlen(line) - 1] - '0') };

	head.n_fields = split(fields, head.fields);
	return guard_judge(g, &head);
}

static const char *judge(const char *fields)
{
	return judge_at(&(struct guard){ 0 }, "GET /status HTTP/1.1", fields);
}

static const char *judge_host(const char *hosts, const char *host)
{
	char fields[256];

	(void)snprintf(fields, sizeof(fields), "Host: %s\r\n", host);
	return judge_at(&(struct guard){ .hosts = hosts }, "GET /status HTTP/1.1", fields);
}

static void addresses_and_names_that_no_stranger_has_come_in(void **state)
{
	static const char *const hosts[] = {
		"127.0.0.1",
		"127.0.0.1:9090",
		"10.1.2.3:80",
		"[::1]",
		"[::1]:9090",
		"[fd00::12:3]:9090",
		"[::ffff:10.0.0.1]:1",
		"localhost",
		"LocalHost:9090",
		"localhost.",
		"localhost.:9090",
		"app.localhost:9090",
		"app.LOCALHOST.",
		"sioinit",
		"my_app:9090",
		"a-b-c:65535",
		"admin.default.svc",
		"admin.default.svc:9090",
		"admin.default.svc.cluster.local",
		"host.docker.internal:9090",
		"ADMIN.default.SVC.cluster.LOCAL.:9090",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
		if (judge_host(NULL, hosts[i]))
			fail_msg("%s is let in", hosts[i]);
}

static void other_names_do_not(void **state)
{
	static const char *const hosts[] = {
		"evil.example",
		"evil.example:9090",
		"127.0.0.1.evil.example",
		"127.0.0.1.nip.io:9090",
		"localhost.evil.example",
		"localhost.localdomain.com",
		"xlocalhost.com",
		"a.notlocalhost",
		"a.svc.evil.example",
		"evilsvc.com",
		"a.mysvc",
		"cluster.local.evil",
		"evilcluster.local",
		"a.internal.evil",
		"ai.", /* a domain that has addresses itself */
		"127.1",
		"0x7f.1",
		"127.0.0.1.5",
		"256.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:0",
		"127.0.0.1:65536",
		"127.0.0.1:9090:1",
		"127.0.0.1:80x",
		"[::1",
		"[::1]x",
		"[::1]:",
		"[127.0.0.1]",
		"[]",
		"[::1%25eth0]",
		"::1",
		":9090",
		".",
		"..",
		".localhost",
		"a..localhost",
		"localhost..",
		"user@localhost",
		"localhost,evil.example",
		"localhost evil.example",
		"local\xc4\xb1host",
		"*.localhost",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
		if (!judge_host(NULL, hosts[i]))
			fail_msg("%s is not let in", hosts[i]);
	assert_non_null(strstr(judge_host(NULL, "evil.example"), "SIOINIT_ADMIN_HOSTS"));
}

static void the_setting_lets_names_in(void **state)
{
	static const char hosts[] = "admin.example.com, *.ops.example";

	(void)state;
	assert_null(judge_host(hosts, "admin.example.com"));
	assert_null(judge_host(hosts, "ADMIN.example.com.:8443"));
	assert_null(judge_host(hosts, "a.ops.example"));
	assert_null(judge_host(hosts, "a.b.ops.example:1"));
	assert_null(judge_host(hosts, "localhost"));
	assert_non_null(judge_host(hosts, "example.com"));
	assert_non_null(judge_host(hosts, "xadmin.example.com"));
	assert_non_null(judge_host(hosts, "ops.example"));
	assert_non_null(judge_host(hosts, "aops.example"));
	assert_non_null(judge_host(hosts, "a.ops.example.evil"));
}

static void there_is_one_host(void **state)
{
	(void)state;
	assert_non_null(judge(""));
	assert_null(judge_at(&(struct guard){ 0 }, "GET /status HTTP/1.0", ""));
	assert_non_null(
	    judge_at(&(struct guard){ 0 }, "GET /status HTTP/1.0", "Host: evil.example\r\n"));
	/* without a Host no Origin is its page's */
	assert_non_null(judge_at(&(struct guard){ 0 }, "GET /status HTTP/1.0",
				 "Origin: http://evil.example\r\n"));
}

static void an_origin_is_that_of_host(void **state)
{
	static const struct {
		const char *host, *origin;
		bool same;
	} rows[] = {
		{ "localhost:9090", "http://localhost:9090", true },
		{ "localhost:9090", "HTTP://LOCALHOST:9090", true },
		{ "[::1]:9090", "http://[::1]:9090", true },
		{ "localhost", "http://localhost", true },
		{ "localhost:80", "http://localhost", true },
		{ "localhost", "http://localhost:80", true },
		{ "localhost:443", "https://localhost", true },
		{ "localhost", "https://localhost", true },
		{ "localhost:9090", "http://localhost:8080", false },
		{ "localhost:9090", "http://localhost", false },
		{ "localhost", "http://localhost:9090", false },
		{ "localhost:9090", "http://127.0.0.1:9090", false },
		{ "localhost:9090", "http://evil.example", false },
		{ "localhost:9090", "http://localhost:9090.evil.example", false },
		{ "localhost:9090", "http://localhost:9090/", false },
		{ "localhost:9090", "http://x@localhost:9090", false },
		{ "localhost:9090", "null", false },
		{ "localhost:9090", "", false },
		{ "localhost:9090", "http://", false },
		{ "localhost:9090", "localhost:9090", false },
		{ "localhost:9090", "file://localhost:9090", false },
		{ "localhost.:9090", "http://localhost:9090", false },
	};
	char fields[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)snprintf(fields, sizeof(fields), "Host: %s\r\nOrigin: %s\r\n", rows[i].host,
			       rows[i].origin);
		if (rows[i].same != !judge(fields))
			fail_msg("%s", fields);
	}
	assert_non_null(judge("Host: localhost\r\nOrigin: http://localhost\r\n"
			      "Origin: http://localhost\r\n"));
}

static void a_page_of_another_site_does_not_come_in(void **state)
{
	(void)state;
	assert_null(judge("Host: localhost\r\nSec-Fetch-Site: same-origin\r\n"));
	assert_null(judge("Host: localhost\r\nSec-Fetch-Site: none\r\n"));
	assert_non_null(judge("Host: localhost\r\nSec-Fetch-Site: cross-site\r\n"));
	assert_non_null(judge("Host: localhost\r\nSec-Fetch-Site: Cross-Site\r\n"));
	assert_non_null(judge("Host: localhost\r\nSec-Fetch-Site: cross-site\r\n"
			      "Sec-Fetch-Site: none\r\n"));
	/* a frame, and a link that somebody follows */
	assert_non_null(judge("Host: localhost\r\nSec-Fetch-Site: cross-site\r\n"
			      "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n"));
	assert_null(judge("Host: localhost\r\nSec-Fetch-Site: cross-site\r\n"
			  "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n"));
	assert_non_null(judge_at(&(struct guard){ 0 }, "POST /actions/reload HTTP/1.1",
				 "Host: localhost\r\nSec-Fetch-Site: cross-site\r\n"
				 "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n"));
}

static void names_mean_nothing_at_a_unix_socket(void **state)
{
	struct guard g = { .is_unix = true };

	(void)state;
	assert_null(judge_at(&g, "GET / HTTP/1.1", "Host: evil.example\r\n"));
	assert_null(
	    judge_at(&g, "GET / HTTP/1.1", "Host: x\r\nOrigin: https://admin.example.com\r\n"));
	assert_non_null(
	    judge_at(&g, "GET / HTTP/1.1", "Host: x\r\nSec-Fetch-Site: cross-site\r\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_and_names_that_no_stranger_has_come_in),
		cmocka_unit_test(other_names_do_not),
		cmocka_unit_test(the_setting_lets_names_in),
		cmocka_unit_test(there_is_one_host),
		cmocka_unit_test(an_origin_is_that_of_host),
		cmocka_unit_test(a_page_of_another_site_does_not_come_in),
		cmocka_unit_test(names_mean_nothing_at_a_unix_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
