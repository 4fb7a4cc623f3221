/* Logging. A line that does not fit is cut; what could end a line or a value is escaped, so one
 * event is one line whatever a worker or a client put into it. */
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/macros.h"
#include "base/output.h"

#include "base/ban.h"

enum {
	MESSAGE_MAX = 2048,
	LINE_MAX_BYTES = MESSAGE_MAX + 128,
	STORMS_MAX = 32,
	EXIT_WAIT_MS = 500
};

static enum log_level threshold = LOG_LEVEL_INFO;
static enum log_format format;
static const char *component_name;
static struct output out = { .fd = -1 };
static bool is_open, to_journal;
static char last_error[256];
static void (*die_hook)(int code);

static const struct {
	const char *name, *priority; /* syslog(3) */
} levels[] = { { "error", "<3>" }, { "warn", "<4>" }, { "info", "<6>" }, { "debug", "<7>" } };

static const struct {
	const char *time, *level, *component, *message, *id, *end_of_id, *end;
	const char *key, *equals; /* of a field */
	size_t (*escape)(struct str s, char *dst, size_t size);
} formats[] = {
	[LOG_FORMAT_LOGFMT] = { "time=", " level=", " component=", " msg=\"", " id=", "", "\n", " ",
				"=", escape_logfmt },
	[LOG_FORMAT_JSON] = { "{\"time\":\"", "\",\"level\":\"", "\",\"component\":\"",
			      "\",\"msg\":\"", ",\"id\":\"", "\"", "}\n", ",\"",
			      "\":", escape_json },
};

static const char *const ids[] = {
	[SIO_NONE] = "",
#define M(number, cause, mend) [SIO_##number] = "SIO-" #number,
#include "base/messages.def"
#undef M
};

void log_set_level(enum log_level level)
{
	threshold = level;
}

enum log_level log_get_level(void)
{
	return threshold;
}

void log_set_format(enum log_format f)
{
	format = f;
}

void log_set_component(const char *component)
{
	component_name = component;
}

/* systemd.exec(5): JOURNAL_STREAM is DEVICE:INODE of the socket that is the journal. */
static bool is_journal(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(fd, &st) == 0 &&
	       st.st_dev == device && st.st_ino == inode;
}

static void at_exit(void)
{
	log_settle();
	output_flush_within(&out, EXIT_WAIT_MS);
}

struct output *log_open(void)
{
	output_open(&out, STDERR_FILENO);
	to_journal = is_journal(STDERR_FILENO);
	is_open = true;
	(void)atexit(at_exit);
	return &out;
}

/* Lines */

struct line {
	char text[LINE_MAX_BYTES];
	size_t len;
};

static void put(struct line *l, const char *text)
{
	size_t n = strlen(text), room = sizeof(l->text) - l->len;

	n = n < room ? n : room;
	memcpy(l->text + l->len, text, n);
	l->len += n;
}

void log_time(char dst[static LOG_TIME_SIZE])
{
	struct timespec now;
	struct tm utc;
	size_t n;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &utc);
	n = strftime(dst, LOG_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
	(void)snprintf(dst + n, LOG_TIME_SIZE - n, ".%03ldZ", now.tv_nsec / 1000000);
}

static void put_time(struct line *l)
{
	char text[LOG_TIME_SIZE];

	log_time(text);
	put(l, text);
}

enum { END_ROOM = 24 }; /* for the quote, the id and the end */

static void put_escaped(struct line *l, const char *text)
{
	size_t left = sizeof(l->text) - l->len, room = left > END_ROOM ? left - END_ROOM : 0;

	l->len += formats[format].escape(str_of(text), l->text + l->len, room);
	put(l, "\"");
}

static void put_id(struct line *l, enum log_id id)
{
	if (id == SIO_NONE)
		return;
	put(l, formats[format].id);
	put(l, ids[id]);
	put(l, formats[format].end_of_id);
}

/* One that there is no room for is left out. */
static void put_field(struct line *l, const struct log_field *f)
{
	size_t before = l->len;
	char number[24];

	put(l, formats[format].key);
	put(l, f->key);
	put(l, formats[format].equals);
	if (f->text) {
		put(l, "\"");
		put_escaped(l, f->text);
	} else {
		(void)snprintf(number, sizeof(number), "%" PRIu64, f->number);
		put(l, number);
	}
	if (sizeof(l->text) - l->len < END_ROOM)
		l->len = before;
}

/* What a line has behind its message. */
struct tail {
	enum log_id id;
	const struct log_field *fields;
	size_t n;
};

static void write_out(const struct line *l)
{
	if (is_open)
		(void)output_line(&out, (struct str){ l->text, l->len });
	else if (write(STDERR_FILENO, l->text, l->len) < 0)
		return;
}

