/* Cron expressions, as croner 4 reads them for pm2: five fields (minute hour day month weekday), or
 * six with seconds first. Numbers, names (JAN, MON), lists, ranges, steps, and L as the day: the
 * month's last. Unlike in crontab(5) a day must match both as a day of the month and of the week.
 * Times are local (TZ, /etc/localtime). Pure but for that. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct cron {
	uint64_t second, minute; /* a bit for each */
	uint32_t hour, day, month;
	uint8_t weekday; /* 0: Sunday */
	bool last_day;   /* of the month, instead of .day */
};

/* NULL: *ret set. Else what is wrong, a static text. */
const char *cron_parse(const char *s, struct cron *ret);

/* The first time after @after, both in seconds since 1970; -1: there is none within 40 years.
 * Where clocks are put forward, what would be in the hour that is left out is at its end; where
 * they are put back, what is at certain hours is once, in the first pass. */
int64_t cron_next(const struct cron *c, int64_t after);

/* A clock on the wall, looked at now and then. */
struct cron_clock {
	const struct cron *cron; /* NULL, as in one that is all zero: never due */
	int64_t due, seen;       /* -1: never */
};

void cron_clock_start(struct cron_clock *k, const struct cron *cron, int64_t now);
/* Once for each time that has come, and once for all that were slept through. A clock that was put
 * back by less than three hours repeats none. */
bool cron_clock_is_due(struct cron_clock *k, int64_t now);
