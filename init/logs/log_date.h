/* The time of a line in the words of day.js, which pm2's log_date_format has: YYYY YY MMMM MMM MM M
 * DD D dddd ddd dd d HH H hh h A a mm m ss s SSS Z ZZ; [text] and all else stand for themselves.
 * Local time, English names. Pure but for that. */
#pragma once

#include <stddef.h>
#include <time.h>

enum { LOG_DATE_SIZE = 256 };

/* Writes @dst with its NUL; what has no room is left out. */
void log_date_print(const char *format, const struct timespec *now, char dst[static LOG_DATE_SIZE]);
