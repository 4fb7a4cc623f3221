/* A value found in a frame of a worker's channel, whatever the serialization.
 * Slices borrow the frame: they are valid as long as its bytes are. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* How Node serializes process.send() messages: child_process `serialization`. */
enum serialization { SERIAL_JSON, SERIAL_ADVANCED };

/* How many objects, arrays, ... may be open at once. Node 22 reads about 1600 in V8's format, a
 * process that is sent more ends, and Node's own primary was seen to relay 1260. What is deeper is
 * passed over. */
enum { VALUE_DEPTH_MAX = 1300 };

enum value_type {
	VALUE_ABSENT, /* no such key */
	VALUE_UNDEFINED,
	VALUE_NULL,
	VALUE_BOOL,
	VALUE_NUMBER,
	VALUE_STRING,
	VALUE_OBJECT, /* plain object */
	VALUE_OTHER,  /* arrays, dates, buffers, ...: only .raw means something */
};

struct value {
	enum value_type type;
	bool boolean;
	double number;   /* exact for every integer up to 2^53 */
	struct str text; /* VALUE_STRING: see wire_text() for its encoding */
	struct str raw;  /* the encoded value itself, tag or quotes included */
	char encoding; /* VALUE_STRING: 'l' Latin-1 one-byte, 'u' UTF-8, 'w' UTF-16LE, 'j' JSON with
			  escapes */
};
