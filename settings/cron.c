/* Each field is a set of bits; the next time is looked for in steps that the fields allow. */
#include "settings/cron.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/macros.h"
#include "base/str.h"

#include "base/ban.h"

enum { HOUR_S = 3600, PUT_BACK_S = 3 * HOUR_S, ALL_HOURS = (1 << 24) - 1, DIGITS_MAX = 2 };

static const int64_t horizon_s = (int64_t)40 * 366 * 24 * HOUR_S;

/* Parsing */

enum { SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY, N_FIELDS };

static const char *const months[] = { "jan", "feb", "mar", "apr", "may", "jun",
				      "jul", "aug", "sep", "oct", "nov", "dec" };
static const char *const weekdays[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };

static const struct field {
	unsigned min, max;
	const char *const *names; /* of min and those that follow */
	unsigned n_names;
} fields[N_FIELDS] = {
	[SECOND] = { 0, 59, NULL, 0 },
	[MINUTE] = { 0, 59, NULL, 0 },
	[HOUR] = { 0, 23, NULL, 0 },
	[DAY] = { 1, 31, NULL, 0 },
	[MONTH] = { 1, 12, months, ARRAY_LEN(months) },
	[WEEKDAY] = { 0, 7, weekdays, ARRAY_LEN(weekdays) },
};

static const char wrong[] =
    "not a cron expression: five fields or six, such as 0 3 * * * (minute hour day month weekday), "
    "of numbers, names, lists, ranges and steps";

static struct str cut(struct str *rest, char end)
{
	const char *at = rest->n ? memchr(rest->p, end, rest->n) : NULL;
	struct str part = { rest->p, at ? (size_t)(at - rest->p) : rest->n };
	size_t used = part.n + (at != NULL);

	*rest = (struct str){ rest->p + used, rest->n - used };
	return part;
}

static bool read_number(struct str s, unsigned *ret)
{
	unsigned n = 0;

	if (s.n == 0 || s.n > DIGITS_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!isdigit((unsigned char)s.p[i]))
			return false;
		n = n * 10 + (unsigned)(s.p[i] - '0');
	}
	*ret = n;
	return true;
}

static bool read_value(const struct field *f, struct str s, unsigned *ret)
{
	for (unsigned i = 0; i < f->n_names; i++)
		if (s.n == 3 && strncasecmp(s.p, f->names[i], 3) == 0) {
			*ret = f->min + i;
			return true;
		}
	return read_number(s, ret) && *ret >= f->min && *ret <= f->max;
}

static bool read_range(const struct field *f, struct str s, bool open_ended, unsigned *ret_low,
		       unsigned *ret_high)
{
	struct str low = cut(&s, '-');

	*ret_low = f->min;
	*ret_high = f->max;
	if (low.n == 1 && low.p[0] == '*')
		return s.p == low.p + 1;
	if (!read_value(f, low, ret_low))
		return false;
	if (s.p == low.p + low.n) {
		*ret_high = open_ended ? f->max : *ret_low;
		return true;
	}
	return read_value(f, s, ret_high) && *ret_low <= *ret_high;
}

/* A-B/STEP, A/STEP (from A on), A-B, A or *, with or without a step. */
static bool read_item(const struct field *f, struct str item, uint64_t *bits)
{
	const char *end = item.p + item.n;
	struct str range = cut(&item, '/');
	bool has_step = range.p + range.n != end;
	unsigned low, high, step = 1;

	if (!read_range(f, range, has_step, &low, &high))
		return false;
	if (has_step && (!read_number(item, &step) || step == 0 || step > f->max - f->min + 1))
		return false;
	for (unsigned i = low; i <= high; i += step)
		*bits |= UINT64_C(1) << i;
	return true;
}

static bool read_field(const struct field *f, struct str s, uint64_t *bits)
{
	const char *end = s.p + s.n;
	bool more = true;

	*bits = 0;
	while (more) {
		struct str item = cut(&s, ',');

		more = item.p + item.n != end;
		if (!read_item(f, item, bits))
			return false;
	}
	return true;
}

/* How many there are; more than @max count as max + 1. */
static unsigned split(const char *s, struct str *ret, unsigned max)
{
	static const char blanks[] = " \t\n\r";
	unsigned n = 0;

	for (s += strspn(s, blanks); *s; s += strspn(s, blanks)) {
		size_t len = strcspn(s, blanks);

		if (n == max)
			return max + 1;
		ret[n++] = (struct str){ s, len };
		s += len;
	}
	return n;
}

/* 31 April, 30 February */
static bool has_a_day(const struct cron *c)
{
	static const unsigned days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	for (unsigned m = 1; m <= ARRAY_LEN(days); m++)
		if (c->month >> m & 1 && (c->last_day || c->day & ((2U << days[m - 1]) - 2)))
			return true;
	return false;
}

