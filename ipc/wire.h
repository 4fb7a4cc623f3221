/* Both serializations of Node's IPC channel behind one face: framing, skimming (finding a few keys
 * of an object without decoding the rest) and writing. Pure functions over bytes: no I/O, no
 * allocation and no recursion while reading, any input is safe (every length checked). Facts: json
 * is one JSON text and '\n'; advanced is a 32-bit big-endian length and a V8 value (node
 * lib/internal/child_process/serialization.js, v8 value-serializer.cc). */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "ipc/value.h"

/* Splits the first frame off @in.
 * 1: *ret_payload is the value without its framing (of JSON perhaps empty), *ret_size what to
 * consume. 0: incomplete; *ret_size is what it takes, or 0 while nobody knows. -EBADMSG: this is no
 * frame: an advanced one of no bytes, of more than @max, or whose value does not begin as one. */
int wire_split(enum serialization mode, struct str in, size_t max, struct str *ret_payload,
	       size_t *ret_size);

/* Looks up @keys of the top-level object of @payload in one pass. Absent keys give VALUE_ABSENT; of
 * a repeated key the last counts, as in JSON.parse. 0: out[0..n) set, *ret_root is the value itself
 * (a string such as "ready" has VALUE_STRING and all keys absent). -EBADMSG: does not decode.
 * -E2BIG: nested deeper than VALUE_DEPTH_MAX, which may be sound but is not for other processes. */
int wire_skim(enum serialization mode, struct str payload, const char *const *keys, size_t n,
	      struct value *out, struct value *ret_root);

/* The same for a nested object: @v must be a VALUE_OBJECT out of wire_skim(). Else -EINVAL. */
int wire_skim_object(enum serialization mode, const struct value *v, const char *const *keys,
		     size_t n, struct value *out);

/* True when @v is a string equal to the ASCII text @s. */
bool wire_is(const struct value *v, const char *s);
/* True when it begins with it. */
bool wire_begins(const struct value *v, const char *s);

/* Copies a string value as NUL-terminated UTF-8. Returns its length, -EMSGSIZE when it does not fit
 * with its NUL, -EINVAL when @v is no string; lone surrogates become U+FFFD, an embedded NUL is
 * -EINVAL. */
int wire_text(const struct value *v, char *dst, size_t size);

/* A VALUE_NUMBER that is an integer in [min, max]: 0 and *ret. Else -EINVAL / -ERANGE. */
int wire_int(const struct value *v, int64_t min, int64_t max, int64_t *ret);

/* Writing. One frame at a time: begin, then objects of key/value pairs, end. Errors stick:
 * wire_end() tells.
 *
 *	wire_begin(&w, SERIAL_ADVANCED);
 *	wire_object(&w);
 *	wire_key(&w, "act");
 *	wire_string(&w, STR("newconn"));
 *	wire_object_end(&w);
 *	frame = wire_end(&w);
 *
 * Emits FF 0D for advanced, which Node 18 to 26, Deno and Bun's json side accept. */
struct wire_writer {
	enum serialization mode;
	struct buf out;
	int err;
	unsigned depth;
	uint32_t members[16]; /* per open object */
};

void wire_begin(struct wire_writer *w, enum serialization mode);
/* @w goes on from where @from is, which stays as it is: what many frames begin with is written
 * once. */
void wire_begin_as(struct wire_writer *w, const struct wire_writer *from);
/* Instead of wire_end(): there will be no frame. */
void wire_drop(struct wire_writer *w);
void wire_object(struct wire_writer *w);
void wire_object_end(struct wire_writer *w);
/* @key is an ASCII literal without characters that JSON escapes. */
void wire_key(struct wire_writer *w, const char *key);
/* @text is UTF-8. */
void wire_string(struct wire_writer *w, struct str text);
/* |n| <= 2^53 */
void wire_number(struct wire_writer *w, int64_t n);
void wire_bool(struct wire_writer *w, bool b);
void wire_null(struct wire_writer *w);
/* A value skimmed from a frame of the same serialization, unchanged. Must not contain V8 back
 * references to objects outside itself (values of ours and of Node's cluster protocol do not).
 * VALUE_ABSENT writes null. */
void wire_value(struct wire_writer *w, const struct value *v);
/* The finished frame with its framing, one reference owned by the caller, or NULL (ENOMEM, nesting
 * > 16, an object left open). The writer is empty again either way. */
struct blob *wire_end(struct wire_writer *w);
