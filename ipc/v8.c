/* Skipping through V8's format, without recursion: of every open container it remembers the tag
 * that ends it. Every tag that Node 16 to 26, Deno and V8 itself are known to emit is walked over;
 * an unknown tag makes the whole value undecodable, since nothing tells where it ends. What the
 * ends of containers say about the number of their members is not checked, nor are back references.
 */
#include "ipc/v8.h"

#include <errno.h>

#include "ipc/text.h"

#include "base/ban.h"

enum {
	VERSION_MIN = 0x0d,
	VERSION_VIEW_FLAGS = 0x0e,
	VARINT_MAX = 5,                 /* bytes */
	BIGINT_BYTES_MASK = 0x3fffffff, /* behind the sign bit */
};

struct reader {
	const unsigned char *p, *end;
	int64_t version; /* 0: a part of a payload */
	unsigned depth;  /* open containers */
	bool too_deep;
	unsigned char ends[VALUE_DEPTH_MAX]; /* the end tag of each of them */
};

static void reader_init(struct reader *r, struct str bytes)
{
	r->p = (const unsigned char *)bytes.p;
	r->end = r->p + bytes.n;
	r->version = 0;
	r->depth = 0;
	r->too_deep = false;
}

/* V8 takes five bytes at most, whatever the high bit of the fifth says, unless it is the last one.
 */
static int64_t take_long_varint(struct reader *r)
{
	uint32_t v = 0;

	for (int i = 0; i < VARINT_MAX && r->p < r->end; i++) {
		unsigned char byte = *r->p++;

		v |= (uint32_t)(byte & 0x7f) << 7 * i;
		if (!(byte & 0x80) || (i == VARINT_MAX - 1 && r->p < r->end))
			return v;
	}
	return -1;
}

/* A 32-bit number, or -1. */
static int64_t take_varint(struct reader *r)
{
	if (r->p < r->end && !(*r->p & 0x80))
		return *r->p++;
	return take_long_varint(r);
}

static bool skip_bytes(struct reader *r, size_t n)
{
	if ((size_t)(r->end - r->p) < n)
		return false;
	r->p += n;
	return true;
}

/* The next tag, padding skipped; -1 at the end. Not consumed. */
static int peek_tag(struct reader *r)
{
	while (r->p < r->end && *r->p == 0)
		r->p++;
	return r->p < r->end ? *r->p : -1;
}

static bool take_tag(struct reader *r, int tag)
{
	if (peek_tag(r) != tag)
		return false;
	r->p++;
	return true;
}

static bool skip_varint(struct reader *r)
{
	const unsigned char *p = r->p;

	for (int i = 0; i < VARINT_MAX && p < r->end; i++) {
		if (*p++ & 0x80 && (i < VARINT_MAX - 1 || p == r->end))
			continue;
		r->p = p;
		return true;
	}
	return false;
}

static bool skip_varints(struct reader *r, unsigned n)
{
	while (n-- > 0)
		if (!skip_varint(r))
			return false;
	return true;
}

static bool skip_counted_bytes(struct reader *r)
{
	int64_t n = take_varint(r);

	return n >= 0 && skip_bytes(r, (size_t)n);
}

static bool skip_bigint(struct reader *r)
{
	int64_t bits = take_varint(r);

	return bits >= 0 && skip_bytes(r, (size_t)bits >> 1 & BIGINT_BYTES_MASK);
}

/* A string with its tag, where nothing else may be. */
static bool skip_string(struct reader *r)
{
	int tag = peek_tag(r);

	if (tag != '"' && tag != 'c' && tag != 'S')
		return false;
	r->p++;
	return skip_counted_bytes(r);
}

/* Behind an ArrayBuffer, or a reference to one, V8 itself writes the view that it was found in:
 * subtag, offset, length and, from version 14 on, flags. Node has its own way to write views. */
static bool skip_view(struct reader *r)
{
	if (!take_tag(r, 'V'))
		return true;
	return skip_varints(r, r->version >= VERSION_VIEW_FLAGS ? 4 : 3);
}

static bool skip_resizable_buffer(struct reader *r)
{
	int64_t n = take_varint(r);

	return n >= 0 && skip_varint(r) && skip_bytes(r, (size_t)n);
}

