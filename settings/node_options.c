/* Node's own options. See node_options.h. */
#include "settings/node_options.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"

#include "base/ban.h"

enum { WORDS_MAX = 64 };

/* Whether @word is --@name; then what follows its "=", with p NULL where there is none. */
static bool is_option(struct str word, struct str name, struct str *ret_value)
{
	if (word.n < name.n + 2 || memcmp(word.p, "--", 2) != 0)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (word.p[i + 2] != name.p[i] && !(word.p[i + 2] == '_' && name.p[i] == '-'))
			return false;
	word = (struct str){ word.p + 2 + name.n, word.n - 2 - name.n };
	*ret_value = word.n ? (struct str){ word.p + 1, word.n - 1 } : (struct str){ 0 };
	return word.n == 0 || word.p[0] == '=';
}

static bool is_script(struct str word)
{
	static const struct str extensions[] = { { ".js", 3 }, { ".mjs", 4 }, { ".cjs", 4 },
						 { ".ts", 3 }, { ".mts", 4 }, { ".cts", 4 } };

	for (size_t i = 0; i < ARRAY_LEN(extensions); i++)
		if (word.n > extensions[i].n && word.p[0] != '-' &&
		    memcmp(word.p + word.n - extensions[i].n, extensions[i].p, extensions[i].n) ==
			0)
			return true;
	return false;
}

static struct str find(const struct str *words, size_t n, struct str name)
{
	struct str found = { 0 }, value;

	for (size_t i = 0; i < n; i++)
		if (is_option(words[i], name, &value))
			found = value.p ? value : i + 1 < n ? words[i + 1] : (struct str){ 0 };
	return found;
}

/* The script may be a value of --require, so the last one ends the options. */
struct str node_option_of(char *const *words, size_t n, struct str name)
{
	struct str all[WORDS_MAX];
	size_t end = 0;

	n = n < WORDS_MAX ? n : WORDS_MAX;
	for (size_t i = 0; i < n; i++) {
		all[i] = str_of(words[i]);
		if (is_script(all[i]))
			end = i;
	}
	return find(all, end ? end : n, name);
}

struct str node_option_in(const char *node_options, struct str name)
{
	struct str all[WORDS_MAX];
	size_t n = 0;

	for (const char *at = node_options; at && *at && n < WORDS_MAX;) {
		size_t len = strcspn(at, " ");

		if (len)
			all[n++] = (struct str){ at, len };
		at += len + (at[len] == ' ');
	}
	return find(all, n, name);
}

void node_options_apply(struct config *c, const char *node_options)
{
	static const struct str name = { "max-http-header-size", 20 };
	struct str value = node_option_of(c->command, c->command_len, name);
	const char *origin = "--max-http-header-size";
	char text[32], err[256];

	if (value.n == 0) {
		value = node_option_in(node_options, name);
		origin = "NODE_OPTIONS";
	}
	if (value.n == 0 || value.n >= sizeof(text))
		return;
	(void)snprintf(text, sizeof(text), "%.*s", (int)value.n, value.p);
	/* what is no number Node will refuse */
	(void)config_set(c, "max-head-bytes", text, CONFIG_FROM_DEFAULT, origin, err, sizeof(err));
}
