/* Logging. A line that does not fit is cut; quotes, backslashes and control characters in the
 * message are escaped, so one event is one line whatever a worker or a client put into it. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/ban.h"

enum { LINE_MAX_BYTES = 2048 };

static enum log_level threshold = LOG_LEVEL_INFO;
static const char *component_name;
static const char *const level_names[] = { "error", "warn", "info", "debug" };

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

static size_t put_time(char *dst, size_t size)
{
	struct timespec now;
	struct tm utc;
	size_t n;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	(void)gmtime_r(&now.tv_sec, &utc);
	n = strftime(dst, size, "time=%Y-%m-%dT%H:%M:%S", &utc);
	return n + (size_t)snprintf(dst + n, size - n, ".%03ldZ", now.tv_nsec / 1000000);
}

static size_t put_escaped(char *dst, size_t size, const char *s)
{
	size_t n = 0;

	for (; *s && n + 5 < size; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\') {
			dst[n++] = '\\';
			dst[n++] = (char)c;
		} else if (c < 0x20 || c == 0x7f) {
			n += (size_t)snprintf(dst + n, size - n, "\\x%02x", c);
		} else {
			dst[n++] = (char)c;
		}
	}
	return n;
}

static void log_line(enum log_level level, const char *fmt, va_list ap)
{
	char message[LINE_MAX_BYTES], line[LINE_MAX_BYTES + 128];
	size_t n = put_time(line, sizeof(line));

	(void)vsnprintf(message, sizeof(message), fmt, ap);
	n += (size_t)snprintf(line + n, sizeof(line) - n, " level=%s", level_names[level]);
	if (component_name)
		n += (size_t)snprintf(line + n, sizeof(line) - n, " component=%s", component_name);
	n += (size_t)snprintf(line + n, sizeof(line) - n, " msg=\"");
	n += put_escaped(line + n, sizeof(line) - n - 2, message);
	line[n++] = '"';
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0)
		return;
}

void log_at(enum log_level level, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	if (level > threshold)
		return;
	va_start(ap, fmt);
	log_line(level, fmt, ap);
	va_end(ap);
	errno = saved;
}

void die(int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_LEVEL_ERROR, fmt, ap);
	va_end(ap);
	exit(code);
}