/* Nesting */

static bool enter(struct reader *r, unsigned char end_tag)
{
	if (r->depth == VALUE_DEPTH_MAX) {
		r->too_deep = true;
		return false;
	}
	r->ends[r->depth++] = end_tag;
	return true;
}

enum step {
	STEP_FAILED,
	STEP_VALUE, /* what it was belongs to the value that comes next */
	STEP_DONE,
};

static enum step done_if(bool ok)
{
	return ok ? STEP_DONE : STEP_FAILED;
}

/* Node's own: 0 a view (type, length, bytes), 1 an object standing in for a native one. */
static enum step begin_host_object(struct reader *r)
{
	switch (take_varint(r)) {
	case 0:
		return done_if(skip_varint(r) && skip_counted_bytes(r));
	case 1:
		return STEP_VALUE;
	default:
		return STEP_FAILED;
	}
}

static enum step begin_tagged(struct reader *r, int tag)
{
	switch (tag) {
	case '_':
	case '0':
	case 'T':
	case 'F':
	case '-':
	case 'x':
	case 'y':
		return STEP_DONE;
	case 'I':
	case 'U':
		return done_if(skip_varint(r));
	case '^':
		return done_if(skip_varint(r) && skip_view(r));
	case 'N':
	case 'D':
	case 'n':
		return done_if(skip_bytes(r, 8));
	case 'Z':
	case 'z':
		return done_if(skip_bigint(r));
	case '"':
	case 'S':
	case 'c':
		return done_if(skip_counted_bytes(r));
	case 's':
		return done_if(skip_string(r));
	case 'R':
		return done_if(skip_string(r) && skip_varint(r));
	case 'o':
		return done_if(enter(r, '{'));
	case 'A':
		return done_if(skip_varint(r) && enter(r, '$'));
	case 'a':
		return done_if(skip_varint(r) && enter(r, '@'));
	case ';':
		return done_if(enter(r, ':'));
	case '\'':
		return done_if(enter(r, ','));
	case 'r':
		return done_if(enter(r, '.'));
	case 'B':
	case 'C': /* immutable: V8 14 */
		return done_if(skip_counted_bytes(r) && skip_view(r));
	case '~':
		return done_if(skip_resizable_buffer(r) && skip_view(r));
	case '\\':
		return begin_host_object(r);
	case '?': /* a count that V8 has long stopped to write and to look at */
		return skip_varint(r) ? STEP_VALUE : STEP_FAILED;
	default:
		return STEP_FAILED;
	}
}

/* A whole value, or the beginning of a container. @tag has been peeked at. */
static bool begin_value(struct reader *r, int tag)
{
	enum step step;

	for (; tag >= 0; tag = peek_tag(r)) {
		r->p++;
		step = begin_tagged(r, tag);
		if (step != STEP_VALUE)
			return step == STEP_DONE;
	}
	return false;
}

/* The next part of an Error: message, stack, cause, or the letter of its type. */
static bool go_on_in_error(struct reader *r)
{
	int64_t part = take_varint(r);

	switch (part) {
	case '.':
		r->depth--;
		return true;
	case 'm':
	case 's':
		return skip_string(r);
	case 'c':
		return begin_value(r, peek_tag(r));
	default:
		return part > 0 && part < 0x80 && strchr("EFRSTU", (int)part);
	}
}

/* The next member of the innermost container, or its end. */
static bool go_on(struct reader *r)
{
	int tag, end_tag = r->ends[r->depth - 1];

	if (end_tag == '.')
		return go_on_in_error(r);
	tag = peek_tag(r);
	if (tag != end_tag)
		return begin_value(r, tag);
	r->p++;
	r->depth--;
	return skip_varints(r, end_tag == '$' || end_tag == '@' ? 2 : 1);
}

static bool skip_value(struct reader *r)
{
	unsigned base = r->depth;

	if (!begin_value(r, peek_tag(r)))
		return false;
	while (r->depth > base)
		if (!go_on(r))
			return false;
	return true;
}

/* Classifying */

