/* Skimming and writing both serializations: captured bytes of Node, every truncation, strings in
 * every encoding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "base/macros.h"
#include "ipc/wire.h"

/* {type: 3, data: {packet: {type: 2, data: ["ev", Buffer(4), Uint8Array(2)]}}, uid: "u", source:
 * "_sio_adapter"} */
static const char adapter_v8[] =
    "\xff\x0f"
    "o\"\x04typeI\x06\"\x04"
    "datao\"\x06packeto\"\x04typeI\x04\"\x04"
    "dataA\x03\"\x02"
    "ev\\\x00\x0a\x04\x00\x01\xfe\xff\\\x00\x01\x02\x09\x08$\x00\x03{\x02{\x01"
    "\"\x03uid\"\x01u\"\x06source\"\x0c_sio_adapter{\x04";
static const char adapter_json[] =
    "{\"type\":3,\"data\":{\"a\":[1,{\"b\":\"}\\\"\"}],\"c\":-1.5e3},\"uid\":\"u\","
    "\"source\":\"_sio\\u005fadapter\"}";

static const char *const keys[] = { "type", "uid", "source", "missing" };

static void assert_adapter(enum serialization mode, struct str payload)
{
	struct value v[ARRAY_LEN(keys)], root;
	int64_t type;

	assert_int_equal(wire_skim(mode, payload, keys, ARRAY_LEN(keys), v, &root), 0);
	assert_int_equal(root.type, VALUE_OBJECT);
	assert_int_equal(wire_int(&v[0], 0, 100, &type), 0);
	assert_int_equal(type, 3);
	assert_true(wire_is(&v[1], "u"));
	assert_true(wire_is(&v[2], "_sio_adapter"));
	assert_false(wire_is(&v[2], "_sio_adapte"));
	assert_int_equal(v[3].type, VALUE_ABSENT);
}

static void finds_keys_behind_anything(void **state)
{
	(void)state;
	assert_adapter(SERIAL_ADVANCED, (struct str){ adapter_v8, sizeof(adapter_v8) - 1 });
	assert_adapter(SERIAL_JSON, STR(adapter_json));
}

static void refuses_every_truncation(void **state)
{
	struct value v[ARRAY_LEN(keys)], root;

	(void)state;
	for (size_t n = 0; n < sizeof(adapter_v8) - 1; n++)
		assert_int_equal(wire_skim(SERIAL_ADVANCED, (struct str){ adapter_v8, n }, keys,
					   ARRAY_LEN(keys), v, &root),
				 -EBADMSG);
	for (size_t n = 0; n < sizeof(adapter_json) - 1; n++)
		assert_int_equal(wire_skim(SERIAL_JSON, (struct str){ adapter_json, n }, keys,
					   ARRAY_LEN(keys), v, &root),
				 -EBADMSG);
}

static void refuses_bottomless_nesting(void **state)
{
	static char deep[10000];
	struct value v, root;

	(void)state;
	memset(deep, '[', sizeof(deep));
	assert_int_equal(
	    wire_skim(SERIAL_JSON, (struct str){ deep, sizeof(deep) }, NULL, 0, &v, &root),
	    -EBADMSG);
	memset(deep, 's', sizeof(deep));
	memcpy(deep, "\xff\x0f", 2);
	assert_int_equal(
	    wire_skim(SERIAL_ADVANCED, (struct str){ deep, sizeof(deep) }, NULL, 0, &v, &root),
	    -EBADMSG);
}

static void assert_text(enum serialization mode, struct str payload, const char *utf8)
{
	struct value root;
	char text[64];

	assert_int_equal(wire_skim(mode, payload, NULL, 0, NULL, &root), 0);
	assert_int_equal(wire_text(&root, text, sizeof(text)), strlen(utf8));
	assert_string_equal(text, utf8);
}

