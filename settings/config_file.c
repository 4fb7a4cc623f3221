/* A line is taken as it is: no quotes, no escapes, no variables, as in docker's --env-file. What
 * looks like the beginning of more than that is refused. */
#include "settings/config_file.h"

#include <errno.h>

#include "base/ban.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct str trim(struct str s)
{
	while (s.n > 0 && is_blank(s.p[0]))
		s = (struct str){ s.p + 1, s.n - 1 };
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

static struct str next_line(struct config_file *f)
{
	const char *end = memchr(f->rest.p, '\n', f->rest.n);
	struct str line = { f->rest.p, end ? (size_t)(end - f->rest.p) : f->rest.n };
	size_t skip = line.n + (end ? 1 : 0);

	f->rest = (struct str){ f->rest.p + skip, f->rest.n - skip };
	f->line++;
	return trim(line);
}

static bool is_quoted(struct str s)
{
	return s.n >= 2 && (s.p[0] == '"' || s.p[0] == '\'') && s.p[s.n - 1] == s.p[0];
}

static int fail(struct config_file *f, const char *wrong)
{
	f->wrong = wrong;
	return -EINVAL;
}

static int read_line(struct config_file *f, struct str line, struct config_line *ret)
{
	const char *eq = memchr(line.p, '=', line.n);
	struct str name = line, value;

	if (memchr(line.p, '\0', line.n))
		return fail(f, "not a text file");
	if (!eq)
		return fail(f, "not NAME=value, a # comment or empty");
	name.n = (size_t)(eq - line.p);
	value = trim((struct str){ eq + 1, line.n - name.n - 1 });
	if (is_quoted(value))
		return fail(f, "quotes would be part of the value: leave them out");
	*ret = (struct config_line){ trim(name), value };
	return 1;
}

int config_file_next(struct config_file *f, struct config_line *ret)
{
	while (f->rest.n > 0) {
		struct str line = next_line(f);

		if (line.n > 0 && line.p[0] != '#')
			return read_line(f, line, ret);
	}
	return 0;
}