static bool read_int(struct reader *r, struct value *v, bool zigzag)
{
	int64_t wide = take_varint(r);
	uint32_t n = (uint32_t)wide;

	if (wide < 0)
		return false;
	v->type = VALUE_NUMBER;
	v->number = zigzag ? (double)((int32_t)(n >> 1) ^ -(int32_t)(n & 1)) : (double)n;
	return true;
}

static bool read_double(struct reader *r, struct value *v)
{
	if (r->end - r->p < 8)
		return false;
	memcpy(&v->number, r->p, 8);
	v->type = VALUE_NUMBER;
	r->p += 8;
	return true;
}

static bool read_string(struct reader *r, struct value *v, char encoding)
{
	int64_t n = take_varint(r);

	if (n < 0 || r->end - r->p < n || (encoding == 'w' && n % 2))
		return false;
	v->type = VALUE_STRING;
	v->encoding = encoding;
	v->text = (struct str){ (const char *)r->p, (size_t)n };
	r->p += n;
	return true;
}

static bool read_simple(struct value *v, enum value_type type, bool boolean)
{
	v->type = type;
	v->boolean = boolean;
	return true;
}

static bool read_tagged(struct reader *r, int tag, struct value *v)
{
	switch (tag) {
	case '_':
		return read_simple(v, VALUE_UNDEFINED, false);
	case '0':
		return read_simple(v, VALUE_NULL, false);
	case 'T':
	case 'F':
		return read_simple(v, VALUE_BOOL, tag == 'T');
	case 'I':
	case 'U':
		return read_int(r, v, tag == 'I');
	case 'N':
		return read_double(r, v);
	case '"':
		return read_string(r, v, 'l');
	case 'S':
		return read_string(r, v, 'u');
	case 'c':
		return read_string(r, v, 'w');
	default:
		r->p--;
		v->type = tag == 'o' ? VALUE_OBJECT : VALUE_OTHER;
		return skip_value(r);
	}
}

static bool read_value(struct reader *r, struct value *v)
{
	int tag = peek_tag(r);
	const char *start = (const char *)r->p;
	bool ok;

	*v = (struct value){ .type = VALUE_OTHER };
	if (tag < 0)
		return false;
	r->p++;
	ok = read_tagged(r, tag, v);
	v->raw = (struct str){ start, (size_t)((const char *)r->p - start) };
	return ok;
}

/* Finding keys */

static bool skim_members(struct reader *r, const char *const *keys, size_t n, struct value *out)
{
	while (!take_tag(r, '{')) {
		struct value key, *v;

		if (!read_value(r, &key))
			return false;
		v = text_find(&key, keys, n, out);
		if (v ? !read_value(r, v) : !skip_value(r))
			return false;
	}
	return skip_varint(r);
}

static bool skim_root(struct reader *r, const char *const *keys, size_t n, struct value *out,
		      struct value *ret_root)
{
	const char *start;

	if (peek_tag(r) != 'o')
		return read_value(r, ret_root);
	start = (const char *)r->p++;
	if (!enter(r, '{') || !skim_members(r, keys, n, out))
		return false;
	*ret_root = (struct value){ .type = VALUE_OBJECT,
				    .raw = { start, (size_t)((const char *)r->p - start) } };
	return true;
}

static int skim(struct reader *r, const char *const *keys, size_t n, struct value *out,
		struct value *ret_root)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (struct value){ .type = VALUE_ABSENT };
	if (skim_root(r, keys, n, out, ret_root))
		return 0;
	return r->too_deep ? -E2BIG : -EBADMSG;
}

int v8_skim(struct str payload, const char *const *keys, size_t n, struct value *out,
	    struct value *ret_root)
{
	struct reader r;

	reader_init(&r, payload);
	if (payload.n < 3 || *r.p++ != 0xff)
		return -EBADMSG;
	r.version = take_varint(&r);
	if (r.version < VERSION_MIN)
		return -EBADMSG;
	return skim(&r, keys, n, out, ret_root);
}

int v8_skim_object(struct str raw, const char *const *keys, size_t n, struct value *out)
{
	struct reader r;
	struct value root;

	reader_init(&r, raw);
	return skim(&r, keys, n, out, &root);
}
