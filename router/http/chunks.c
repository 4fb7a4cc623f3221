/* The chunked coding. See chunks.h.
 *
 * A table says which byte may follow in which state; everything that is not in it is malformed. The
 * output is written over the input: data moves together behind the first data of the piece, its
 * size goes in front, and what ends the body behind it. There it fits, since whatever it stands for
 * was at least as long and has been read. What one piece of input carried becomes one chunk. */
#include "router/http/chunks.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"

#include "base/ban.h"

enum class {
	CTL,
	BLANK,
	CR,
	LF,
	TEXT, /* visible, and bytes above ASCII; nothing of what follows */
	TOKEN,
	HEX,
	SEMICOLON,
	EQUALS,
	QUOTE,
	BACKSLASH,
	COLON,
	CLASSES
};

static const uint8_t classes[256] = {
	['\t'] = BLANK,         ['\n'] = LF,           ['\r'] = CR,
	[' '] = BLANK,          ['!'] = TOKEN,         ['"'] = QUOTE,
	['#' ... '\''] = TOKEN, ['(' ... ')'] = TEXT,  ['*' ... '+'] = TOKEN,
	[','] = TEXT,           ['-' ... '.'] = TOKEN, ['/'] = TEXT,
	['0' ... '9'] = HEX,    [':'] = COLON,         [';'] = SEMICOLON,
	['<'] = TEXT,           ['='] = EQUALS,        ['>' ... '@'] = TEXT,
	['A' ... 'F'] = HEX,    ['G' ... 'Z'] = TOKEN, ['['] = TEXT,
	['\\'] = BACKSLASH,     [']'] = TEXT,          ['^' ... '`'] = TOKEN,
	['a' ... 'f'] = HEX,    ['g' ... 'z'] = TOKEN, ['{'] = TEXT,
	['|'] = TOKEN,          ['}'] = TEXT,          ['~'] = TOKEN,
	[0x80 ... 0xff] = TEXT,
};

enum state {
	MALFORMED,
	SIZE_BEGIN,
	SIZE,
	BEFORE_EXT, /* blanks (BWS), then a semicolon */
	EXT_BEGIN,
	EXT_NAME,
	AFTER_EXT_NAME,
	EXT_VALUE_BEGIN,
	EXT_VALUE,
	QUOTED,
	ESCAPED,
	AFTER_QUOTED,
	LINE_END,
	DATA, /* not in the table */
	AFTER_DATA,
	DATA_END,
	FIELD_BEGIN,
	FIELD_NAME,
	FIELD_VALUE,
	FIELD_END,
	LAST_END,
	DONE,
	STATES
};

#define ON_TOKEN(to) [TOKEN] = (to), [HEX] = (to)
#define ON_ALL_TEXT_BUT_QUOTES(to)                                                                 \
	ON_TOKEN(to), [BLANK] = (to), [TEXT] = (to), [SEMICOLON] = (to), [EQUALS] = (to),          \
		      [COLON] = (to)

