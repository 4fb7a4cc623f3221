/* A ring of bytes. */
#include "init/logs/log_tail.h"

#include <stdbool.h>
#include <string.h>

#include "base/ban.h"

void log_tail_add(struct log_tail *t, struct str bytes)
{
	size_t at, first;

	if (bytes.n > LOG_TAIL_MAX) {
		t->n += bytes.n - LOG_TAIL_MAX;
		bytes.p += bytes.n - LOG_TAIL_MAX;
		bytes.n = LOG_TAIL_MAX;
	}
	at = t->n % LOG_TAIL_MAX;
	first = LOG_TAIL_MAX - at < bytes.n ? LOG_TAIL_MAX - at : bytes.n;
	if (bytes.n) {
		memcpy(t->bytes + at, bytes.p, first);
		memcpy(t->bytes, bytes.p + first, bytes.n - first);
	}
	t->n += bytes.n;
}

/* ECMA-48: ESC [ begins a control sequence, which ends with a byte of 0x40 to 0x7e; a line's end
 * ends it, too. */
struct filter {
	enum { TEXT, ESCAPED, SEQUENCE } state;
};

static bool is_text(struct filter *f, char c)
{
	unsigned char byte = (unsigned char)c;

	if (c == '\n' || (f->state == TEXT && c == '\t')) {
		f->state = TEXT;
		return true;
	}
	if (c == '\033') {
		f->state = ESCAPED;
		return false;
	}
	if (f->state == ESCAPED) {
		f->state = c == '[' ? SEQUENCE : TEXT;
		return false;
	}
	if (f->state == SEQUENCE) {
		f->state = byte >= 0x40 && byte <= 0x7e ? TEXT : SEQUENCE;
		return false;
	}
	return byte >= 0x20 && byte != 0x7f;
}

static char byte_at(const struct log_tail *t, size_t at)
{
	return t->bytes[at % LOG_TAIL_MAX];
}

/* Behind the line that is not all there. */
static size_t first_line(const struct log_tail *t)
{
	size_t begin = t->n - LOG_TAIL_MAX;

	for (size_t at = begin; at < t->n; at++)
		if (byte_at(t, at) == '\n')
			return at + 1 < t->n ? at + 1 : begin;
	return begin;
}

size_t log_tail_text(const struct log_tail *t, char dst[static LOG_TAIL_MAX])
{
	struct filter f = { TEXT };
	size_t n = 0;

	for (size_t at = t->n > LOG_TAIL_MAX ? first_line(t) : 0; at < t->n; at++)
		if (is_text(&f, byte_at(t, at)))
			dst[n++] = byte_at(t, at);
	return n;
}