static void write_with(enum log_level level, const char *message, const struct tail *tail)
{
	struct line l = { .len = 0 };

	if (level == LOG_LEVEL_ERROR)
		(void)snprintf(last_error, sizeof(last_error), "%.*s", (int)sizeof(last_error) - 1,
			       message);
	if (to_journal)
		put(&l, levels[level].priority);
	put(&l, formats[format].time);
	put_time(&l);
	put(&l, formats[format].level);
	put(&l, levels[level].name);
	if (component_name) {
		put(&l, formats[format].component);
		put(&l, component_name);
	}
	put(&l, formats[format].message);
	put_escaped(&l, message);
	put_id(&l, tail->id);
	for (size_t i = 0; i < tail->n; i++)
		put_field(&l, &tail->fields[i]);
	put(&l, formats[format].end);
	write_out(&l);
}

static void write_line(enum log_level level, enum log_id id, const char *message)
{
	write_with(level, message, &(struct tail){ .id = id });
}

static void tell_left_out(void)
{
	char message[80];
	unsigned n = out.left_out;

	if (!n || output_flush(&out) > 0)
		return;
	(void)snprintf(message, sizeof(message), "log: %u lines left out: stderr took nothing", n);
	(void)output_take_left_out(&out);
	write_line(LOG_LEVEL_WARN, SIO_500, message);
}

/* Storms */

static struct storm {
	int64_t began_ms;
	uint32_t hash; /* of the message without its numbers; 0: free */
	enum log_level level;
	enum log_id id;
	unsigned written, left_out;
	char example[160];
} storms[STORMS_MAX];

/* FNV-1a; what is between two numbers counts, and that there is one. */
static uint32_t hash_of(const char *message)
{
	static const char digits[] = "0123456789";
	uint32_t hash = 2166136261u;

	while (*message) {
		size_t n = strspn(message, digits);
		unsigned char c = n ? '#' : (unsigned char)*message;

		hash = (hash ^ c) * 16777619u;
		message += n ? n : 1;
	}
	return hash ? hash : 1;
}

static void storm_over(struct storm *s)
{
	char message[sizeof(s->example) + 60];

	if (s->left_out) {
		(void)snprintf(message, sizeof(message), "log: %u more within a second like: %s",
			       s->left_out, s->example);
		write_line(s->level, s->id, message);
	}
	s->hash = 0;
}

static void end_storms(int64_t now)
{
	for (size_t i = 0; i < ARRAY_LEN(storms); i++)
		if (storms[i].hash && now - storms[i].began_ms >= 1000)
			storm_over(&storms[i]);
}

/* The entry for these messages; the oldest gives way to a new one. */
static struct storm *storm_for(uint32_t hash, int64_t now)
{
	struct storm *oldest = &storms[0];

	for (size_t i = 0; i < ARRAY_LEN(storms); i++) {
		if (storms[i].hash == hash)
			return &storms[i];
		if (storms[i].hash == 0 || (oldest->hash && storms[i].began_ms < oldest->began_ms))
			oldest = &storms[i];
	}
	storm_over(oldest);
	*oldest = (struct storm){ .hash = hash, .began_ms = now };
	return oldest;
}

static bool is_too_much(enum log_level level, enum log_id id, const char *message)
{
	int64_t now = clock_ms();
	struct storm *s;

	end_storms(now);
	if (level >= LOG_LEVEL_DEBUG)
		return false;
	s = storm_for(hash_of(message), now);
	if (s->written < LOG_SAME_MAX) {
		s->written++;
		return false;
	}
	s->level = level;
	s->id = id;
	s->left_out++;
	(void)snprintf(s->example, sizeof(s->example), "%.*s", (int)sizeof(s->example) - 1,
		       message);
	return true;
}

void log_settle(void)
{
	end_storms(clock_ms());
	tell_left_out();
}

void log_at(enum log_level level, enum log_id id, const char *fmt, ...)
{
	char message[MESSAGE_MAX];
	int saved = errno;
	va_list ap;

	if (level > threshold)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	tell_left_out();
	if (!is_too_much(level, id, message))
		write_line(level, id, message);
	errno = saved;
}

void log_event(const char *message, const struct log_field *fields, size_t n)
{
	int saved = errno;

	tell_left_out();
	write_with(LOG_LEVEL_INFO, message, &(struct tail){ SIO_NONE, fields, n });
	errno = saved;
}

void die(int code, enum log_id id, const char *fmt, ...)
{
	char message[MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	write_line(LOG_LEVEL_ERROR, id, message);
	if (die_hook)
		die_hook(code);
	exit(code);
}

void log_on_die(void (*hook)(int code))
{
	die_hook = hook;
}

const char *log_last_error(void)
{
	return last_error;
}