static const uint8_t next[STATES][CLASSES] = {
	[SIZE_BEGIN] = { [HEX] = SIZE },
	[SIZE] = { [HEX] = SIZE, [BLANK] = BEFORE_EXT, [SEMICOLON] = EXT_BEGIN, [CR] = LINE_END },
	[BEFORE_EXT] = { [BLANK] = BEFORE_EXT, [SEMICOLON] = EXT_BEGIN },
	[EXT_BEGIN] = { [BLANK] = EXT_BEGIN, ON_TOKEN(EXT_NAME) },
	[EXT_NAME] = { ON_TOKEN(EXT_NAME), [BLANK] = AFTER_EXT_NAME, [EQUALS] = EXT_VALUE_BEGIN,
		       [SEMICOLON] = EXT_BEGIN, [CR] = LINE_END },
	[AFTER_EXT_NAME] = { [BLANK] = AFTER_EXT_NAME,
			     [EQUALS] = EXT_VALUE_BEGIN,
			     [SEMICOLON] = EXT_BEGIN },
	[EXT_VALUE_BEGIN] = { [BLANK] = EXT_VALUE_BEGIN, ON_TOKEN(EXT_VALUE), [QUOTE] = QUOTED },
	[EXT_VALUE] = { ON_TOKEN(EXT_VALUE), [BLANK] = BEFORE_EXT, [SEMICOLON] = EXT_BEGIN,
			[CR] = LINE_END },
	[QUOTED] = { ON_ALL_TEXT_BUT_QUOTES(QUOTED), [BACKSLASH] = ESCAPED,
		     [QUOTE] = AFTER_QUOTED },
	[ESCAPED] = { ON_ALL_TEXT_BUT_QUOTES(QUOTED), [BACKSLASH] = QUOTED, [QUOTE] = QUOTED },
	[AFTER_QUOTED] = { [BLANK] = BEFORE_EXT, [SEMICOLON] = EXT_BEGIN, [CR] = LINE_END },
	[LINE_END] = { [LF] = DATA },
	[AFTER_DATA] = { [CR] = DATA_END },
	[DATA_END] = { [LF] = SIZE_BEGIN },
	[FIELD_BEGIN] = { ON_TOKEN(FIELD_NAME), [CR] = LAST_END },
	[FIELD_NAME] = { ON_TOKEN(FIELD_NAME), [COLON] = FIELD_VALUE },
	[FIELD_VALUE] = { ON_ALL_TEXT_BUT_QUOTES(FIELD_VALUE), [BACKSLASH] = FIELD_VALUE,
			  [QUOTE] = FIELD_VALUE, [CR] = FIELD_END },
	[FIELD_END] = { [LF] = FIELD_BEGIN },
	[LAST_END] = { [LF] = DONE },
};

/* One piece of input on its way to the output. */
struct rewrite {
	struct chunks *c;
	char *bytes;         /* where the piece begins */
	char *read;          /* behind the byte that is looked at */
	char *data, *framed; /* where the output begins, when there is any */
	char *write;
	size_t data_n;
	bool has_data, has_output;
	bool closed; /* the data has its CRLF */
};

void chunks_init(struct chunks *c, bool no_trailers)
{
	*c = (struct chunks){ .state = SIZE_BEGIN, .no_trailers = no_trailers };
}

bool chunks_done(const struct chunks *c)
{
	return c->state == DONE;
}

uint64_t chunks_least_left(const struct chunks *c)
{
	if (c->state == DONE || c->state == MALFORMED)
		return 0;
	return c->state == DATA ? c->left + strlen("\r\n0\r\n\r\n") : 1;
}

/* Trailer fields */

/* Those that a trailer must not carry (RFC 9110, 6.5.1) or that end here (7.6.1), and those that
 * say who the client is: some servers read trailers as if they had stood in the head. */
static const char *const unfit[] = {
	"authorization",
	"cache-control",
	"connection",
	"content-encoding",
	"content-range",
	"content-type",
	"cookie",
	"expect",
	"forwarded",
	"host",
	"keep-alive",
	"location",
	"max-forwards",
	"pragma",
	"range",
	"retry-after",
	"set-cookie",
	"te",
	"trailer",
	"upgrade",
	"vary",
	"via",
	"www-authenticate",
	"x-real-ip",
};
static const char *const unfit_prefixes[] = { "proxy-", "x-forwarded-" };

static char canonical(char c)
{
	if (c == '_') /* the same to CGI's heirs */
		return '-';
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c;
}

static bool is_fit(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(unfit); i++)
		if (str_eq(name, str_of(unfit[i])))
			return false;
	for (size_t i = 0; i < ARRAY_LEN(unfit_prefixes); i++)
		if (str_has_prefix(name, str_of(unfit_prefixes[i])))
			return false;
	return true;
}

static bool is_framing(struct str name)
{
	return str_eq(name, STR("content-length")) || str_eq(name, STR("transfer-encoding"));
}

/* Output */

static void put(struct rewrite *w, const char *bytes, size_t n)
{
	if (!w->has_output)
		w->framed = w->write = w->bytes - CHUNKS_BEFORE;
	w->has_output = true;
	assert(w->write + n <= w->read);
	w->write = (char *)memcpy(w->write, bytes, n) + n;
}

static void put_data(struct rewrite *w, size_t n)
{
	if (!w->has_data)
		w->data = w->write = w->read;
	else if (w->write != w->read)
		memmove(w->write, w->read, n);
	w->has_data = w->has_output = true;
	w->write += n;
}

