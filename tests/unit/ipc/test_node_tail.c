/* A frame that ends as the last one of its adapter is read as node_read() reads it, and nothing
 * else is taken for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/buf.h"
#include "base/macros.h"
#include "ipc/node_tail.h"

static const struct str json_frames[] = {
	STR("{\"type\":3,\"data\":{\"x\":[1,2]},\"uid\":\"30467f431cbdf78f\",\"nsp\":\"/\","
	    "\"source\":\"_sio_adapter\"}"),
	STR("{\"type\":13,\"data\":{},\"uid\":\"30467f431cbdf78f\",\"nsp\":\"/\","
	    "\"source\":\"_sio_adapter\"}"),
};

#define V8_END                                                                                     \
	"\"\x03uid\"\x10"                                                                          \
	"30467f431cbdf78f\"\x03nsp\"\x01/\"\x06source\"\x0c_sio_adapter{\x05"
static const struct str v8_frames[] = {
	STR("\xff\x0fo\"\x04typeI\x06\"\x04"
	    "datao\"\x01xA\x01I\x02$\x00\x01{\x01" V8_END),
	STR("\xff\x0fo\"\x04typeI\x1a\"\x04"
	    "datao{\x00" V8_END),
};

static const struct str *frames_of(enum serialization mode)
{
	return mode == SERIAL_JSON ? json_frames : v8_frames;
}

static struct node_tail learned(enum serialization mode, struct str payload)
{
	static struct node_msg m;
	struct node_tail t = { 0 };

	assert_int_equal(node_read(mode, payload, &m), 0);
	node_tail_learn(&t, mode, payload, &m);
	return t;
}

static void assert_same(struct str a, struct str b)
{
	assert_ptr_equal(a.p, b.p);
	assert_int_equal(a.n, b.n);
}

static void the_next_frame_is_read_alike(void **state)
{
	static struct node_msg full, quick;

	(void)state;
	for (int mode = SERIAL_JSON; mode <= SERIAL_ADVANCED; mode++) {
		const struct str *frames = frames_of((enum serialization)mode);
		struct node_tail t = learned((enum serialization)mode, frames[0]);

		for (size_t i = 0; i < 2; i++) {
			assert_int_equal(node_read((enum serialization)mode, frames[i], &full), 0);
			assert_true(
			    node_tail_read(&t, (enum serialization)mode, frames[i], &quick));
			assert_int_equal(quick.kind, full.kind);
			assert_int_equal(quick.adapter_type, full.adapter_type);
			assert_same(quick.uid.raw, full.uid.raw);
			assert_same(quick.nsp.raw, full.nsp.raw);
			assert_int_equal(quick.requester_uid.type, full.requester_uid.type);
			assert_int_equal(quick.worker_id.type, full.worker_id.type);
		}
	}
}

static void nothing_is_known_at_first(void **state)
{
	static struct node_msg m;
	struct node_tail t = { 0 };

	(void)state;
	assert_false(node_tail_read(&t, SERIAL_JSON, json_frames[0], &m));
	assert_false(node_tail_read(&t, SERIAL_JSON, STR(""), &m));
}

/* Each differs from what was learned where it counts. */
static void others_are_not_taken_for_it(void **state)
{
	static const struct str others[] = {
		STR(""),
		STR("}"),
		STR(",\"uid\":\"30467f431cbdf78f\",\"nsp\":\"/\",\"source\":\"_sio_adapter\"}"),
		STR("{\"type\":3,\"data\":{},\"uid\":\"30467f431cbdf78e\",\"nsp\":\"/\","
		    "\"source\":\"_sio_adapter\"}"),
		STR("{\"type\":3,\"data\":{},\"uid\":\"30467f431cbdf78f\",\"nsp\":\"/a\","
		    "\"source\":\"_sio_adapter\"}"),
		STR("{\"data\":{},\"type\":3,\"uid\":\"30467f431cbdf78f\",\"nsp\":\"/\","
		    "\"source\":\"_sio_adapter\"}"),
		STR("{\"type\":3,\"uid\":\"30467f431cbdf78f\",\"nsp\":\"/\","
		    "\"source\":\"_sio_adapter\"}"),
		STR("{\"type\":-3,\"data\":{},\"uid\":\"30467f431cbdf78f\",\"nsp\":\"/\","
		    "\"source\":\"_sio_adapter\"}"),
		STR("{\"type\":\"3\",\"data\":{},\"uid\":\"30467f431cbdf78f\",\"nsp\":\"/\","
		    "\"source\":\"_sio_adapter\"}"),
	};
	static struct node_msg m;
	struct node_tail t = learned(SERIAL_JSON, json_frames[0]);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_false(node_tail_read(&t, SERIAL_JSON, others[i], &m));
	t = learned(SERIAL_ADVANCED, v8_frames[0]);
	for (size_t n = 0; n < v8_frames[0].n; n++)
		assert_false(
		    node_tail_read(&t, SERIAL_ADVANCED, (struct str){ v8_frames[0].p, n }, &m));
}

/* Answers have one more member; long names and other shapes are walked over each time. */
static void only_what_is_of_use_is_kept(void **state)
{
	static const struct str useless[] = {
		STR("{\"type\":8,\"data\":{},\"requesterUid\":\"r\",\"uid\":\"u\",\"nsp\":\"/\","
		    "\"source\":\"_sio_adapter\"}"),
		STR("{\"type\":3,\"data\":{},\"nsp\":\"/\",\"uid\":\"u\","
		    "\"source\":\"_sio_adapter\"}"),
		STR("{\"type\":1,\"uid\":\"u\",\"nsp\":\"/\",\"source\":\"_sio_adapter\"}"),
		STR("{\"type\":3,\"data\":{},\"source\":\"_sio_adapter\",\"nsp\":\"/\"}"),
		STR("{\"type\":3,\"data\":{},\"uid\":\"u\",\"nsp\":\"/\",\"source\":\"other\"}"),
		STR("\"ready\""),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(useless); i++)
		assert_int_equal(learned(SERIAL_JSON, useless[i]).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_next_frame_is_read_alike),
		cmocka_unit_test(nothing_is_known_at_first),
		cmocka_unit_test(others_are_not_taken_for_it),
		cmocka_unit_test(only_what_is_of_use_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
