/* Cron expressions: what is taken has a next time that is later, and matches itself. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "settings/cron.h"

enum { BEGIN = 1767225600 /* 2026 */ };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check(const struct cron *c)
{
	time_t next = (time_t)cron_next(c, BEGIN);
	struct tm tm;

	if (next == -1)
		return;
	(void)gmtime_r(&next, &tm);
	if (next <= BEGIN || !(c->second >> tm.tm_sec & 1) || !(c->minute >> tm.tm_min & 1) ||
	    !(c->hour >> tm.tm_hour & 1) || !(c->month >> (tm.tm_mon + 1) & 1) ||
	    !(c->weekday >> tm.tm_wday & 1) || (!c->last_day && !(c->day >> tm.tm_mday & 1)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	char *text = malloc(n + 1);
	struct cron c;

	if (!text)
		return 0;
	(void)setenv("TZ", "UTC", 1);
	if (n)
		memcpy(text, bytes, n);
	text[n] = '\0';
	if (!cron_parse(text, &c))
		check(&c);
	free(text);
	return 0;
}
