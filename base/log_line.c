/* What could end a line, a value or a colour is escaped. */
#include "base/log_line.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/macros.h"
#include "base/tty.h"

#include "base/ban.h"

enum { TAIL_ROOM = 40, SOURCE_SIZE = 32, SOURCE_WIDTH = 10 };

static const struct {
	const char *name, *padded, *priority; /* syslog(3) */
	const char *colour;
} levels[] = { { "error", "error", "<3>", "1;31" },
	       { "warn", "warn ", "<4>", "33" },
	       { "info", "info ", "<6>", "32" },
	       { "debug", "debug", "<7>", "2" } };

void log_time_print(const struct timespec *when, char dst[static LOG_TIME_SIZE])
{
	struct tm utc;
	size_t n;

	(void)gmtime_r(&when->tv_sec, &utc);
	n = strftime(dst, LOG_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
	(void)snprintf(dst + n, LOG_TIME_SIZE - n, ".%03ldZ", when->tv_nsec / 1000000);
}

static const char ids[][sizeof("SIO-000")] = {
	/* pointers would be relocated at each start */
	[SIO_NONE] = "",
#define M(number, cause, mend) [SIO_##number] = "SIO-" #number,
#include "base/messages.def"
#undef M
};

static void put(struct log_line *l, const char *text)
{
	size_t n = strlen(text), room = sizeof(l->text) - l->len;

	n = n < room ? n : room;
	memcpy(l->text + l->len, text, n);
	l->len += n;
}

typedef size_t escape_fn(struct str s, char *dst, size_t size);

static void put_message(struct log_line *l, const char *message, escape_fn *escape)
{
	size_t left = sizeof(l->text) - l->len, room = left > TAIL_ROOM ? left - TAIL_ROOM : 0;

	l->len += escape(str_of(message), l->text + l->len, room);
}

/* For programs */

static const struct {
	const char *time, *level, *component, *message, *id, *end_of_id, *end;
	const char *key, *equals; /* of a field */
	escape_fn *escape;
} formats[] = {
	[LOG_FORMAT_LOGFMT] = { "time=", " level=", " component=", " msg=\"", " id=", "", "\n", " ",
				"=", escape_logfmt },
	[LOG_FORMAT_JSON] = { "{\"time\":\"", "\",\"level\":\"", "\",\"component\":\"",
			      "\",\"msg\":\"", ",\"id\":\"", "\"", "}\n", ",\"",
			      "\":", escape_json },
};

/* One that there is no room for is left out. */
static void put_field(struct log_line *l, enum log_format format, const struct log_field *f)
{
	size_t before = l->len;
	char number[24];

	put(l, formats[format].key);
	put(l, f->key);
	put(l, formats[format].equals);
	if (f->text) {
		put(l, "\"");
		put_message(l, f->text, formats[format].escape);
		put(l, "\"");
	} else {
		(void)snprintf(number, sizeof(number), "%" PRIu64, f->number);
		put(l, number);
	}
	if (sizeof(l->text) - l->len < TAIL_ROOM)
		l->len = before;
}

static void print_fields(struct log_line *l, enum log_format format, const struct log_event *e)
{
	char time[LOG_TIME_SIZE];

	log_time_print(&e->when, time);
	put(l, formats[format].time);
	put(l, time);
	put(l, formats[format].level);
	put(l, levels[e->level].name);
	if (e->component) {
		put(l, formats[format].component);
		put(l, e->component);
	}
	put(l, formats[format].message);
	put_message(l, e->message, formats[format].escape);
	put(l, "\"");
	if (e->id != SIO_NONE) {
		put(l, formats[format].id);
		put(l, ids[e->id]);
		put(l, formats[format].end_of_id);
	}
	for (size_t i = 0; i < e->n_fields; i++)
		put_field(l, format, &e->fields[i]);
	put(l, formats[format].end);
}

/* For people */

static void put_painted(struct log_line *l, const struct log_look *look, const char *colour,
			const char *text)
{
	if (look->colours && colour) {
		put(l, "\x1b[");
		put(l, colour);
		put(l, "m");
	}
	put(l, text);
	if (look->colours && colour)
		put(l, "\x1b[0m");
}

/* Who an event is about, where its message begins with that: "worker[2]: ", "relay: ". */
struct source {
	char name[SOURCE_SIZE]; /* "worker 2" */
	const char *colour;
	const char *rest; /* of the message */
};

static bool is_known(const char *word, size_t n)
{
	static const char *const known[] = { "worker", "sidecar", "init",  "router",  "relay",
					     "logs",   "log",     "peers", "settings" };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strlen(known[i]) == n && strncmp(known[i], word, n) == 0)
			return true;
	return false;
}

static size_t count_letters(const char *text)
{
	return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
}

static struct source find_source(const struct log_event *e)
{
	struct source s = { .rest = e->message };
	size_t n = count_letters(e->message), n_which = 0;
	const char *end = e->message + n, *which = end + 1;

	(void)snprintf(s.name, sizeof(s.name), "%s", e->component ? e->component : "sioinit");
	if (*end == '[') {
		n_which = count_letters(which);
		end = which + n_which;
		if (*end++ != ']')
			return s;
	}
	if (!is_known(e->message, n) || strncmp(end, ": ", 2) != 0)
		return s;
	s.rest = end + 2;
	(void)snprintf(s.name, sizeof(s.name), "%.*s%s%.*s", (int)n, e->message, n_which ? " " : "",
		       (int)n_which, which);
	if (n_which && e->message[0] == 'w')
		s.colour = tty_slot_colour((unsigned)strtoul(which, NULL, 10));
	return s;
}

static void print_for_people(struct log_line *l, const struct log_look *look,
			     const struct log_event *e)
{
	struct source s = find_source(e);
	char time[16], name[SOURCE_SIZE + SOURCE_WIDTH];
	struct tm local;

	(void)localtime_r(&e->when.tv_sec, &local);
	(void)strftime(time, sizeof(time), "%H:%M:%S ", &local);
	(void)snprintf(name, sizeof(name), "%-*s", SOURCE_WIDTH, s.name);
	put_painted(l, look, "2", time);
	put_painted(l, look, levels[e->level].colour, levels[e->level].padded);
	put(l, " ");
	put_painted(l, look, s.colour, name);
	if (strlen(s.name) >= SOURCE_WIDTH)
		put(l, "  ");
	put_message(l, s.rest, escape_terminal);
	if (e->id != SIO_NONE) {
		put(l, "  ");
		put_painted(l, look, "2", ids[e->id]);
	}
	put(l, "\n");
}

void log_line_print(struct log_line *l, const struct log_look *look, const struct log_event *e)
{
	l->len = 0;
	if (look->to_journal)
		put(l, levels[e->level].priority);
	if (look->format == LOG_FORMAT_PRETTY)
		print_for_people(l, look, e);
	else
		print_fields(l, look->format, e);
}
