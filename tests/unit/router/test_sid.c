/* Session ids in queries and in handshake bodies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "router/session/sid.h"

static void assert_sid(const char *target, const char *sid, bool engine)
{
	struct sid_request r;

	sid_of_target(str_of(target), STR("sid"), &r);
	assert_int_equal(r.sid.n, strlen(sid));
	assert_memory_equal(r.sid.p ? r.sid.p : "", sid, r.sid.n);
	assert_int_equal(r.engine, engine);
}

static void finds_the_parameter(void **state)
{
	(void)state;
	assert_sid("/socket.io/?EIO=4&transport=polling&sid=abc-_DEF", "abc-_DEF", true);
	assert_sid("/socket.io/?sid=a.b~c%2F&EIO=3", "a.b~c/", true);
	assert_sid("/socket.io/?EIO=4&transport=polling", "", true);
	assert_sid("/x?asid=1&side=2&sid", "", false);
	assert_sid("/sid=1", "", false);
	assert_sid("/?", "", false);
	assert_sid("", "", false);
}

static void ignores_a_sid_that_is_too_long(void **state)
{
	char target[600] = "/?EIO=4&sid=";

	(void)state;
	memset(target + 12, 'x', SID_MAX + 1);
	assert_sid(target, "", true);
	target[12 + SID_MAX] = '\0';
	assert_sid(target, target + 12, true);
}

static void assert_handshake(const char *body, const char *sid, uint32_t idle_ms)
{
	struct sid_handshake h;

	assert_true(sid_of_handshake(str_of(body), &h));
	assert_int_equal(h.sid.n, strlen(sid));
	assert_memory_equal(h.sid.p, sid, h.sid.n);
	assert_int_equal(h.idle_ms, idle_ms);
}

static void learns_from_every_protocol(void **state)
{
	(void)state;
	assert_handshake("0{\"sid\":\"Ab_-1\",\"upgrades\":[\"websocket\"],\"pingInterval\":25000,"
			 "\"pingTimeout\":20000}",
			 "Ab_-1", 45000);
	assert_handshake(
	    "97:0{\"sid\":\"x\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":5000}2:40",
	    "x", 30000);
	assert_handshake("___eio[0](\"0{\\\"sid\\\":\\\"u-u-i-d\\\",\\\"pingInterval\\\":1,"
			 "\\\"pingTimeout\\\":2}\");",
			 "u-u-i-d", 3);
	assert_handshake("0{\"sid\":\"only\"}", "only", 0);
	assert_handshake("0{\"pingInterval\":1,\"sid\":\"late\",\"pingTimeout\":1}", "late", 2);
}

static void undoes_escapes(void **state)
{
	(void)state;
	assert_sid("/?sid=%41%2f%e2%82%AC%", "A/\xe2\x82\xac%", false);
	assert_sid("/?sid=%4&EIO=4", "%4", true);
	assert_sid("/?transport=polling", "", true);
	assert_handshake("0{\"sid\":\"a\\\"\\\\\\/\\u20ac\\u00e9\\u0041\"}",
			 "a\"\\/\xe2\x82\xac\xc3\xa9"
			 "A",
			 0);
	assert_handshake("___eio[12](\"0{\\\"sid\\\":\\\"a\\\\\\\"b\\u002f\\\"}\");", "a\"b/", 0);
}

static void decodes_names(void **state)
{
	(void)state;
	assert_sid("/?%45IO=4&si%64=abc", "abc", true);
	assert_sid("/?%74ransport=polling", "", true);
	assert_sid("/?EIO=4&s%69d%3d=x", "", true);
	assert_sid("/?EI%4=4&sid%=1&%sid=1&sid%00=1", "", false);
	assert_true(str_eq(sid_parameter(STR("/?ro%6fm=1"), STR("room")), STR("1")));
}

/* as Object.fromEntries(url.searchParams) */
static void takes_the_last_of_several(void **state)
{
	(void)state;
	assert_sid("/?sid=a&sid=b", "b", false);
	assert_sid("/?sid=a&s%69d=c+d&EIO=4", "c d", true);
	assert_sid("/?EIO=4&sid=a&sid=", "", true);
	assert_sid("/?EIO=4&sid=a&sid", "", true);
}

static void takes_any_name(void **state)
{
	struct sid_request r;

	(void)state;
	sid_of_target(STR("/?sid=no&session=yes"), STR("session"), &r);
	assert_int_equal(r.sid.n, 3);
	assert_true(str_eq(sid_parameter(STR("/?a=1&room=%31&room=2"), STR("room")), STR("%31")));
	assert_int_equal(sid_parameter(STR("/room=1"), STR("room")).n, 0);
}

static void waits_for_a_whole_sid(void **state)
{
	static const char body[] = "0{\"sid\":\"abc\"";
	struct sid_handshake h;

	(void)state;
	for (size_t n = 0; n < sizeof(body) - 1; n++)
		assert_false(sid_of_handshake((struct str){ body, n }, &h));
	assert_false(sid_of_handshake(STR("0{\"sid\":\"\"}"), &h));
	assert_false(sid_of_handshake(STR("hello"), &h));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_parameter),
		cmocka_unit_test(ignores_a_sid_that_is_too_long),
		cmocka_unit_test(learns_from_every_protocol),
		cmocka_unit_test(undoes_escapes),
		cmocka_unit_test(decodes_names),
		cmocka_unit_test(takes_the_last_of_several),
		cmocka_unit_test(takes_any_name),
		cmocka_unit_test(waits_for_a_whole_sid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
