/* A strict JSON reader that only walks, without recursion: of every open bracket it remembers one
 * bit, its kind. Strings may hold any UTF-8, valid or not: that is the receiver's business; a raw
 * control character ends the message as undecodable, as JSON.parse would. */
#include "ipc/json.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#include "ipc/text.h"

#include "base/ban.h"

static const uint64_t EXACT_MAX = UINT64_C(1) << 53; /* as a double */

struct reader {
	const char *p, *end;
	unsigned depth; /* open brackets */
	bool too_deep;
	uint64_t braces[VALUE_DEPTH_MAX / 64 + 1]; /* a bit of each of them: is it a brace? */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_blanks(struct reader *r)
{
	while (r->p < r->end && is_blank(*r->p))
		r->p++;
}

/* The next character behind blanks, not consumed; -1 at the end. */
static int peek_char(struct reader *r)
{
	if (r->p<r->end && * r->p> ' ')
		return *r->p;
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

static bool is_plain(char c)
{
	return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

/* Of eight characters those that are not plain, as the high bits of their bytes. The lowest one is
 * right; the ones above it may be wrong, by what the subtractions borrow. A quote with its second
 * bit flipped is 0x20, next to the control characters, which stay where they are. */
static uint64_t not_plain(uint64_t c)
{
	const uint64_t ones = 0x0101010101010101;
	uint64_t control_or_quote = (c ^ 0x02 * ones) - 0x21 * ones;
	uint64_t backslash = (c ^ '\\' * ones) - ones;

	return (control_or_quote | backslash) & ~c & 0x80 * ones;
}

static void skip_plain(struct reader *r)
{
	while (r->end - r->p >= 8) {
		uint64_t eight, found;

		memcpy(&eight, r->p, 8);
		found = not_plain(le64toh(eight));
		if (found) {
			r->p += __builtin_ctzll(found) / 8;
			return;
		}
		r->p += 8;
	}
	while (r->p < r->end && is_plain(*r->p))
		r->p++;
}

/* Behind the opening quote, to behind the closing one. */
static bool skip_string(struct reader *r)
{
	for (;;) {
		skip_plain(r);
		if (r->p == r->end)
			return false;
		if (*r->p == '"') {
			r->p++;
			return true;
		}
		if (*r->p++ != '\\' || !skip_escape(r))
			return false;
	}
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t skip_digits(struct reader *r)
{
	const char *p = r->p, *start = p;

	while (p < r->end && is_digit(*p))
		p++;
	r->p = p;
	return (size_t)(p - start);
}

static bool skip_exponent(struct reader *r)
{
	r->p++;
	if (r->p < r->end && (*r->p == '+' || *r->p == '-'))
		r->p++;
	return skip_digits(r) > 0;
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
	if (r->p < r->end && (*r->p == 'e' || *r->p == 'E'))
		return skip_exponent(r);
	return true;
}

/* Nesting */

enum step {
	STEP_FAILED,
	STEP_VALUE, /* a value comes next */
	STEP_DONE,  /* a value has just ended */
};

static bool enter(struct reader *r, bool brace)
{
	uint64_t bit = UINT64_C(1) << r->depth % 64, *word = &r->braces[r->depth / 64];

	if (r->depth == VALUE_DEPTH_MAX) {
		r->too_deep = true;
		return false;
	}
	*word = brace ? *word | bit : *word & ~bit;
	r->depth++;
	return true;
}

static bool is_in_braces(const struct reader *r)
{
	unsigned level = r->depth - 1;

	return r->braces[level / 64] >> level % 64 & 1;
}

static enum step skip_key(struct reader *r)
{
	return take_char(r, '"') && skip_string(r) && take_char(r, ':') ? STEP_VALUE : STEP_FAILED;
}

static enum step begin_container(struct reader *r, bool brace)
{
	r->p++;
	if (!enter(r, brace))
		return STEP_FAILED;
	if (take_char(r, brace ? '}' : ']')) {
		r->depth--;
		return STEP_DONE;
	}
	return brace ? skip_key(r) : STEP_VALUE;
}

static enum step done_if(bool ok)
{
	return ok ? STEP_DONE : STEP_FAILED;
}

/* A whole value, or of one with others in it what is in front of the first. */
static enum step begin_value(struct reader *r)
{
	switch (peek_char(r)) {
	case '"':
		r->p++;
		return done_if(skip_string(r));
	case '{':
		return begin_container(r, true);
	case '[':
		return begin_container(r, false);
	case 't':
		return done_if(take_word(r, STR("true")));
	case 'f':
		return done_if(take_word(r, STR("false")));
	case 'n':
		return done_if(take_word(r, STR("null")));
	default:
		return done_if(skip_number(r));
	}
}

/* What comes behind a value, up to the next one or to the end of the bracket at level @base. */
static enum step end_value(struct reader *r, unsigned base)
{
	while (r->depth > base) {
		bool brace = is_in_braces(r);
		int c = peek_char(r);

		if (c != ',' && c != (brace ? '}' : ']'))
			return STEP_FAILED;
		r->p++;
		if (c == ',')
			return brace ? skip_key(r) : STEP_VALUE;
		r->depth--;
	}
	return STEP_DONE;
}

static bool skip_value(struct reader *r)
{
	unsigned base = r->depth;
	enum step step;

	do {
		step = begin_value(r);
		if (step == STEP_DONE)
			step = end_value(r, base);
	} while (step == STEP_VALUE);
	return step == STEP_DONE;
}

/* Classifying */

static void set_number(struct value *v)
{
	char digits[64];
	uint64_t plain;

	v->type = VALUE_NUMBER;
	if (str_to_u64(v->raw, EXACT_MAX, &plain) == 0) {
		v->number = (double)plain;
		return;
	}
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
	struct reader r = { .p = text.p, .end = text.p + text.n };

	if (skim(&r, keys, n, out, ret_root) && peek_char(&r) < 0)
		return 0;
	return r.too_deep ? -E2BIG : -EBADMSG;
}

int json_skim_object(struct str raw, const char *const *keys, size_t n, struct value *out)
{
	struct value root;

	return json_skim(raw, keys, n, out, &root);
}
