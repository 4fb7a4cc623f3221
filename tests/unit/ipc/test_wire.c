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

/* How one value is wrapped into another. What is written as a string literal may hold NULs. */
struct wrapping {
	struct str before, after;
};

static const struct wrapping wrappings_v8[] = {
	{ STR("A\x01"), STR("$\x00\x01") },
	{ STR("A\x02-"), STR("\"\x01p_$\x01\x02") },
	{ STR("o\"\x01k"), STR("{\x01") },
	{ STR(";I\x02"), STR(":\x02") },
	{ STR("'"), STR(",\x01") },
	{ STR("a\x06I\x00"), STR("@\x01\x06") },
	{ STR("rTm\"\x01xc"), STR("s\"\x01..") },
	{ STR("rc"), STR("m\0\0c\x02\xac\x20s\"\x01s.") },
	{ STR("\\\x01o\"\x01k"), STR("\0\0{\x01") },
};
static const struct wrapping wrappings_json[] = {
	{ STR("["), STR("]") },
	{ STR("{\"k\":"), STR("}") },
	{ STR(" [ [ ] , { } , \"]\\\"\" , -1.5e3 , "), STR(" , null ] ") },
	{ STR("{ \"\\u007b\" : true , \"b\" : "), STR(" , \"[\" : { } }") },
};

static char nested[24 << 20];

static void put(size_t *n, struct str s)
{
	assert_true(s.n <= sizeof(nested) - *n);
	memcpy(nested + *n, s.p, s.n);
	*n += s.n;
}

/* {"type": 3, "data": the value @depth deep, "uid": "u", "source": "_sio_adapter"}; wrapped in
 * @w[0..kinds) by turns. */
static struct str nest(enum serialization mode, const struct wrapping *w, size_t kinds,
		       size_t depth)
{
	bool json = mode == SERIAL_JSON;
	size_t n = 0;

	put(&n,
	    json ? STR("{\"type\":3,\"data\":") : STR("\xff\x0fo\"\x04typeI\x06\"\x04\x64\x61ta"));
	for (size_t i = 0; i < depth; i++)
		put(&n, w[i % kinds].before);
	put(&n, json ? STR("7") : STR("I\x0e"));
	for (size_t i = depth; i-- > 0;)
		put(&n, w[i % kinds].after);
	put(&n, json ? STR(",\"uid\":\"u\",\"source\":\"_sio_adapter\"}")
		     : STR("\"\x03uid\"\x01u\"\x06source\"\x0c_sio_adapter{\x04"));
	return (struct str){ nested, n };
}

static int skim_result(enum serialization mode, struct str payload)
{
	struct value v[ARRAY_LEN(keys)], root;

	return wire_skim(mode, payload, keys, ARRAY_LEN(keys), v, &root);
}

static void walks_as_deep_as_is_allowed(enum serialization mode, const struct wrapping *w,
					size_t kinds)
{
	struct str payload;

	for (size_t depth = 0; depth < VALUE_DEPTH_MAX - 1; depth++)
		assert_adapter(mode, nest(mode, w, kinds, depth));
	for (size_t depth = VALUE_DEPTH_MAX; depth < 300000; depth *= 3)
		assert_int_equal(skim_result(mode, nest(mode, w, kinds, depth)), -E2BIG);
	payload = nest(mode, w, kinds, 5);
	for (size_t n = 0; n < payload.n; n++)
		assert_int_equal(skim_result(mode, (struct str){ payload.p, n }), -EBADMSG);
}

static void walks_nested_containers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrappings_v8); i++)
		walks_as_deep_as_is_allowed(SERIAL_ADVANCED, &wrappings_v8[i], 1);
	walks_as_deep_as_is_allowed(SERIAL_ADVANCED, wrappings_v8, ARRAY_LEN(wrappings_v8));
	for (size_t i = 0; i < ARRAY_LEN(wrappings_json); i++)
		walks_as_deep_as_is_allowed(SERIAL_JSON, &wrappings_json[i], 1);
	walks_as_deep_as_is_allowed(SERIAL_JSON, wrappings_json, ARRAY_LEN(wrappings_json));
}

/* Prefixes nest nothing: any number of them is walked. */
static void walks_long_prefixes(void **state)
{
	static const struct wrapping host_object = { STR("\\\x01"), STR("") };
	static const struct wrapping count = { STR("?\x85\x80\x80\x80\x80"), STR("") };
	static const struct wrapping padding = { STR("\0"), STR("") };

	(void)state;
	assert_adapter(SERIAL_ADVANCED, nest(SERIAL_ADVANCED, &host_object, 1, 2000000));
	assert_adapter(SERIAL_ADVANCED, nest(SERIAL_ADVANCED, &count, 1, 1000000));
	assert_adapter(SERIAL_ADVANCED, nest(SERIAL_ADVANCED, &padding, 1, 2000000));
}

