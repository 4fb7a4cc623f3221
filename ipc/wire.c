/* One face for both serializations: framing, skimming by dispatch, and a writer that emits either.
 */
#include "ipc/wire.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "base/macros.h"
#include "base/utf8.h"
#include "ipc/json.h"
#include "ipc/text.h"
#include "ipc/v8.h"

#include "base/ban.h"

enum {
	FRAME_MAX =
	    1 << 20, /* what we write ourselves is small; wire_value() may copy ticket keys */
	PREFIX_SIZE = 4,
	V8_BEGIN = 0xff,
	V8_VERSION = 0x0d, /* accepted by every Node since 16, by Deno and by Bun */
};

/* Framing */

static int split_json(struct str in, struct str *ret_payload, size_t *ret_size)
{
	const char *end = in.n ? memchr(in.p, '\n', in.n) : NULL;

	*ret_size = 0;
	if (!end)
		return 0;
	*ret_payload = (struct str){ in.p, (size_t)(end - in.p) };
	*ret_size = ret_payload->n + 1;
	return 1;
}

/* A value begins with 0xff and its version: what does not is no length in front of a value. */
static int split_advanced(struct str in, size_t max, struct str *ret_payload, size_t *ret_size)
{
	const unsigned char *p = (const unsigned char *)in.p;
	size_t n;

	*ret_size = 0;
	if (in.n < PREFIX_SIZE)
		return 0;
	n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
	if (n == 0 || n > max || (in.n > PREFIX_SIZE && p[PREFIX_SIZE] != V8_BEGIN))
		return -EBADMSG;
	if (in.n == PREFIX_SIZE)
		return 0;
	*ret_size = PREFIX_SIZE + n;
	if (in.n - PREFIX_SIZE < n)
		return 0;
	*ret_payload = (struct str){ in.p + PREFIX_SIZE, n };
	return 1;
}

int wire_split(enum serialization mode, struct str in, size_t max, struct str *ret_payload,
	       size_t *ret_size)
{
	return mode == SERIAL_JSON ? split_json(in, ret_payload, ret_size)
				   : split_advanced(in, max, ret_payload, ret_size);
}

/* Reading */

int wire_skim(enum serialization mode, struct str payload, const char *const *keys, size_t n,
	      struct value *out, struct value *ret_root)
{
	return mode == SERIAL_JSON ? json_skim(payload, keys, n, out, ret_root)
				   : v8_skim(payload, keys, n, out, ret_root);
}

int wire_skim_object(enum serialization mode, const struct value *v, const char *const *keys,
		     size_t n, struct value *out)
{
	if (v->type != VALUE_OBJECT)
		return -EINVAL;
	return mode == SERIAL_JSON ? json_skim_object(v->raw, keys, n, out)
				   : v8_skim_object(v->raw, keys, n, out);
}

bool wire_is(const struct value *v, const char *s)
{
	return text_is(v, s);
}

bool wire_begins(const struct value *v, const char *s)
{
	return text_begins(v, s);
}

int wire_text(const struct value *v, char *dst, size_t size)
{
	size_t at = 0, n = 0;
	int32_t c;

	if (v->type != VALUE_STRING)
		return -EINVAL;
	while ((c = text_next(v, &at)) >= 0) {
		char utf8[4];
		size_t k = utf8_write(c, utf8);

		if (c == 0)
			return -EINVAL;
		if (n + k + 1 > size)
			return -EMSGSIZE;
		memcpy(dst + n, utf8, k);
		n += k;
	}
	if (n + 1 > size)
		return -EMSGSIZE;
	dst[n] = '\0';
	return (int)n;
}

int wire_int(const struct value *v, int64_t min, int64_t max, int64_t *ret)
{
	int64_t n;

	if (v->type != VALUE_NUMBER ||
	    !(v->number >= -9007199254740992.0 && v->number <= 9007199254740992.0))
		return -EINVAL;
	n = (int64_t)v->number;
	if ((double)n != v->number)
		return -EINVAL;
	if (n < min || n > max)
		return -ERANGE;
	*ret = n;
	return 0;
}

/* Writing */

static void put(struct wire_writer *w, const void *bytes, size_t n)
{
	if (w->err == 0)
		w->err = buf_append(&w->out, bytes, n);
}

static void put_byte(struct wire_writer *w, char c)
{
	put(w, &c, 1);
}

static void put_varint(struct wire_writer *w, uint32_t v)
{
	for (; v > 0x7f; v >>= 7)
		put_byte(w, (char)(v | 0x80));
	put_byte(w, (char)v);
}

