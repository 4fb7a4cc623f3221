/* Where lines go, and which are written; base/log_line.c is what they look like. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log_line.h"
#include "base/log_storm.h"
#include "base/output.h"
#include "base/tty.h"

#include "base/ban.h"

enum { EXIT_WAIT_MS = 500 };

static enum log_level threshold = LOG_LEVEL_INFO;
static struct log_look look = { .format = LOG_FORMAT_LOGFMT };
static bool is_tty;   /* stderr is a terminal */
static bool rewrites; /* its lines */
static const char *component_name;
static struct output out = { .fd = -1 };
static bool is_open;
static char last_error[256];
static char progress[80]; /* what the terminal's last line shows */
static void (*die_hook)(int code);

void log_set_level(enum log_level level)
{
	threshold = level;
}

enum log_level log_get_level(void)
{
	return threshold;
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

void log_set_format(enum log_format format)
{
	is_tty = isatty(STDERR_FILENO);
	if (format == LOG_FORMAT_AUTO)
		format = is_tty ? LOG_FORMAT_PRETTY : LOG_FORMAT_LOGFMT;
	look.format = format;
	look.colours = tty_has_colours(STDERR_FILENO);
	rewrites = format == LOG_FORMAT_PRETTY && tty_rewrites(STDERR_FILENO);
	tzset();
}

bool log_is_for_people(void)
{
	return look.format == LOG_FORMAT_PRETTY && is_tty;
}

bool log_has_colours(void)
{
	return look.format == LOG_FORMAT_PRETTY && look.colours;
}

static void write_text(const char *text, size_t n)
{
	if (is_open)
		(void)output_line(&out, (struct str){ text, n });
	else if (write(STDERR_FILENO, text, n) < 0)
		return;
}

static void write_line(enum log_level level, enum log_id id, const char *message);

static void at_exit(void)
{
	log_progress("");
	log_storm_settle(true, write_line);
	output_flush_within(&out, EXIT_WAIT_MS);
}

struct output *log_open(void)
{
	output_open(&out, STDERR_FILENO);
	look.to_journal = is_journal(STDERR_FILENO);
	is_open = true;
	(void)atexit(at_exit);
	return &out;
}

/* Lines */

void log_time(char dst[static LOG_TIME_SIZE])
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	log_time_print(&now, dst);
}

/* At the right, and the cursor stays where it is: a worker that writes to the terminal itself goes
 * on there, and both can be read. */
static void draw_progress(void)
{
	unsigned columns = tty_columns(STDERR_FILENO), n = (unsigned)strlen(progress);
	char text[sizeof(progress) + 64];
	int len = snprintf(text, sizeof(text), "\0337\r\033[%uC%s%s%s\033[K\0338",
			   columns > n + 1 ? columns - n - 1 : 1, look.colours ? "\x1b[2m" : "",
			   progress, look.colours ? "\x1b[0m" : "");

	write_text(text, (size_t)len);
}

/* From where the cursor is: what somebody has written before it stays. */
static void erase_progress(void)
{
	if (progress[0])
		write_text("\x1b[K", 3);
}

void log_progress(const char *text)
{
	if (!rewrites || strcmp(text, progress) == 0)
		return;
	erase_progress();
	(void)snprintf(progress, sizeof(progress), "%s", text);
	if (progress[0])
		draw_progress();
}

void log_text(const char *text)
{
	erase_progress();
	write_text(text, strlen(text));
	if (progress[0])
		draw_progress();
}

static void write_event(struct log_event *e)
{
	struct log_line l;

	e->component = component_name;
	(void)clock_gettime(CLOCK_REALTIME, &e->when);
	log_line_print(&l, &look, e);
	erase_progress();
	write_text(l.text, l.len);
	if (progress[0])
		draw_progress();
}

static void write_line(enum log_level level, enum log_id id, const char *message)
{
	struct log_event e = { .level = level, .id = id, .message = message };

	write_event(&e);
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

void log_settle(void)
{
	log_storm_settle(false, write_line);
	tell_left_out();
}

int64_t log_due_ms(void)
{
	return log_storm_due_ms();
}

static void remember(const char *message)
{
	(void)snprintf(last_error, sizeof(last_error), "%.*s", (int)sizeof(last_error) - 1,
		       message);
}

void log_at(enum log_level level, enum log_id id, const char *fmt, ...)
{
	char message[LOG_MESSAGE_MAX];
	int saved = errno;
	va_list ap;

	if (level > threshold)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	if (level == LOG_LEVEL_ERROR)
		remember(message);
	log_settle();
	if (level >= LOG_LEVEL_DEBUG || !log_storm_takes(level, id, message))
		write_line(level, id, message);
	errno = saved;
}

void log_fields(const char *message, const struct log_field *fields, size_t n)
{
	struct log_event e = {
		.level = LOG_LEVEL_INFO, .message = message, .fields = fields, .n_fields = n
	};
	int saved = errno;

	log_settle();
	write_event(&e);
	errno = saved;
}

void die(int code, enum log_id id, const char *fmt, ...)
{
	char message[LOG_MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	remember(message);
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