static void refuses_bottomless_nesting(void **state)
{
	static const char openers[] = "oAa;'r";

	(void)state;
	memset(nested, '[', 4 << 20);
	assert_int_equal(skim_result(SERIAL_JSON, (struct str){ nested, 4 << 20 }), -E2BIG);
	for (const char *c = openers; *c; c++) {
		memset(nested, *c, 4 << 20);
		memcpy(nested, "\xff\x0f", 2);
		assert_int_equal(skim_result(SERIAL_ADVANCED, (struct str){ nested, 4 << 20 }),
				 *c == 'r' ? -EBADMSG : -E2BIG);
	}
}

static void refuses_what_does_not_match(void **state)
{
	static const char *const json[] = {
		"[}",     "{]",        "[1}",           "{\"a\":1]", "[1,]", "{\"a\":1,}", "{1:2}",
		"[[1,2]", "[1 2]",     "{\"a\" 1}",     "[01]",      "[1.]", "[-]",        "[1e]",
		"[tru]",  "[\"\\x\"]", "[\"\\u12g4\"]", "[\"\t\"]",  "[\"]", "[1]]"
	};
	static const struct str v8[] = {
		STR("\xff\x0f"
		    "A\x01I\x02{\x00"),
		STR("\xff\x0f"
		    "o\"\x01kI\x02$\x00\x01"),
		STR("\xff\x0f"
		    "'I\x02:\x01"),
		STR("\xff\x0fsI\x02"),
		STR("\xff\x0fRI\x02\x01"),
		STR("\xff\x0frmI\x02."),
		STR("\xff\x0f\\\x02I\x02"),
		STR("\xff\x0c_"),
		STR("\xff\x0f"
		    "B\x05"
		    "abcd"),
		STR("\xff\x0f"
		    "c\x03"
		    "abc"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(json); i++)
		assert_int_equal(skim_result(SERIAL_JSON, str_of(json[i])), -EBADMSG);
	for (size_t i = 0; i < ARRAY_LEN(v8); i++)
		assert_int_equal(skim_result(SERIAL_ADVANCED, v8[i]), -EBADMSG);
}

/* V8 itself writes a view behind the ArrayBuffer that it was found in, or behind a reference to it.
 */
static void walks_views_of_v8(void **state)
{
	static const struct wrapping flags[] = {
		{ STR("A\x02"
		      "B\x01x\0VB\0\x01\0"),
		  STR("$\0\x02") },
		{ STR("A\x02~\x01\x05xVB\0\x01\x03"), STR("$\0\x02") },
		{ STR("A\x02"
		      "C\x01x\0VB\0\x01\0"),
		  STR("$\0\x02") },
		{ STR("A\x03"
		      "B\0^\x01VB\x80\0\0\x03"),
		  STR("$\0\x03") },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		assert_adapter(SERIAL_ADVANCED, nest(SERIAL_ADVANCED, &flags[i], 1, 3));
	assert_int_equal(skim_result(SERIAL_ADVANCED, STR("\xff\x0d"
							  "A\x02"
							  "B\x01xVB\0\x01I\x02$\0\x02")),
			 0);
}

/* A string ends where it ends, wherever that is in a word of the machine. */
static void finds_ends_of_strings(void **state)
{
	static const struct str tails[] = { STR("\""), STR("\\\"\""), STR("\\\\\""),
					    STR("\xc3\xa9 !#[]\x7f\""), STR("\\u0022\"") };
	char text[64];
	struct value root;

	(void)state;
	for (size_t n = 0; n < 24; n++) {
		for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
			size_t len = 1 + n + tails[i].n;

			text[0] = '"';
			memset(text + 1, 'x', n);
			memcpy(text + 1 + n, tails[i].p, tails[i].n);
			assert_int_equal(
			    wire_skim(SERIAL_JSON, (struct str){ text, len }, NULL, 0, NULL, &root),
			    0);
			assert_int_equal(root.raw.n, len);
			assert_int_equal(skim_result(SERIAL_JSON, (struct str){ text, len - 1 }),
					 -EBADMSG);
			for (size_t k = 1; k <= n; k++) {
				text[k] = '\x1f';
				assert_int_equal(
				    skim_result(SERIAL_JSON, (struct str){ text, len }), -EBADMSG);
				text[k] = 'x';
			}
		}
	}
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
		cmocka_unit_test(walks_nested_containers),
		cmocka_unit_test(walks_long_prefixes),
		cmocka_unit_test(refuses_bottomless_nesting),
		cmocka_unit_test(refuses_what_does_not_match),
		cmocka_unit_test(walks_views_of_v8),
		cmocka_unit_test(finds_ends_of_strings),
		cmocka_unit_test(decodes_strings),
		cmocka_unit_test(splits_frames),
		cmocka_unit_test(writes_what_it_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