static void decodes_strings(void **state)
{
	struct value root;
	char text[4];

	(void)state;
	assert_text(SERIAL_ADVANCED, STR("\xff\x0f\"\x01\xe9"), "é");
	assert_text(SERIAL_ADVANCED, STR("\xff\x0fS\x03€"), "€");
	assert_text(SERIAL_ADVANCED, STR("\xff\x0f\0c\x06\xac\x20\x3d\xd8\x00\xde"), "€😀");
	assert_text(SERIAL_ADVANCED,
		    STR("\xff\x0f"
			"c\x02\x00\xd8"),
		    "\xef\xbf\xbd");
	assert_text(SERIAL_JSON, STR(" \"a\\u20ac\\ud83d\\ude00\\n\" "), "a€😀\n");
	assert_text(SERIAL_JSON, STR("\"\\ud83d\""), "\xef\xbf\xbd");
	assert_int_equal(wire_skim(SERIAL_JSON, STR("\"four\""), NULL, 0, NULL, &root), 0);
	assert_int_equal(wire_text(&root, text, sizeof(text)), -EMSGSIZE);
}

static void splits_frames(void **state)
{
	struct str payload;
	size_t size;

	(void)state;
	assert_int_equal(wire_split(SERIAL_JSON, STR("5\nrest"), 100, &payload, &size), 1);
	assert_int_equal(payload.n, 1);
	assert_int_equal(size, 2);
	assert_int_equal(wire_split(SERIAL_JSON, STR("5"), 100, &payload, &size), 0);
	assert_int_equal(wire_split(SERIAL_JSON, STR("\n"), 100, &payload, &size), 1);
	assert_int_equal(payload.n, 0);
	assert_int_equal(wire_split(SERIAL_ADVANCED, STR("\0\0\0\x02\xff-c"), 100, &payload, &size),
			 1);
	assert_int_equal(size, 6);
	assert_int_equal(wire_split(SERIAL_ADVANCED, STR("\0\0\0\x09\xff-c"), 100, &payload, &size),
			 0);
	assert_int_equal(size, 13);
	assert_int_equal(wire_split(SERIAL_ADVANCED,
				    STR("\0\0\0\x02"
					"abc"),
				    100, &payload, &size),
			 -EBADMSG);
	assert_int_equal(wire_split(SERIAL_ADVANCED, STR("\0\0\0"), 100, &payload, &size), 0);
	assert_int_equal(wire_split(SERIAL_ADVANCED, STR("\0\0\0\0"), 100, &payload, &size),
			 -EBADMSG);
	assert_int_equal(wire_split(SERIAL_ADVANCED, STR("\x7f\0\0\0"), 100, &payload, &size),
			 -EBADMSG);
}

static void writes_what_it_reads(void **state)
{
	static const char *const names[] = { "n", "big", "s", "b", "z" };

	(void)state;
	for (int mode = SERIAL_JSON; mode <= SERIAL_ADVANCED; mode++) {
		struct wire_writer w;
		struct value v[5], root;
		struct str payload;
		struct blob *frame;
		int64_t n;
		size_t size;
		char text[32];

		wire_begin(&w, (enum serialization)mode);
		wire_object(&w);
		wire_key(&w, "n");
		wire_number(&w, -98);
		wire_key(&w, "big");
		wire_number(&w, 1700000000000);
		wire_key(&w, "s");
		wire_string(&w, STR("a\"\\\n€"));
		wire_key(&w, "b");
		wire_bool(&w, true);
		wire_key(&w, "z");
		wire_null(&w);
		wire_object_end(&w);
		frame = wire_end(&w);
		assert_non_null(frame);
		assert_int_equal(wire_split((enum serialization)mode,
					    (struct str){ (char *)frame->bytes, frame->len }, 1000,
					    &payload, &size),
				 1);
		assert_int_equal(size, frame->len);
		assert_int_equal(wire_skim((enum serialization)mode, payload, names, 5, v, &root),
				 0);
		assert_int_equal(wire_int(&v[0], -100, 0, &n), 0);
		assert_int_equal(n, -98);
		assert_int_equal(wire_int(&v[1], 0, INT64_MAX, &n), 0);
		assert_true(n == 1700000000000);
		assert_true(wire_text(&v[2], text, sizeof(text)) > 0);
		assert_string_equal(text, "a\"\\\n€");
		assert_true(v[3].type == VALUE_BOOL && v[3].boolean);
		assert_int_equal(v[4].type, VALUE_NULL);
		blob_unref(frame);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_keys_behind_anything),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(refuses_bottomless_nesting),
		cmocka_unit_test(decodes_strings),
		cmocka_unit_test(splits_frames),
		cmocka_unit_test(writes_what_it_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
