/* V8's serialization format as a tree (v8 src/objects/value-serializer.cc, node
 * lib/internal/child_process/serialization.js). One loop over a stack of open containers, so that
 * nesting costs no stack of ours. Objects are numbered as they begin; a later mention is that
 * number. One that is mentioned inside itself is refused: trees have no circles. Tags that an app's
 * plain data does not have (maps, sets, regular expressions, errors) make the message undecodable.
 */
#include "ipc/v8_tree.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "ipc/text.h"
#include "ipc/tree.h"
#include "ipc/value.h"

#include "base/ban.h"

enum { VERSION_MIN = 0x0d, KEY_MAX = 512, REPLACEMENT = 0xfffd };

/* A container whose end has not come. */
struct open {
	json_t *value;  /* kept by the object's number */
	uint32_t id;    /* the object's number */
	uint32_t left;  /* elements of a dense array that are to come */
	char end;       /* the tag that ends it */
	bool has_key;   /* .key waits for its value */
	bool drops;     /* an array's elements are read; what follows is no element */
	uint8_t height; /* of what is in it so far */
	char key[KEY_MAX];
};

struct object {
	json_t *value; /* a reference */
	bool complete;
	uint8_t height; /* containers on the longest way down in it, itself included */
};

struct reader {
	const unsigned char *p, *end;
	int err;
	size_t n_values;
	struct object *objects;
	size_t n_objects, room;
	struct open stack[TREE_DEPTH_MAX];
	unsigned depth;
	json_t *root;
};

/* False from here on; the first reason counts. */
static bool fail(struct reader *r, int err)
{
	if (r->err == 0)
		r->err = err;
	return false;
}

static bool take_bytes(struct reader *r, size_t n, const unsigned char **ret)
{
	if ((size_t)(r->end - r->p) < n) {
		(void)fail(r, -EBADMSG);
		return false;
	}
	*ret = r->p;
	r->p += n;
	return true;
}

static bool take_varint(struct reader *r, uint32_t *ret)
{
	uint32_t v = 0;

	for (unsigned shift = 0; r->p < r->end && shift < 35; shift += 7) {
		unsigned char byte = *r->p++;

		if (shift < 32)
			v |= (uint32_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = v;
			return true;
		}
	}
	(void)fail(r, -EBADMSG);
	return false;
}

/* The next tag, padding skipped; -1 at the end. Not consumed. */
static int peek_tag(struct reader *r)
{
	while (r->p < r->end && *r->p == 0)
		r->p++;
	return r->p < r->end ? *r->p : -1;
}

/* Objects */

static bool make_room(struct reader *r)
{
	size_t room = r->room ? r->room * 2 : 64;
	struct object *objects;

	if (r->n_objects < r->room)
		return true;
	objects = realloc(r->objects, room * sizeof(*objects));
	if (!objects)
		return fail(r, -ENOMEM);
	r->objects = objects;
	r->room = room;
	return true;
}

/* Gives @value, whose reference is taken, the next number. */
static bool number_object(struct reader *r, json_t *value, bool complete)
{
	if (!value || !make_room(r)) {
		json_decref(value);
		return fail(r, -ENOMEM);
	}
	r->objects[r->n_objects++] = (struct object){ value, complete, 0 };
	return true;
}

/* A value that is an object to V8, but none with contents to us. */
static json_t *numbered(struct reader *r, json_t *value)
{
	if (number_object(r, json_incref(value), true))
		return value;
	json_decref(value);
	return NULL;
}

/* Freeing a tree goes as deep as it is, and mentions could make one of any depth. */
static bool grow(struct reader *r, unsigned height)
{
	struct open *in = r->depth ? &r->stack[r->depth - 1] : NULL;

	if (r->depth + height > TREE_DEPTH_MAX)
		return fail(r, -EMSGSIZE);
	if (in && in->height < height)
		in->height = (uint8_t)height;
	return true;
}

static json_t *mentioned(struct reader *r)
{
	uint32_t id;

	if (!take_varint(r, &id))
		return NULL;
	if (id >= r->n_objects || !r->objects[id].complete) {
		(void)fail(r, -EBADMSG);
		return NULL;
	}
	return grow(r, r->objects[id].height) ? json_incref(r->objects[id].value) : NULL;
}