void wire_begin(struct wire_writer *w, enum serialization mode)
{
	static const unsigned char header[PREFIX_SIZE + 2] = { 0, 0, 0, 0, 0xff, V8_VERSION };

	*w = (struct wire_writer){ .mode = mode, .out = BUF_INIT(FRAME_MAX) };
	if (mode == SERIAL_ADVANCED)
		put(w, header, sizeof(header));
}

void wire_begin_as(struct wire_writer *w, const struct wire_writer *from)
{
	*w = *from;
	w->out = BUF_INIT(FRAME_MAX);
	put(w, from->out.p, from->out.len);
}

void wire_drop(struct wire_writer *w)
{
	buf_free(&w->out);
}

void wire_object(struct wire_writer *w)
{
	if (w->depth == ARRAY_LEN(w->members)) {
		w->err = w->err ? w->err : -EMSGSIZE;
		return;
	}
	w->members[w->depth++] = 0;
	put_byte(w, w->mode == SERIAL_JSON ? '{' : 'o');
}

void wire_object_end(struct wire_writer *w)
{
	assert(w->depth > 0 || w->err);
	if (w->err)
		return;
	w->depth--;
	if (w->mode == SERIAL_JSON) {
		put_byte(w, '}');
		return;
	}
	put_byte(w, '{');
	put_varint(w, w->members[w->depth]);
}

static bool is_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] & 0x80)
			return false;
	return true;
}

static void put_json_char(struct wire_writer *w, char c)
{
	char escaped[8];

	if (c == '"' || c == '\\') {
		put_byte(w, '\\');
		put_byte(w, c);
	} else if ((unsigned char)c < 0x20) {
		put(w, escaped, (size_t)snprintf(escaped, sizeof(escaped), "\\u%04x", c));
	} else {
		put_byte(w, c);
	}
}

static void put_string(struct wire_writer *w, struct str s)
{
	if (w->mode == SERIAL_ADVANCED) {
		put_byte(w, is_ascii(s) ? '"' : 'S');
		put_varint(w, (uint32_t)s.n);
		put(w, s.p, s.n);
		return;
	}
	put_byte(w, '"');
	for (size_t i = 0; i < s.n; i++)
		put_json_char(w, s.p[i]);
	put_byte(w, '"');
}

void wire_key(struct wire_writer *w, const char *key)
{
	bool json = w->mode == SERIAL_JSON;

	assert(w->depth > 0 || w->err);
	if (w->err)
		return;
	if (w->members[w->depth - 1]++ > 0 && json)
		put_byte(w, ',');
	put_string(w, str_of(key));
	if (json)
		put_byte(w, ':');
}

void wire_string(struct wire_writer *w, struct str text)
{
	put_string(w, text);
}

void wire_number(struct wire_writer *w, int64_t n)
{
	char text[24];
	double wide = (double)n;

	if (w->mode == SERIAL_JSON) {
		put(w, text, (size_t)snprintf(text, sizeof(text), "%lld", (long long)n));
	} else if (n >= INT32_MIN && n <= INT32_MAX) {
		put_byte(w, 'I');
		put_varint(w, ((uint32_t)n << 1) ^ (n < 0 ? UINT32_MAX : 0));
	} else {
		put_byte(w, 'N');
		put(w, &wide, sizeof(wide));
	}
}

void wire_bool(struct wire_writer *w, bool b)
{
	if (w->mode == SERIAL_ADVANCED)
		put_byte(w, b ? 'T' : 'F');
	else
		put(w, b ? "true" : "false", b ? 4 : 5);
}

void wire_null(struct wire_writer *w)
{
	if (w->mode == SERIAL_ADVANCED)
		put_byte(w, '0');
	else
		put(w, "null", 4);
}

void wire_value(struct wire_writer *w, const struct value *v)
{
	if (v->type == VALUE_ABSENT)
		wire_null(w);
	else
		put(w, v->raw.p, v->raw.n);
}

static void close_frame(struct wire_writer *w)
{
	size_t n;

	if (w->mode == SERIAL_JSON) {
		put_byte(w, '\n');
		return;
	}
	n = w->out.len - PREFIX_SIZE;
	for (int i = 0; i < PREFIX_SIZE; i++)
		w->out.p[i] = (char)(n >> (24 - 8 * i));
}

struct blob *wire_end(struct wire_writer *w)
{
	struct blob *frame = NULL;

	if (w->depth > 0 && w->err == 0)
		w->err = -EINVAL;
	if (w->err == 0)
		close_frame(w);
	if (w->err == 0)
		frame = blob_copy(buf_str(&w->out));
	buf_free(&w->out);
	return frame;
}