/* Makes what data there is one chunk. It may end CHUNKS_AFTER behind the input. */
static void close_data(struct rewrite *w)
{
	char size[CHUNKS_BEFORE];
	size_t n;

	if (!w->has_data || w->closed)
		return;
	w->closed = true;
	w->data_n = (size_t)(w->write - w->data);
	n = (size_t)snprintf(size, sizeof(size), "%zx\r\n", w->data_n);
	w->framed = memcpy(w->data - n, size, n);
	w->write = (char *)memcpy(w->write, "\r\n", 2) + 2;
}

/* Input */

/* What overflows elsewhere, a count with a sign, is refused here. */
static bool add_digit(struct chunks *c, char digit)
{
	uint64_t value = (uint64_t)(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);

	if (c->left > (INT64_MAX >> 4))
		return false;
	c->left = c->left << 4 | value;
	return true;
}

/* The name is known, or as much of it as matters. */
static bool begin_field(struct rewrite *w)
{
	struct chunks *c = w->c;
	char name[CHUNKS_NAME_MAX];

	for (size_t i = 0; i < c->name_len; i++)
		name[i] = canonical(c->name[i]);
	if (is_framing((struct str){ name, c->name_len }))
		return false;
	c->drops = c->no_trailers || !is_fit((struct str){ name, c->name_len });
	if (!c->drops)
		put(w, c->name, c->name_len);
	c->named = true;
	return true;
}

static void put_field(struct rewrite *w, const char *bytes, size_t n)
{
	if (!w->c->drops)
		put(w, bytes, n);
}

static bool take_name(struct rewrite *w, char byte)
{
	struct chunks *c = w->c;

	if (!c->named && c->name_len < CHUNKS_NAME_MAX) {
		c->name[c->name_len++] = byte;
		return true;
	}
	if (!c->named && !begin_field(w))
		return false;
	put_field(w, &byte, 1);
	return true;
}

static bool take_value(struct rewrite *w, char byte)
{
	if (!w->c->named && !begin_field(w))
		return false;
	put_field(w, &byte, 1);
	return true;
}

static void next_field(struct chunks *c)
{
	c->state = FIELD_BEGIN;
	c->name_len = 0;
	c->named = false;
}

static void end_size(struct rewrite *w)
{
	if (w->c->left > 0)
		return;
	close_data(w);
	put(w, "0\r\n", 3);
	w->c->line = 0;
	next_field(w->c);
}

static void begin_size(struct chunks *c)
{
	c->line = 0;
	c->left = 0;
}

/* The state has just become what @byte made it. False: malformed. */
static bool entered(struct rewrite *w, char byte)
{
	struct chunks *c = w->c;

	switch (c->state) {
	case SIZE:
		return add_digit(c, byte);
	case DATA:
		end_size(w);
		return true;
	case SIZE_BEGIN:
		begin_size(c);
		return true;
	case FIELD_NAME:
		return take_name(w, byte);
	case FIELD_VALUE:
		return take_value(w, byte);
	case FIELD_BEGIN:
		put_field(w, "\r\n", 2);
		next_field(c);
		return true;
	case DONE:
		put(w, "\r\n", 2);
		return true;
	default:
		return c->state != MALFORMED;
	}
}

static bool take_byte(struct rewrite *w)
{
	struct chunks *c = w->c;
	char byte = *w->read++;

	c->state = next[c->state][classes[(uint8_t)byte]];
	if (++c->line > CHUNKS_LINE_MAX || !entered(w, byte))
		c->state = MALFORMED;
	return c->state != MALFORMED;
}

static void take_data(struct rewrite *w, const char *end)
{
	struct chunks *c = w->c;
	size_t there = (size_t)(end - w->read), n = c->left < there ? (size_t)c->left : there;

	put_data(w, n);
	w->read += n;
	c->left -= n;
	if (c->left == 0)
		c->state = AFTER_DATA;
}

ssize_t chunks_feed(struct chunks *c, char *bytes, size_t n, struct chunks_piece *ret)
{
	struct rewrite w = { .c = c, .bytes = bytes, .read = bytes };
	const char *end = bytes + n;

	while (w.read < end && c->state != DONE)
		if (c->state == DATA)
			take_data(&w, end);
		else if (!take_byte(&w))
			return -EBADMSG;
	close_data(&w);
	ret->data = (struct str){ w.data, w.data_n };
	ret->framed = (struct str){ w.framed, w.has_output ? (size_t)(w.write - w.framed) : 0 };
	return w.read - bytes;
}
