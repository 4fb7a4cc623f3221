/* See log_date.h. */
#include "init/logs/log_date.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"

#include "base/ban.h"

static const char *const months[] = { "January",   "February", "March",    "April",
				      "May",       "June",     "July",     "August",
				      "September", "October",  "November", "December" };
static const char *const days[] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
				    "Thursday", "Friday", "Saturday" };

struct moment {
	struct tm tm;
	int milliseconds;
	char text[LOG_DATE_SIZE];
	size_t n;
};

static void put(struct moment *m, const char *s, size_t n)
{
	size_t room = sizeof(m->text) - 1 - m->n;

	n = n < room ? n : room;
	memcpy(m->text + m->n, s, n);
	m->n += n;
}

static void put_number(struct moment *m, int n, int digits)
{
	char text[16];

	put(m, text, (size_t)snprintf(text, sizeof(text), "%0*d", digits, n));
}

static void put_zone(struct moment *m, const char *colon)
{
	long minutes = m->tm.tm_gmtoff / 60, size = minutes < 0 ? -minutes : minutes;
	char text[16];

	put(m, text,
	    (size_t)snprintf(text, sizeof(text), "%c%02d%s%02d", minutes < 0 ? '-' : '+',
			     (int)(size / 60 % 100), colon, (int)(size % 60)));
}

static int twelve(int hour)
{
	return hour % 12 ? hour % 12 : 12;
}

static void year(struct moment *m, int n)
{
	put_number(m, n == 2 ? m->tm.tm_year % 100 : m->tm.tm_year + 1900, n);
}

static void month(struct moment *m, int n)
{
	const char *name = months[m->tm.tm_mon];

	if (n < 3)
		put_number(m, m->tm.tm_mon + 1, n);
	else
		put(m, name, n == 3 ? 3 : strlen(name));
}

static void month_day(struct moment *m, int n)
{
	put_number(m, m->tm.tm_mday, n);
}

static void weekday(struct moment *m, int n)
{
	const char *name = days[m->tm.tm_wday];

	if (n == 1)
		put_number(m, m->tm.tm_wday, 1);
	else
		put(m, name, n < 4 ? (size_t)n : strlen(name));
}

static void hour(struct moment *m, int n)
{
	put_number(m, m->tm.tm_hour, n);
}

static void half_hour(struct moment *m, int n)
{
	put_number(m, twelve(m->tm.tm_hour), n);
}

static void upper_half(struct moment *m, int n)
{
	(void)n;
	put(m, m->tm.tm_hour < 12 ? "AM" : "PM", 2);
}

static void lower_half(struct moment *m, int n)
{
	(void)n;
	put(m, m->tm.tm_hour < 12 ? "am" : "pm", 2);
}

static void minute(struct moment *m, int n)
{
	put_number(m, m->tm.tm_min, n);
}

static void second(struct moment *m, int n)
{
	put_number(m, m->tm.tm_sec, n);
}

static void millisecond(struct moment *m, int n)
{
	put_number(m, m->milliseconds, n);
}

static void zone(struct moment *m, int n)
{
	put_zone(m, n == 1 ? ":" : "");
}

/* Which lengths of a run are words: a bit for each. A longer run is several. */
static const struct {
	char letter;
	unsigned lengths;
	void (*put)(struct moment *m, int n);
} words[] = {
	{ 'Y', BIT(4) | BIT(2), year },      { 'M', BIT(4) | BIT(3) | BIT(2) | BIT(1), month },
	{ 'D', BIT(2) | BIT(1), month_day }, { 'd', BIT(4) | BIT(3) | BIT(2) | BIT(1), weekday },
	{ 'H', BIT(2) | BIT(1), hour },      { 'h', BIT(2) | BIT(1), half_hour },
	{ 'A', BIT(1), upper_half },         { 'a', BIT(1), lower_half },
	{ 'm', BIT(2) | BIT(1), minute },    { 's', BIT(2) | BIT(1), second },
	{ 'S', BIT(3), millisecond },        { 'Z', BIT(2) | BIT(1), zone },
};

/* How many bytes of @s the word takes; 0: it is none. */
static size_t put_word(struct moment *m, const char *s)
{
	int run = (int)strspn(s, (const char[]){ s[0], '\0' });

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		for (int n = run < 4 ? run : 4; n > 0 && words[i].letter == s[0]; n--)
			if (words[i].lengths & BIT(n)) {
				words[i].put(m, n);
				return (size_t)n;
			}
	return 0;
}

/* [text] */
static size_t put_quoted(struct moment *m, const char *s)
{
	const char *end = s[0] == '[' ? strchr(s, ']') : NULL;

	if (!end || end == s + 1)
		return 0;
	put(m, s + 1, (size_t)(end - s) - 1);
	return (size_t)(end - s) + 1;
}

void log_date_print(const char *format, const struct timespec *now, char dst[static LOG_DATE_SIZE])
{
	struct moment m = { .milliseconds = (int)(now->tv_nsec / 1000000) };

	(void)localtime_r(&now->tv_sec, &m.tm);
	while (*format) {
		size_t n = put_quoted(&m, format);

		if (n == 0)
			n = put_word(&m, format);
		if (n == 0)
			put(&m, format, 1);
		format += n ? n : 1;
	}
	memcpy(dst, m.text, m.n);
	dst[m.n] = '\0';
}
