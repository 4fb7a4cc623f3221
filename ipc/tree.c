/* jansson reads JSON, but refuses a whole text for one lone surrogate, which an app's cut string
 * may end with, and takes any number of values in
 * 2048 levels: one pass over the text mends and measures first. */
#include "ipc/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/v8_tree.h"

#include "base/ban.h"

enum { ESCAPE_SIZE = 6 /* \uXXXX */ };

/* The unit that the escape at @p stands for, or -1. */
static long unit_at(const char *p, const char *end)
{
	char digits[5] = { 0 };

	if (end - p < ESCAPE_SIZE || p[0] != '\\' || p[1] != 'u' ||
	    strspn(p + 2, "0123456789abcdefABCDEF") < 4)
		return -1;
	memcpy(digits, p + 2, 4);
	return strtol(digits, NULL, 16);
}

static bool is_high(long unit)
{
	return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low(long unit)
{
	return unit >= 0xdc00 && unit <= 0xdfff;
}

/* The escape at @p, which a lone surrogate becomes U+FFFD in. Its size. */
static size_t mend_escape(char *p, const char *end)
{
	static const char replacement[] = { 'f', 'f', 'f', 'd' };
	long unit = unit_at(p, end);

	if (unit < 0)
		return 2;
	if (is_high(unit) && is_low(unit_at(p + ESCAPE_SIZE, end)))
		return 2L * ESCAPE_SIZE;
	if (is_high(unit) || is_low(unit))
		memcpy(p + 2, replacement, sizeof(replacement));
	return ESCAPE_SIZE;
}

/* From behind the opening quote to behind the closing one, or the end. */
static char *mend_string(char *p, const char *end)
{
	while (p < end && *p != '"') {
		size_t n = *p == '\\' ? mend_escape(p, end) : 1;

		p = (size_t)(end - p) < n ? (char *)end : p + n;
	}
	return p < end ? p + 1 : p;
}

/* False: too deep, or too many values. */
static bool mend_and_measure(char *p, const char *end)
{
	size_t n_values = 1, depth = 0;

	while (p < end && depth <= TREE_DEPTH_MAX && n_values <= TREE_VALUES_MAX) {
		char c = *p++;

		if (c == '"')
			p = mend_string(p, end);
		n_values += c == ',' || c == '[' || c == '{';
		depth += c == '[' || c == '{';
		depth -= depth > 0 && (c == ']' || c == '}');
	}
	return p == end;
}

static int json_tree_read(char *p, size_t n, json_t **ret)
{
	json_error_t error;
	json_t *root;

	if (!mend_and_measure(p, p + n))
		return -EMSGSIZE;
	root = json_loadb(p, n, JSON_ALLOW_NUL | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &error);
	if (!root)
		return json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : -EBADMSG;
	*ret = root;
	return 0;
}

int tree_read(enum serialization mode, char *payload, size_t n, json_t **ret)
{
	return mode == SERIAL_JSON ? json_tree_read(payload, n, ret)
				   : v8_tree_read((struct str){ payload, n }, ret);
}
