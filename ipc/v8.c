/* Skipping through V8's format. Every tag that Node 16 to 26, Deno and V8 itself are known to emit
 * is walked over; an unknown tag makes the whole value undecodable, since nothing tells where it
 * ends. */
#include "ipc/v8.h"

#include <errno.h>

#include "ipc/text.h"

#include "base/ban.h"

enum { DEPTH_MAX = 200, VERSION_MIN = 0x0d };

struct reader {
	const unsigned char *p, *end;
	unsigned depth;
};

static bool skip_value(struct reader *r);

static bool take_varint(struct reader *r, uint32_t *ret)
{
	uint32_t v = 0;

	for (unsigned shift = 0; r->p < r->end && shift < 70; shift += 7) {
		unsigned char byte = *r->p++;

		if (shift < 32)
			v |= (uint32_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = v;
			return true;
		}
	}
	return false;
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

static bool skip_varints(struct reader *r, unsigned n)
{
	uint32_t ignored;

	while (n-- > 0)
		if (!take_varint(r, &ignored))
			return false;
	return true;
}

static bool skip_counted_bytes(struct reader *r)
{
	uint32_t n;

	return take_varint(r, &n) && skip_bytes(r, n);
}

static bool skip_bigint(struct reader *r)
{
	uint32_t bits;

	return take_varint(r, &bits) && skip_bytes(r, bits >> 1);
}

/* Values up to @end_tag, then @counts varints. */
static bool skip_until(struct reader *r, int end_tag, unsigned counts)
{
	int tag;

	while ((tag = peek_tag(r)) != end_tag)
		if (tag < 0 || !skip_value(r))
			return false;
	r->p++;
	return skip_varints(r, counts);
}

static bool skip_dense_array(struct reader *r)
{
	uint32_t n;

	if (!take_varint(r, &n))
		return false;
	while (n-- > 0)
		if (!skip_value(r))
			return false;
	return skip_until(r, '$', 2);
}

/* ArrayBuffer, possibly followed by the view that V8 writes behind it: V, subtag, offset, length
 * and, from version 14 on, flags. Node writes views its own way, so the flags of a foreign writer
 * are the only thing in doubt: 0 is padding. */
static bool skip_array_buffer(struct reader *r)
{
	if (!skip_counted_bytes(r))
		return false;
	if (r->p == r->end || *r->p != 'V')
		return true;
	r->p++;
	return skip_varints(r, 3);
}

static bool skip_resizable_buffer(struct reader *r)
{
	uint32_t n, max;

	return take_varint(r, &n) && take_varint(r, &max) && skip_bytes(r, n);
}

/* Node's own: 0 a view (type, length, bytes), 1 an object standing in for a native one. */
static bool skip_host_object(struct reader *r)
{
	uint32_t kind;

	if (!take_varint(r, &kind))
		return false;
	if (kind == 0)
		return skip_varints(r, 1) && skip_counted_bytes(r);
	return kind == 1 && skip_value(r);
}

static bool skip_regexp(struct reader *r)
{
	return skip_value(r) && skip_varints(r, 1);
}

static bool skip_error(struct reader *r)
{
	while (r->p < r->end) {
		switch (*r->p++) {
		case '.':
			return true;
		case 'm':
		case 'c':
		case 's':
			if (!skip_value(r))
				return false;
			break;
		default: /* the type's letter */
			break;
		}
	}
	return false;
}

static bool skip_tagged(struct reader *r, int tag)
{
	switch (tag) {
	case '_':
	case '0':
	case 'T':
	case 'F':
	case '-':
	case 'x':
	case 'y':
		return true;
	case 'I':
	case 'U':
	case '^':
		return skip_varints(r, 1);
	case 'N':
	case 'D':
	case 'n':
		return skip_bytes(r, 8);
	case 'Z':
	case 'z':
		return skip_bigint(r);
	case '"':
	case 'S':
	case 'c':
		return skip_counted_bytes(r);
	case 's':
		return skip_value(r);
	case 'R':
		return skip_regexp(r);
	case 'o':
		return skip_until(r, '{', 1);
	case 'A':
		return skip_dense_array(r);
	case 'a':
		return skip_varints(r, 1) && skip_until(r, '@', 2);
	case ';':
		return skip_until(r, ':', 1);
	case '\'':
		return skip_until(r, ',', 1);
	case 'r':
		return skip_error(r);
	case 'B':
		return skip_array_buffer(r);
	case '~':
		return skip_resizable_buffer(r);
	case '\\':
		return skip_host_object(r);
	default:
		return false;
	}
}

static bool skip_value(struct reader *r)
{
	int tag = peek_tag(r);
	bool ok;

	if (tag < 0 || r->depth == DEPTH_MAX)
		return false;
	r->p++;
	r->depth++;
	ok = skip_tagged(r, tag);
	r->depth--;
	return ok;
}

/* Classifying */

static bool read_int(struct reader *r, struct value *v, bool zigzag)
{
	uint32_t n;

	if (!take_varint(r, &n))
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
	uint32_t n;

	if (!take_varint(r, &n) || (size_t)(r->end - r->p) < n || (encoding == 'w' && n % 2))
		return false;
	v->type = VALUE_STRING;
	v->encoding = encoding;
	v->text = (struct str){ (const char *)r->p, n };
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
		v->type = tag == 'o' ? VALUE_OBJECT : VALUE_OTHER;
		return skip_tagged(r, tag);
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
	r->depth++;
	ok = read_tagged(r, tag, v);
	r->depth--;
	v->raw = (struct str){ start, (size_t)((const char *)r->p - start) };
	return ok;
}

/* Finding keys */

static bool skim_members(struct reader *r, const char *const *keys, size_t n, struct value *out)
{
	int tag;

	while ((tag = peek_tag(r)) != '{') {
		struct value key, *v;

		if (tag < 0 || !read_value(r, &key))
			return false;
		v = text_find(&key, keys, n, out);
		if (v ? !read_value(r, v) : !skip_value(r))
			return false;
	}
	r->p++;
	return skip_varints(r, 1);
}

static void forget(struct value *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (struct value){ .type = VALUE_ABSENT };
}

static int skim(struct reader *r, const char *const *keys, size_t n, struct value *out,
		struct value *ret_root)
{
	const char *start;

	forget(out, n);
	if (peek_tag(r) != 'o')
		return read_value(r, ret_root) ? 0 : -EBADMSG;
	start = (const char *)r->p++;
	r->depth++;
	if (!skim_members(r, keys, n, out))
		return -EBADMSG;
	*ret_root = (struct value){ .type = VALUE_OBJECT,
				    .raw = { start, (size_t)((const char *)r->p - start) } };
	return 0;
}

int v8_skim(struct str payload, const char *const *keys, size_t n, struct value *out,
	    struct value *ret_root)
{
	struct reader r = { (const unsigned char *)payload.p,
			    (const unsigned char *)payload.p + payload.n, 0 };
	uint32_t version;

	if (payload.n < 3 || *r.p++ != 0xff || !take_varint(&r, &version) || version < VERSION_MIN)
		return -EBADMSG;
	return skim(&r, keys, n, out, ret_root);
}

int v8_skim_object(struct str raw, const char *const *keys, size_t n, struct value *out)
{
	struct reader r = { (const unsigned char *)raw.p, (const unsigned char *)raw.p + raw.n, 0 };
	struct value root;

	return skim(&r, keys, n, out, &root);
}
