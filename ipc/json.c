/* A strict JSON reader that only walks. Strings may hold any UTF-8, valid or not: that is the
 * receiver's business; a raw control character ends the message as undecodable, as JSON.parse
 * would. */
#include "ipc/json.h"

#include <errno.h>
#include <stdlib.h>

#include "ipc/text.h"

#include "base/ban.h"

enum { DEPTH_MAX = 200 };

struct reader {
	const char *p, *end;
	unsigned depth;
};

static bool skip_value(struct reader *r);

static void skip_blanks(struct reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
		r->p++;
}

/* The next character behind blanks, not consumed; -1 at the end. */
static int peek_char(struct reader *r)
{
	skip_blanks(r);
	return r->p < r->end ? (unsigned char)*r->p : -1;
}

static bool take_char(struct reader *r, char c)
{
	if (peek_char(r) != c)
		return false;
	r->p++;
	return true;
}

static bool take_word(struct reader *r, struct str word)
{
	if ((size_t)(r->end - r->p) < word.n || memcmp(r->p, word.p, word.n) != 0)
		return false;
	r->p += word.n;
	return true;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool skip_escape(struct reader *r)
{
	char c;

	if (r->p == r->end)
		return false;
	c = *r->p++;
	if (c != 'u')
		return strchr("\"\\/bfnrt", c) != NULL && c != '\0';
	for (int i = 0; i < 4; i++)
		if (r->p == r->end || !is_hex(*r->p++))
			return false;
	return true;
}

/* Behind the opening quote, to behind the closing one. */
static bool skip_string(struct reader *r)
{
	while (r->p < r->end) {
		unsigned char c = (unsigned char)*r->p++;

		if (c == '"')
			return true;
		if (c < 0x20 || (c == '\\' && !skip_escape(r)))
			return false;
	}
	return false;
}

static size_t skip_digits(struct reader *r)
{
	const char *start = r->p;

	while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
		r->p++;
	return (size_t)(r->p - start);
}

static bool skip_number(struct reader *r)
{
	const char *first;
	size_t n;

	if (r->p < r->end && *r->p == '-')
		r->p++;
	first = r->p;
	n = skip_digits(r);
	if (n == 0 || (n > 1 && *first == '0'))
		return false;
	if (r->p < r->end && *r->p == '.') {
		r->p++;
		if (skip_digits(r) == 0)
			return false;
	}
	if (r->p < r->end && (*r->p == 'e' || *r->p == 'E')) {
		r->p++;
		if (r->p < r->end && (*r->p == '+' || *r->p == '-'))
			r->p++;
		return skip_digits(r) > 0;
	}
	return true;
}

static bool skip_array(struct reader *r)
{
	if (take_char(r, ']'))
		return true;
	do
		if (!skip_value(r))
			return false;
	while (take_char(r, ','));
	return take_char(r, ']');
}

static bool skip_object(struct reader *r)
{
	if (take_char(r, '}'))
		return true;
	do
		if (!take_char(r, '"') || !skip_string(r) || !take_char(r, ':') || !skip_value(r))
			return false;
	while (take_char(r, ','));
	return take_char(r, '}');
}

static bool skip_nested(struct reader *r, bool (*skip)(struct reader *r))
{
	bool ok;

	if (r->depth == DEPTH_MAX)
		return false;
	r->p++;
	r->depth++;
	ok = skip(r);
	r->depth--;
	return ok;
}

static bool skip_value(struct reader *r)
{
	switch (peek_char(r)) {
	case '"':
		r->p++;
		return skip_string(r);
	case '{':
		return skip_nested(r, skip_object);
	case '[':
		return skip_nested(r, skip_array);
	case 't':
		return take_word(r, STR("true"));
	case 'f':
		return take_word(r, STR("false"));
	case 'n':
		return take_word(r, STR("null"));
	default:
		return skip_number(r);
	}
}

/* Classifying */

static void set_number(struct value *v)
{
	char digits[64];

	v->type = VALUE_NUMBER;
	if (v->raw.n >= sizeof(digits)) { /* no number of Node's has that many digits */
		v->type = VALUE_OTHER;
		return;
	}
	memcpy(digits, v->raw.p, v->raw.n);
	digits[v->raw.n] = '\0';
	v->number = strtod(digits, NULL);
}

static void classify(struct value *v)
{
	switch (v->raw.p[0]) {
	case '"':
		v->type = VALUE_STRING;
		v->encoding = 'j';
		v->text = (struct str){ v->raw.p + 1, v->raw.n - 2 };
		break;
	case '{':
		v->type = VALUE_OBJECT;
		break;
	case '[':
		v->type = VALUE_OTHER;
		break;
	case 't':
	case 'f':
		v->type = VALUE_BOOL;
		v->boolean = v->raw.p[0] == 't';
		break;
	case 'n':
		v->type = VALUE_NULL;
		break;
	default:
		set_number(v);
	}
}

static bool read_value(struct reader *r, struct value *v)
{
	const char *start;

	*v = (struct value){ .type = VALUE_OTHER };
	skip_blanks(r);
	start = r->p;
	if (!skip_value(r))
		return false;
	v->raw = (struct str){ start, (size_t)(r->p - start) };
	classify(v);
	return true;
}

/* Finding keys */

static bool skim_members(struct reader *r, const char *const *keys, size_t n, struct value *out)
{
	if (take_char(r, '}'))
		return true;
	do {
		struct value key, *v;

		if (peek_char(r) != '"' || !read_value(r, &key) || !take_char(r, ':'))
			return false;
		v = text_find(&key, keys, n, out);
		if (v ? !read_value(r, v) : !skip_value(r))
			return false;
	} while (take_char(r, ','));
	return take_char(r, '}');
}

static bool skim(struct reader *r, const char *const *keys, size_t n, struct value *out,
		 struct value *ret_root)
{
	const char *start;

	for (size_t i = 0; i < n; i++)
		out[i] = (struct value){ .type = VALUE_ABSENT };
	if (peek_char(r) != '{')
		return read_value(r, ret_root);
	start = r->p++;
	r->depth++;
	if (!skim_members(r, keys, n, out))
		return false;
	*ret_root =
	    (struct value){ .type = VALUE_OBJECT, .raw = { start, (size_t)(r->p - start) } };
	return true;
}

int json_skim(struct str text, const char *const *keys, size_t n, struct value *out,
	      struct value *ret_root)
{
	struct reader r = { text.p, text.p + text.n, 0 };

	return skim(&r, keys, n, out, ret_root) && peek_char(&r) < 0 ? 0 : -EBADMSG;
}

int json_skim_object(struct str raw, const char *const *keys, size_t n, struct value *out)
{
	struct value root;

	return json_skim(raw, keys, n, out, &root);
}