static void take(const uint64_t bits[static N_FIELDS], struct cron *c)
{
	c->second = bits[SECOND];
	c->minute = bits[MINUTE];
	c->hour = (uint32_t)bits[HOUR];
	c->day = (uint32_t)bits[DAY];
	c->month = (uint32_t)bits[MONTH];
	c->weekday = (uint8_t)((bits[WEEKDAY] | bits[WEEKDAY] >> 7) & 0x7f);
}

const char *cron_parse(const char *s, struct cron *ret)
{
	struct str words[N_FIELDS];
	uint64_t bits[N_FIELDS] = { [SECOND] = 1 };
	unsigned n = split(s, words, N_FIELDS), first = N_FIELDS - n;
	struct cron c = { .last_day = false };

	if (n != N_FIELDS && n != N_FIELDS - 1)
		return wrong;
	for (unsigned i = first; i < N_FIELDS; i++) {
		struct str word = words[i - first];

		c.last_day |= i == DAY && word.n == 1 && (word.p[0] | 0x20) == 'l';
		if (!(i == DAY && c.last_day) && !read_field(&fields[i], word, &bits[i]))
			return wrong;
	}
	take(bits, &c);
	if (!has_a_day(&c))
		return "a day that is in none of these months";
	*ret = c;
	return NULL;
}

/* The next time */

static struct tm local(int64_t t)
{
	time_t at = (time_t)t;
	struct tm tm = { 0 };

	(void)localtime_r(&at, &tm);
	return tm;
}

static bool is_last_day(const struct tm *tm)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year = tm->tm_year + 1900;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return tm->tm_mday == days[tm->tm_mon] + (tm->tm_mon == 1 && leap);
}

static bool is_day(const struct cron *c, const struct tm *tm)
{
	if (!(c->month >> (tm->tm_mon + 1) & 1) || !(c->weekday >> tm->tm_wday & 1))
		return false;
	return c->last_day ? is_last_day(tm) : c->day >> tm->tm_mday & 1;
}

/* Of the day after @tm's, but later than @t. */
static int64_t next_day(struct tm tm, int64_t t)
{
	time_t next;

	tm.tm_mday++;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_isdst = -1;
	next = mktime(&tm);
	return next > t ? next : t + HOUR_S;
}

static int64_t next_hour(const struct tm *tm, int64_t t)
{
	return t + HOUR_S - (int64_t)tm->tm_min * 60 - tm->tm_sec;
}

/* Clocks were put forward to @t, past an hour that was meant. */
static bool has_skipped(const struct cron *c, const struct tm *tm, int64_t t)
{
	int hour;

	if (c->hour == ALL_HOURS || tm->tm_min || tm->tm_sec)
		return false;
	for (hour = (local(t - 1).tm_hour + 1) % 24; hour != tm->tm_hour; hour = (hour + 1) % 24)
		if (c->hour >> hour & 1)
			return true;
	return false;
}

/* Clocks were put back, and it has been that time before. */
static bool is_second_pass(const struct cron *c, const struct tm *tm, int64_t t)
{
	struct tm before = local(t - HOUR_S);

	return c->hour != ALL_HOURS && before.tm_hour == tm->tm_hour && before.tm_min == tm->tm_min;
}

static bool is_hour(const struct cron *c, const struct tm *tm, int64_t t)
{
	return (c->hour >> tm->tm_hour & 1) && !is_second_pass(c, tm, t);
}

static bool is_now(const struct cron *c, const struct tm *tm, int64_t t)
{
	return is_hour(c, tm, t) && (c->minute >> tm->tm_min & 1) && (c->second >> tm->tm_sec & 1);
}

int64_t cron_next(const struct cron *c, int64_t after)
{
	int64_t t = after + 1, end = t + horizon_s;

	while (t < end) {
		struct tm tm = local(t);

		if (is_day(c, &tm) && (has_skipped(c, &tm, t) || is_now(c, &tm, t)))
			return t;
		if (!is_day(c, &tm))
			t = next_day(tm, t);
		else if (!is_hour(c, &tm, t))
			t = next_hour(&tm, t);
		else if (!(c->minute >> tm.tm_min & 1))
			t += 60 - tm.tm_sec;
		else
			t++;
	}
	return -1;
}

void cron_clock_start(struct cron_clock *k, const struct cron *cron, int64_t now)
{
	*k = (struct cron_clock){ cron, cron ? cron_next(cron, now) : -1, now };
}

bool cron_clock_is_due(struct cron_clock *k, int64_t now)
{
	bool due = k->due >= 0 && now >= k->due;

	if (!k->cron)
		return false;
	if (due || now < k->seen - PUT_BACK_S)
		k->due = cron_next(k->cron, now);
	if (due || now > k->seen || now < k->seen - PUT_BACK_S)
		k->seen = now;
	return due;
}
