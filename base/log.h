/* One line per event on stderr, for people, as logfmt or as JSON:
 *   04:00:00 info  worker 3  booting -> ready
 *   time=2026-11-25T04:00:00.123Z level=info component=init msg="worker[3]: booting -> ready"
 *   {"time":"2026-11-25T04:00:00.123Z","level":"info","component":"init","msg":"worker[3]: ..."}
 * A warning or an error has its id behind that: id=SIO-012. Then come fields of an event's own.
 * What could end a line or a value is escaped, so one event is one line whatever a worker or a
 * client put into it. When stderr is systemd's journal (JOURNAL_STREAM), <n> stands before it:
 * sd-daemon(3).
 *
 * Of lines that say the same the first ones are written, the others counted: base/log_storm.h.
 * Debug lines are all written. A failing stderr is ignored. errno is preserved. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_AUTO, LOG_FORMAT_PRETTY, LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

struct output;

/* From now on a stderr that takes nothing blocks nobody: see base/output.h. What it does not take
 * goes with later lines and at exit(3), or when the owner of an event loop flushes what is
 * returned. Before, every line is one plain write(2). */
struct output *log_open(void);

/* LOG_FORMAT_AUTO is for people where stderr is a terminal, else logfmt. Before, it is logfmt. */
void log_set_format(enum log_format format);

/* Lines are for people, who read them at a terminal. */
bool log_is_for_people(void);
/* Lines for people have colours (base/tty.h). */
bool log_has_colours(void);

/* At a terminal that people read and that rewrites lines: @text (no control characters) is shown at
 * its right, below all lines, until it is another one; "" ends it. Elsewhere nothing happens. */
void log_progress(const char *text);

/* @text as it is, whole lines. */
void log_text(const char *text);

enum { LOG_TIME_SIZE = 32 };

/* Now, as RFC 3339 has it: UTC, with milliseconds. */
void log_time(char dst[static LOG_TIME_SIZE]);

void log_set_level(enum log_level level);
enum log_level log_get_level(void);

/* @component (a literal such as "init" or "router") is printed as its own key; NULL leaves it out.
 */
void log_set_component(const char *component);

/* What a warning or an error is known by, for ever: SIO_012 is written as id=SIO-012, and
 * `sioinit explain SIO-012` says its cause and its mend. */
enum log_id {
	SIO_NONE, /* of what is no warning */
#define M(number, cause, mend) SIO_##number,
#include "base/messages.def"
#undef M
	LOG_N_IDS,
};

void log_at(enum log_level level, enum log_id id, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* What a line says in a field of its own, behind all others. @key is a literal of a-z and _. */
struct log_field {
	const char *key;
	const char *text; /* NULL: the number */
	uint64_t number;
};

/* A line of level info that was asked for by a setting of its own: it is written whatever the level
 * is, and however many are like it. @message is for people, @fields for machines. */
void log_fields(const char *message, const struct log_field *fields, size_t n);

/* Writes the counts that are due. Any line does that, too. */
void log_settle(void);
/* When log_settle() has something to write, in ms from now; -1: not that we know. */
int64_t log_due_ms(void);

/* The id comes first. */
#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, SIO_NONE, __VA_ARGS__)
#define log_debug(...)                                                                             \
	do {                                                                                       \
		if (log_get_level() >= LOG_LEVEL_DEBUG)                                            \
			log_at(LOG_LEVEL_DEBUG, SIO_NONE, __VA_ARGS__);                            \
	} while (0)

/* Says why on stderr (level error) and leaves the process with @code. Only before the first worker.
 */
void die(int code, enum log_id id, const char *fmt, ...)
    __attribute__((format(printf, 3, 4), noreturn));

/* @hook is called by die(), when its line is written. */
void log_on_die(void (*hook)(int code));

/* The message of the last line of level error, die()'s too; "" when there was none. */
const char *log_last_error(void);

/* Exit codes of our own (docker-run(1), sysexits.h). */
enum {
	EXIT_OUR_FAILURE = 125,
	EXIT_NOT_EXECUTABLE = 126,
	EXIT_NOT_FOUND = 127,
	EXIT_BAD_CONFIG = 78,
	EXIT_FORCED = 137,
};