static bool push(struct reader *r, json_t *value, char end, uint32_t left)
{
	if (r->depth == TREE_DEPTH_MAX) {
		json_decref(value);
		return fail(r, -EMSGSIZE);
	}
	if (!number_object(r, value, false))
		return false;
	r->stack[r->depth++] = (struct open){
		.value = value, .id = (uint32_t)r->n_objects - 1, .left = left, .end = end
	};
	return true;
}

/* Scalars */

/* Non-finite ones are no JSON numbers. */
static json_t *number_value(double d)
{
	if (isnan(d))
		return json_string("NaN");
	if (isinf(d))
		return json_string(d < 0 ? "-Infinity" : "Infinity");
	return json_real(d);
}

static json_t *read_int(struct reader *r, bool zigzag)
{
	uint32_t n;

	if (!take_varint(r, &n))
		return NULL;
	return json_real(zigzag ? (double)((int32_t)(n >> 1) ^ -(int32_t)(n & 1)) : (double)n);
}

static json_t *read_double(struct reader *r)
{
	const unsigned char *p;
	double d;

	if (!take_bytes(r, sizeof(d), &p))
		return NULL;
	memcpy(&d, p, sizeof(d));
	return number_value(d);
}

static bool take_string(struct reader *r, int tag, struct value *ret)
{
	const unsigned char *p;
	uint32_t n;

	if (!take_varint(r, &n) || !take_bytes(r, n, &p))
		return false;
	if (tag == 'c' && n % 2) {
		(void)fail(r, -EBADMSG);
		return false;
	}
	*ret = (struct value){ .type = VALUE_STRING,
			       .text = { (const char *)p, n },
			       .encoding = (char)(tag == '"'   ? 'l'
						  : tag == 'S' ? 'u'
							       : 'w') };
	return true;
}

/* Writes the text as UTF-8, @nul for NUL; @dst has room for three bytes for each of it and four. */
static size_t write_text(const struct value *v, int32_t nul, char *dst)
{
	size_t at = 0, n = 0;
	int32_t c;

	while ((c = text_next(v, &at)) >= 0)
		n += utf8_write(c ? c : nul, dst + n);
	return n;
}

static json_t *read_string(struct reader *r, int tag)
{
	struct value v;
	json_t *made;
	char *utf8;

	if (!take_string(r, tag, &v))
		return NULL;
	utf8 = malloc(3 * v.text.n + 4);
	made = utf8 ? json_stringn_nocheck(utf8, write_text(&v, 0, utf8)) : NULL;
	free(utf8);
	return made;
}

/* A bigint's magnitude says how long it is; no metric is one. */
static json_t *read_bigint(struct reader *r)
{
	const unsigned char *p;
	uint32_t bits;

	return take_varint(r, &bits) && take_bytes(r, bits >> 1, &p) ? json_null() : NULL;
}

/* Node's own: 0 is a view, such as a Buffer: type, length, bytes. */
static json_t *read_bytes(struct reader *r)
{
	const unsigned char *p;
	uint32_t kind, type, n;

	if (!take_varint(r, &kind))
		return NULL;
	if (kind != 0) {
		(void)fail(r, -EBADMSG);
		return NULL;
	}
	if (!take_varint(r, &type) || !take_varint(r, &n) || !take_bytes(r, n, &p))
		return NULL;
	return numbered(r, json_null());
}

/* A date or a boxed number. */
static json_t *read_number_object(struct reader *r)
{
	json_t *d = read_double(r);

	return d ? numbered(r, d) : NULL;
}

/* NULL: r->err says why, or there was no memory. */
static json_t *read_scalar(struct reader *r, int tag)
{
	switch (tag) {
	case '_':
	case '0':
	case '-':
		return json_null();
	case 'T':
	case 'F':
		return json_boolean(tag == 'T');
	case 'x':
	case 'y':
		return numbered(r, json_boolean(tag == 'y'));
	case 'I':
	case 'U':
		return read_int(r, tag == 'I');
	case 'N':
		return read_double(r);
	case 'D':
	case 'n':
		return read_number_object(r);
	case 'Z':
		return read_bigint(r);
	case '"':
	case 'S':
	case 'c':
		return read_string(r, tag);
	case '^':
		return mentioned(r);
	case '\\':
		return read_bytes(r);
	default:
		(void)fail(r, -EBADMSG);
		return NULL;
	}
}

/* Containers */

/* Puts @value, whose reference is taken, where it belongs. */
static bool attach(struct reader *r, json_t *value, bool undefined)
{
	struct open *in = r->depth ? &r->stack[r->depth - 1] : NULL;
	bool ok = true;

	if (!in) {
		r->root = value;
		return true;
	}
	if (json_is_object(in->value) && !undefined)
		ok = json_object_set_new_nocheck(in->value, in->key, value) == 0;
	else if (json_is_array(in->value) && !in->drops)
		ok = json_array_append_new(in->value, value) == 0;
	else
		json_decref(value);
	in->has_key = false;
	return ok || fail(r, -ENOMEM);
}

static bool read_container(struct reader *r, int tag)
{
	uint32_t n = 0;
	json_t *made;

	if (tag != 'o' && !take_varint(r, &n))
		return false;
	made = tag == 'o' ? json_object() : json_array();
	if (!made)
		return fail(r, -ENOMEM);
	if (!attach(r, json_incref(made), false)) {
		json_decref(made);
		return false;
	}
	return push(r, made, (char)(tag == 'o' ? '{' : tag == 'A' ? '$' : '@'), tag == 'A' ? n : 0);
}

static bool read_value(struct reader *r)
{
	int tag = peek_tag(r);
	json_t *made;

	if (tag < 0)
		return fail(r, -EBADMSG);
	if (++r->n_values > TREE_VALUES_MAX)
		return fail(r, -EMSGSIZE);
	r->p++;
	if (tag == 'o' || tag == 'A' || tag == 'a')
		return read_container(r, tag);
	made = read_scalar(r, tag);
	return made ? attach(r, made, tag == '_') : fail(r, -ENOMEM);
}

/* Keys are strings or the numbers of array elements. */
static bool read_key(struct reader *r, struct open *in)
{
	int tag = peek_tag(r);
	struct value v;
	uint32_t n;

	if (tag < 0)
		return fail(r, -EBADMSG);
	r->p++;
	in->has_key = true;
	if (tag == 'I' || tag == 'U') {
		if (!take_varint(r, &n))
			return false;
		(void)snprintf(in->key, sizeof(in->key), "%u", tag == 'I' ? n >> 1 : n);
		return true;
	}
	if ((tag != '"' && tag != 'S' && tag != 'c') || !take_string(r, tag, &v))
		return fail(r, -EBADMSG);
	if (3 * v.text.n + 4 > sizeof(in->key))
		return fail(r, -EMSGSIZE);
	in->key[write_text(&v, REPLACEMENT, in->key)] = '\0';
	return true;
}

static bool close_top(struct reader *r)
{
	struct open *in = &r->stack[r->depth - 1];
	uint32_t ignored;

	r->p++;
	r->objects[in->id].complete = true;
	r->objects[in->id].height = in->height + 1;
	r->depth--;
	if (!grow(r, in->height + 1u))
		return false;
	return take_varint(r, &ignored) && (in->end == '{' || take_varint(r, &ignored));
}

/* One step inside the innermost container. */
static bool step(struct reader *r)
{
	struct open *in = &r->stack[r->depth - 1];

	if (in->left > 0) {
		in->left--;
		return read_value(r);
	}
	if (in->has_key)
		return read_value(r);
	in->drops = json_is_array(in->value) && in->end == '$';
	if (peek_tag(r) == in->end)
		return close_top(r);
	return read_key(r, in);
}

static bool read_header(struct reader *r)
{
	const unsigned char *p;
	uint32_t version;

	if (!take_bytes(r, 1, &p) || *p != 0xff || !take_varint(r, &version) ||
	    version < VERSION_MIN)
		return fail(r, -EBADMSG);
	return true;
}

int v8_tree_read(struct str payload, json_t **ret)
{
	struct reader r = { .p = (const unsigned char *)payload.p,
			    .end = (const unsigned char *)payload.p + payload.n };
	bool ok = read_header(&r) && read_value(&r);

	while (ok && r.depth > 0)
		ok = step(&r);
	for (size_t i = 0; i < r.n_objects; i++)
		json_decref(r.objects[i].value);
	free(r.objects);
	if (!ok) {
		json_decref(r.root);
		return r.err;
	}
	*ret = r.root;
	return 0;
}
